"""The pages as a reader of a clone has them: links and anchors lead somewhere, and what is made from the code is today's."""

import importlib
import re
from urllib.parse import unquote

import pytest

from tests.docs.loading import ROOT, script

reading, commands = script("reading"), script("commands")
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "findings").glob("*.md"), ROOT / "lessons/README.md"]
)
CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors_of(page):
    """The anchors of a page's headings, as GitHub and the site make them: small letters, words joined by hyphens."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """The pictures of README.md may come later than the page in a branch, but not in a release: this test says which are missing."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    lost = []
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists():
            lost.append(link)
        elif anchor and target.suffix == ".md" and anchor not in anchors_of(target.read_text(encoding="utf-8")):
            lost.append(f"{link}: no such heading")
    assert not lost


def test_the_command_line_page_is_the_parsers():
    made = commands.page(commands.parser())
    assert commands.PAGE.read_text(encoding="utf-8") == made, "run: python docs/make/commands.py"


def test_the_command_line_page_names_every_option():
    """Read from --help itself, which the page is not made from."""
    page = re.sub(r"&#(\d+);", lambda code: chr(int(code[1])), commands.PAGE.read_text(encoding="utf-8"))
    for name in ("train", "eval", "predict", "bench", "gradcheck", "check-data"):
        section = page.split(f"## minifcn {name}\n")[1].split("\n## ")[0]
        top = commands.parser()
        choices = next(action.choices for action in top._actions if hasattr(action, "choices") and action.choices)
        options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", choices[name].format_help())) - {"--help"}
        assert options, name
        assert not {option for option in options if option not in section}


@pytest.mark.parametrize(
    "action, row",
    [
        (
            dict(flags=["--a-b"], metavar="6G|80%", help="of x_y, not --c"),
            "| <code>--a-b 6G&#124;80%</code> | of x&#95;y, not <code>--c</code> |",
        ),
        (dict(flags=["--d"], required=True, metavar="F"), "| <code>--d F</code> | must be given |"),
        (
            dict(flags=["--e"], choices=["one", "two"]),
            "| <code>--e …</code> | one of <code>one</code>, <code>two</code> |",
        ),
        (dict(flags=["f"], nargs="*", metavar="F", help="<files>"), "| <code>F</code> | &lt;files&gt; |"),
        (dict(flags=["--g"], action="store_true", help="(%(default)s)"), "| <code>--g</code> | (False) |"),
    ],
)
def test_rows_of_the_command_line_page(action, row):
    parser = commands.argparse.ArgumentParser(prog="p")
    made = parser.add_argument(*action.pop("flags"), **action)
    assert commands.row(parser, made) == row


def test_options_that_exclude_each_other_say_so():
    parser = commands.argparse.ArgumentParser(prog="p")
    group = parser.add_mutually_exclusive_group()
    steps = group.add_argument("--steps", help="how many")
    group.add_argument("--epochs")
    assert commands.row(parser, steps).endswith("| how many; not together with <code>--epochs</code> |")


def test_the_reading_list_is_todays():
    assert reading.faults(reading.PAGE.read_text(encoding="utf-8")) == [], (
        "run: python docs/make/reading.py, and mend what it still says"
    )


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("| 110 |", "| 111 |", "minifcn/autodiff/walk.py: the page says 111 lines, it has 110"),
        ("[minifcn/autodiff/walk.py]", "[minifcn/autodiff/gone.py]", "minifcn/autodiff/gone.py: no such file"),
        ("| [minifcn/nn](", "| [minifcn/nm](", "minifcn/nn/: no line for this room"),
        ("| [minifcn/nn](", "| [minifcn/nm](", "minifcn/nm/: no such room"),
        ("| 12 | ", "| - | ", "the list has 11 files"),
        (" lines, an evening", " pages, an evening", "the sentence with the sum of lines is gone"),
    ],
)
def test_the_reading_list_tells_what_is_off(old, new, said):
    page = reading.PAGE.read_text(encoding="utf-8")
    lines = reading.lines_of("minifcn/autodiff/walk.py")
    old, new, said = (text.replace("110", str(lines)).replace("111", str(lines + 1)) for text in (old, new, said))
    assert old in page
    assert any(fault.startswith(said) for fault in reading.faults(page.replace(old, new)))


def test_the_counts_are_rewritten():
    page = reading.PAGE.read_text(encoding="utf-8")
    stale = re.sub(r"(?<=\) \| )\d+(?= \|)", "7", page)
    assert stale != page and reading.faults(stale)
    assert reading.counted(stale) == page


def test_every_public_name_has_a_page():
    """A whole module by `::: minifcn.ops`, or some of its names by `members`: nothing that is offered is left out."""
    import minifcn as mf

    pages = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs/api").glob("*.md"))
    shown = set(re.findall(r"^::: (\S+)", pages, re.MULTILINE))
    listed = {name.strip() for names in re.findall(r"members: \[(.*)\]", pages) for name in names.split(",")}
    for name in mf.__all__:
        value = getattr(mf, name)
        room = getattr(value, "__file__", None)
        if room:
            home = value.__name__
            assert home in shown or any(each.startswith(home + ".") for each in shown), (
                f"docs/api has no page for {home}"
            )
        elif name != "__version__":
            assert name in listed, f"docs/api/tensors.md does not list {name}"
    for name, home in importlib.import_module("minifcn.draw").LATER.items():
        assert home in shown and name in listed, f"docs/api/draw.md does not show {home}.{name}"
