"""Make the notebooks: each source in src/ is executed in a fresh kernel and written with its outputs; then the map in README.md.

    python lessons/make.py            all of them (make lessons)
    python lessons/make.py 05 07      some
    python lessons/make.py --check    execute and hold against what is there, write nothing
    python lessons/make.py --links    execute nothing: only the links to neighbours, the badges and the map anew

An error, a warning, a line on stderr or a cell over its time fails. Real VOC pictures are never written into a notebook: MINIFCN_DATA
is taken away unless --check is given.
"""

import argparse
import base64
import io
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import pages

HERE = Path(__file__).resolve().parent
CELL_SECONDS, FIGURE_BYTES, FOLDER_BYTES = 60, 80_000, 15_000_000
BEGIN, END = "<!-- the map, made by make.py -->", "<!-- end of the map -->"
ORDERS_BEGIN, ORDERS_END = "<!-- the orders, made by make.py -->", "<!-- end of the orders -->"
PICTURE = "picture"  # the tag of the cell whose figure stands in the map
PAPER = {
    "1": "Introduction",
    "2": "Related work",
    "3": "Fully convolutional networks",
    "3.1": "Adapting classifiers for dense prediction",
    "3.2": "Shift-and-stitch is filter rarefaction",
    "3.3": "Upsampling is backwards strided convolution",
    "3.4": "Patchwise training is loss sampling",
    "4": "Segmentation architecture",
    "4.1": "From classifier to dense FCN",
    "4.2": "Combining what and where",
    "4.3": "Experimental framework",
    "5": "Results",
    "6": "Conclusion",
    "appendix A": "Upper bounds on IU",
    "appendix B": "More results",
}


class LessonError(Exception):
    """A lesson does not run as it should, and what is wrong."""


def sources(numbers: list[str] | None = None) -> list[Path]:
    """The sources in order, or those whose names begin with `numbers`."""
    found = sorted((HERE / "src").glob("[0-9][0-9]_*.py"))
    for number in numbers or ():
        if not any(path.name.startswith(number) for path in found):
            raise LessonError(f"there is no lesson {number!r}; there are {', '.join(path.stem for path in found)}")
    return [path for path in found if not numbers or path.name.startswith(tuple(numbers))]


def notebook_of(source: Path) -> Path:
    return HERE / f"{source.stem}.ipynb"


def read(source: Path) -> Any:
    """The source as a notebook without outputs; its ids follow from the order of the cells, so that two runs make one file."""
    import jupytext

    notebook = jupytext.read(source)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02d}"
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
    code = next((number for number, cell in enumerate(notebook.cells) if cell.cell_type == "code"), 0)
    if source in sources():
        notebook.cells.insert(code, pages.first_cell())
    return notebook


