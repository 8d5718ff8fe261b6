"""The lessons, and which of their exercises your copies solve.

Looks into the folder lessons/ of a clone, the folder where you are, or the one you name. A lesson is run, by itself and with a time limit, only where
somebody changed one of its exercise cells.

--start DIR makes copies to work in: nothing in them is run yet, no answer is in sight, and git leaves them alone. Used again after an update of the
clone it brings them up to date: what you changed stays as it is, and the new version is laid beside it.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from minifcn.cli.lesson_copies import CALL, WRITTEN, Step, start
from minifcn.cli.options import at_least, refuse_given

LESSON = re.compile(r"\d\d_\w+\.ipynb")
BARS, YOURS = (
    "data/leaderboard.json",
    "my_scores.json",
)  # what lesson 26 asks to beat, and what its check keeps of yours
BESIDE = Path(__file__).resolve().parents[3] / "lessons"  # an editable install lies in its clone
NOT_HERE = (
    "the lessons are notebooks and lie in a clone of the repository, in lessons/, and not in the installed package: clone it, go there and run this "
    "again, or name the folder"
)
SECONDS = 120  # for a lesson
MARKS = {"✓": "passed", "✗": "wrong", "…": "not done"}


class Exercise(NamedTuple):
    """`state`: "passed", "wrong", "not done", or "not reached" where the lesson stopped before it. `hint`: what is said of it."""

    name: str
    state: str
    hint: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", nargs="?", type=Path, metavar="FOLDER", help="where your notebooks lie (./lessons, or here)"
    )
    parser.add_argument(
        "--start",
        type=Path,
        metavar="DIR",
        help="make clean copies to work in, of the clone's lessons or of those in FOLDER; or bring them up to date",
    )
    parser.add_argument("--only", type=at_least(0), metavar="NN", help="one lesson, by its number")
    parser.add_argument("--seconds", type=at_least(1), metavar="S", help="stop a lesson that takes longer (120)")


def run(arguments: argparse.Namespace) -> int:
    if arguments.start is not None:
        refuse_given(
            arguments,
            ("--only", "--seconds"),
            "is about lessons that are run, and --start copies all and runs none; leave it out",
        )
        return copied(find_source(arguments.folder), arguments.start)
    folder = find_folder(arguments.folder)
    notebooks = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if arguments.only is not None:
        notebooks = [path for path in notebooks if path.name.startswith(f"{arguments.only:02d}_")]
        if not notebooks:
            raise ValueError(f"--only {arguments.only}: {folder} has no such lesson")
    done = total = 0
    for path in notebooks:
        found = exercises(path, folder, arguments.seconds or SECONDS)
        done += sum(exercise.state == "passed" for exercise in found)
        total += len(found)
        title, minutes = header(path)
        marks = " ".join({"passed": "✓", "wrong": "✗"}.get(exercise.state, "·") for exercise in found)
        print(f"{title:60} {minutes:>7} min   {marks}", flush=True)
        for exercise in found:
            if exercise.hint:
                print(f"     {exercise.name}: {exercise.hint}")
    print(f"\n{done} of {total} exercises solved (✓ solved, ✗ wrong, · not done). Open one: jupyter lab {folder}")
    if (folder / BARS).is_file():
        print(leaderboard(folder))
    return 0


def leaderboard(folder: Path) -> str:
    """Your best score of lesson 26 among those that there are to beat, best first."""
    entries = numbers(folder / BARS)
    best = numbers(folder / YOURS).get("best")
    if best is not None:
        entries["yours"] = best
    ranked = sorted(entries.items(), key=lambda entry: (-entry[1], entry[0]))
    shown = ", ".join(f"{name} {score:.1f}" for name, score in ranked)
    return f"Leaderboard of lesson 26, mean IU: {shown}" + ("" if best is not None else "; yours: none yet")


def numbers(path: Path) -> dict[str, float]:
    """The numbers in a JSON file by their names; none where there is no file. Raises ValueError where it is not one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}
    except (ValueError, AttributeError) as error:
        raise ValueError(
            f"{path}: not the scores that lesson 26 keeps ({error}); delete it and run that lesson's check again"
        ) from error


def copied(source: Path, folder: Path) -> int:
    """Make or renew the copies, and say what became of them."""
    steps = start(source, folder)
    lessons = [step for step in steps if LESSON.fullmatch(step.name)]
    print(f"{folder}: {len(lessons)} lessons from {source}, {counts(steps)}")
    for step in steps:
        if step.state == "yours":
            print(f"  {step.name}: yours; there is nothing newer")
        if step.state == "beside":
            print(f"  {step.name}: yours, and kept; the new version lies beside it: {step.note}")
    print(
        f"Work in them: jupyter lab {folder}\nSee what is solved: minifcn lessons {folder}\n"
        f"Answers, for after you have tried: {source / 'solutions'}"
    )
    return 0


def counts(steps: list[Step]) -> str:
    """How many files were new, renewed and so on, in words."""
    words = {
        "new": "new", "renewed": "renewed", "as it was": "as they were", "yours": "changed by you", "beside": "kept, with the new version beside"
    }  # fmt: skip
    states = [step.state for step in steps]
    return "files: " + ", ".join(f"{states.count(state)} {said}" for state, said in words.items() if state in states)


def find_source(given: Path | None) -> Path:
    """The folder lessons/ of a clone. Raises ValueError, which says where to get it."""
    places = [given, given / "lessons"] if given else [Path.cwd() / "lessons", Path.cwd(), BESIDE]
    for folder in places:
        if any(folder.glob("[0-9][0-9]_*.ipynb")) and (folder / "src").is_dir():
            return folder
    if given:
        copies = (given / WRITTEN).is_dir()
        raise ValueError(
            f"{given} holds copies of lessons; copies are made from a clone: name its folder lessons/"
            if copies
            else f"{given} is neither a clone of the repository nor its folder lessons/"
        )
    raise ValueError(f"{NOT_HERE}: minifcn lessons CLONE/lessons --start DIR")


def find_folder(given: Path | None) -> Path:
    """The folder with the notebooks. Raises ValueError, which says where to get them."""
    here = Path.cwd()
    for folder in [given] if given else [here / "lessons", here, BESIDE]:
        if any(folder.glob("[0-9][0-9]_*.ipynb")):
            return folder
    if given:
        raise ValueError(f"{given} holds no lesson, such as 01_slopes_by_hand.ipynb")
    raise ValueError(f"{NOT_HERE}: minifcn lessons FOLDER")


def code_cells(path: Path) -> list[str]:
    """The code of a notebook. Raises ValueError where the file is no notebook."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a notebook that can be read ({error!r}); save it again in Jupyter") from error


def header(path: Path) -> tuple[str, str]:
    """Title and minutes ("15", or "15 + 25" for reading and exercises), from the first cell that begins with a title."""
    cells = ["".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    text = next((cell for cell in cells if cell.startswith("# ")), path.stem)
    title = text.splitlines()[0].lstrip("# ").strip()
    minutes = re.search(r"\*\*Time\*\* (?:about )?(\d+)(?: minutes to read, (\d+))?", text)
    return title, " + ".join(filter(None, minutes.groups())) if minutes else "?"


def exercises(path: Path, folder: Path, seconds: int) -> list[Exercise]:
    """The exercises of a notebook, each with its state. Only a notebook in which one was changed is run."""
    cells = code_cells(path)
    names = [name for cell in cells for name in CALL.findall(cell)]
    stubs = as_written(path, folder)
    if names and all(cell.strip() in stubs for cell in cells if CALL.search(cell)):
        return [Exercise(name, "not done") for name in names]
    return told(names, *run_cells(cells, folder, seconds))


def as_written(path: Path, folder: Path) -> str:
    """The lesson's code before anybody changed it: of a copy what was written, of a clone the source."""
    record, source = folder / WRITTEN / path.name, folder / "src" / f"{path.stem}.py"
    if record.is_file():
        return "\n\n".join(code_cells(record))
    return source.read_text(encoding="utf-8") if source.is_file() else ""


def run_cells(cells: list[str], folder: Path, seconds: int) -> tuple[str, str]:
    """What the cells print, and the last line of the error that stopped them, if one did. Figures are drawn for nobody."""
    script = "\n".join(line for cell in cells for line in [*cell.splitlines(), ""] if not line.startswith(("%", "!")))
    environment = os.environ | {
        "MPLBACKEND": "Agg",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-"], input=script, capture_output=True, text=True, encoding="utf-8", cwd=folder,
            env=environment, timeout=seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        return text_of(error.stdout), f"took more than {seconds} s"
    lines = done.stderr.strip().splitlines()
    return done.stdout, (lines[-1] if lines else "stopped") if done.returncode else ""


def text_of(output: Any) -> str:
    return output.decode("utf-8", "replace") if isinstance(output, bytes) else output or ""


def told(names: list[str], output: str, stopped: str) -> list[Exercise]:
    """The verdicts that a run printed, in the order of `names`."""
    verdicts = {}
    for line in output.splitlines():
        mark, _, rest = line.partition(" ")
        name, _, hint = rest.partition(": ")
        if mark in MARKS and name in names:
            verdicts[name] = Exercise(name, MARKS[mark], hint if mark == "✗" else "")
    found = [verdicts.get(name, Exercise(name, "not reached")) for name in names]
    missing = [number for number, exercise in enumerate(found) if exercise.state == "not reached"]
    if missing and stopped:
        found[missing[0]] = found[missing[0]]._replace(hint=f"the notebook stops before it: {stopped}")
    return found