def execute(source: Path) -> tuple[Any, float]:
    """The notebook with its outputs, and how many seconds it took. Raises LessonError."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    notebook = read(source)
    start = time.perf_counter()
    client = NotebookClient(
        notebook, timeout=CELL_SECONDS, kernel_name="python3", resources={"metadata": {"path": str(HERE)}},
        record_timing=False, extra_arguments=["--IPKernelApp.log_level=40"],  # the kernel's own remarks are none of the lesson's
    )  # fmt: skip
    try:
        client.execute()
    except CellTimeoutError as error:
        raise LessonError(f"{source.stem}: a cell took more than {CELL_SECONDS} s") from error
    except CellExecutionError as error:
        raise LessonError(f"{source.stem}: {error}") from error
    seconds = time.perf_counter() - start
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            if output.output_type == "stream" and output.name == "stderr":
                raise LessonError(f"{source.stem}, cell {number}: says on stderr: {output.text.strip()[-500:]}")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
    faults = faults_of(notebook)
    if faults:
        raise LessonError(f"{source.stem}: {'; '.join(faults)}")
    return notebook, seconds


def joined(outputs: list[Any]) -> list[Any]:
    """What a cell printed at one go as one output: it arrives in pieces when the machine is busy, and a page breaks the line there."""
    whole: list[Any] = []
    for output in outputs:
        last = whole[-1] if whole else None
        if last is not None and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            whole.append(output)
    return whole


def figures(notebook: Any) -> list[tuple[int, Any]]:
    """(number of the cell, output) of every picture."""
    return [
        (number, output)
        for number, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", ())
        if pages.PICTURES.keys() & output.get("data", {}).keys()
    ]


def faults_of(notebook: Any) -> list[str]:
    """What a reader would stumble over: figures too large or without words, very long outputs."""
    faults = []
    for number, output in figures(notebook):
        kind = next(kind for kind in pages.PICTURES if kind in output["data"])
        content = output["data"][kind]
        size = len(base64.b64decode(content) if kind == "image/png" else content.encode())
        if size > FIGURE_BYTES:
            faults.append(f"cell {number}: a figure of {size} bytes; expected at most {FIGURE_BYTES}")
        if not output.get("metadata", {}).get(kind, {}).get("alt", "").strip():
            faults.append(f"cell {number}: a figure without alt text; show it with look.show(figure, alt=…)")
    for number, cell in enumerate(notebook.cells):
        lines = sum(str(output.get("text", "")).count("\n") for output in cell.get("outputs", ()))
        if lines > 40:
            faults.append(f"cell {number}: prints {lines} lines; expected at most 40")
    return faults


def page_of(source: Path, notebook: Any) -> pages.Page:
    """What a reader gets of the lesson, executed or not."""
    titles = {each.stem: header_of(each)["title"] for each in sources()}
    return pages.page(notebook, source.stem, titles)


def write(source: Path, page: pages.Page) -> None:
    """The notebook, its pictures that lie beside it, and the words of its figures among those of the other lessons."""
    import nbformat

    nbformat.write(page.notebook, notebook_of(source))
    figures, number = HERE / "figures", source.stem[:2]
    (figures / "answers").mkdir(parents=True, exist_ok=True)
    for path in (figures / "answers").glob(f"{number}-*"):
        if path.name not in page.pictures:
            path.unlink()
    for name, content in page.pictures.items():
        (figures / "answers" / name).write_bytes(content)
    file = figures / "words.json"
    words = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    words = {key: text for key, text in words.items() if key[:2] != number} | page.words
    file.write_text(json.dumps(words, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def write_links(source: Path) -> None:
    """The committed notebook with the links, badges and first cell of today; what it showed stays."""
    import nbformat

    path = notebook_of(source)
    notebook = nbformat.read(path, as_version=4)
    today = {cell["id"]: cell.source for cell in page_of(source, read(source)).notebook.cells if pages.is_made(cell)}
    for cell in notebook.cells:
        cell.source = today.get(cell["id"], cell.source)
    nbformat.write(notebook, path)


def header_of(source: Path) -> dict[str, str]:
    """Title, minutes, what is needed before and the paper's section, from the first cell of a lesson."""
    text = " ".join(line.removeprefix("#").strip() for line in first_cell(source))
    title = next(line for line in first_cell(source) if line.startswith("# # ")).removeprefix("# # ").strip()
    found = {"title": title}
    for key in ("You need", "Time", "Paper"):
        if f"**{key}**" not in text:
            raise LessonError(f"{source.stem}: its first cell has no **{key}**")
        rest = text.split(f"**{key}**", 1)[1].split("**")[0].split("  ")[0]  # two blanks: a paragraph ends
        found[key] = rest.strip().rstrip(".").strip()
    return found


def first_cell(source: Path) -> list[str]:
    lines = source.read_text(encoding="utf-8").split("# %% [markdown]\n", 1)[1].splitlines()
    stop = next((number for number, line in enumerate(lines) if line.startswith(("# %%", "# ## "))), len(lines))
    return lines[:stop]


def thumbnail(notebook: Any, path: Path) -> None:
    """The picture of a lesson in the map: the figure of the cell tagged `picture`, or the first one; 200 pixels wide."""
    from PIL import Image

    shown = [(number, output) for number, output in figures(notebook) if "image/png" in output["data"]]
    if not shown:
        return
    tagged = [output for number, output in shown if PICTURE in notebook.cells[number].metadata.get("tags", ())]
    image = Image.open(io.BytesIO(base64.b64decode((tagged or [shown[0][1]])[0]["data"]["image/png"]))).convert("RGB")
    image.thumbnail((200, 120), Image.Resampling.LANCZOS)
    path.parent.mkdir(exist_ok=True)
    image.quantize(64).save(path, optimize=True)


def road() -> str:
    """The map: a row a lesson, with its picture. Two columns, which a phone can show."""
    rows = ["| | lesson |", "|---|---|"]
    for source in sources():
        header = header_of(source)
        picture = HERE / "figures" / f"{source.stem}.png"
        shown = f"![](figures/{picture.name})" if picture.exists() else ""
        about = f"{header['Time']}. You need {header['You need']}. Paper: {header['Paper']}."
        rows.append(f"| {shown} | **[{header['title']}]({source.stem}.ipynb)**<br>{about} |")
    return "\n".join(rows)


def minutes_of(source: Path) -> tuple[int, int]:
    """What a lesson says it takes to read, and with its exercises."""
    found = [int(number) for number in re.findall(r"\d+", header_of(source)["Time"])]
    return found[0], sum(found)


def orders() -> str:
    """The orders in which to read, with the time that each takes."""
    lines = []
    for reader, (numbers, remark) in pages.ORDERS.items():
        chosen = sources(numbers.split() if numbers else None)
        links = " ".join(f"[{source.stem[:2]}]({source.stem}.ipynb)" for source in chosen) + ". " if numbers else ""
        reading, whole = (round(sum(each) / 60) for each in zip(*map(minutes_of, chosen), strict=True))
        hours = f"{reading} hours" + (f" to read, {whole} with the exercises" if whole > reading else "")
        lines.append(f"- **{reader}** ({hours}): {links}{remark}")
    return "\n".join(lines)


def sections_of(source: Path) -> set[str]:
    """The parts of the paper that a lesson names behind **Paper** and under "## In the paper": {"3.1", "appendix A"}."""
    closing = source.read_text(encoding="utf-8").split("## In the paper")[-1].replace("\n# ", " ")
    text = f"{header_of(source)['Paper']}\n{closing}"
    found = re.findall(r"\b[Aa]ppendi(?:x|ces) ([AB])(?:(?:,| and)+ ([AB]))?", text)
    named = {f"appendix {letter}" for letters in found for letter in letters if letter}
    for numbers in re.findall(r"\b[Ss]ections? (\d(?:\.\d)?(?:(?:,| and)+ \d(?:\.\d)?\b)*)", text):
        named |= set(re.findall(r"\d(?:\.\d)?", numbers))
    if named - set(PAPER):
        raise LessonError(
            f"{source.stem} names {', '.join(sorted(named - set(PAPER)))}; the paper has {', '.join(PAPER)}"
        )
    return named


def index() -> str:
    """Section of the paper -> lessons."""
    named = {source: sections_of(source) for source in sources()}
    rows = ["| paper | | lessons |", "|---|---|---|"]
    for section, title in PAPER.items():
        links = [f"[{source.stem[:2]}]({source.stem}.ipynb)" for source, found in named.items() if section in found]
        rows.append(f"| {section} | {title} | {' '.join(links)} |")
    return "\n".join(rows)


def with_map(text: str) -> str:
    """README.md with the reading orders, the map and the paper's sections of today between their marks."""
    both = f"{road()}\n\n## From the paper to the lessons\nWhere each section is shown; lesson 22 does it sentence by sentence.\n\n{index()}"
    return between(between(text, ORDERS_BEGIN, orders(), ORDERS_END), BEGIN, both, END)


def between(text: str, begin: str, content: str, end: str) -> str:
    before, rest = text.split(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}"


def stale(source: Path, notebook: Any) -> str:
    """What of the committed notebook is not this source, or ""."""
    import nbformat

    path = notebook_of(source)
    if not path.exists():
        return f"{path.name} is missing"
    committed, made = (
        [(cell.cell_type, cell.source, cell.metadata) for cell in pages.blank(cells)]
        for cells in (nbformat.read(path, as_version=4).cells, page_of(source, notebook).notebook.cells)
    )
    return (
        "" if committed == made else f"{path.name} is not made from its source of today; run make.py {source.stem[:2]}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", nargs="*", metavar="NN", help="lessons by their numbers (all)")
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--links", action="store_true", help="execute nothing; links, badges and the map alone")
    arguments = parser.parse_args()
    if not arguments.check:
        os.environ.pop("MINIFCN_DATA", None)
    failed, spent = 0, 0.0
    for source in sources(arguments.numbers):
        if arguments.links:
            write_links(source)
            continue
        try:
            notebook, seconds = execute(source)
            if arguments.check and stale(source, notebook):
                raise LessonError(stale(source, notebook))
        except LessonError as error:
            failed += 1
            print(f"✗ {error}", file=sys.stderr)
            continue
        spent += seconds
        print(f"✓ {source.stem:40} {seconds:5.1f} s", flush=True)
        if not arguments.check:
            write(source, page_of(source, notebook))
            thumbnail(notebook, HERE / "figures" / f"{source.stem}.png")
    if not arguments.links:
        print(f"{spent:.0f} s in all, {failed} failed")
    readme = HERE / "README.md"
    if not arguments.check and readme.exists():
        readme.write_text(with_map(readme.read_text(encoding="utf-8")), encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
