"""What a person should see of a YOLO set: classes without names, pictures without labels, how outlines are filled."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from minifcn.data.formats.shapes.extent import places_said
from minifcn.data.formats.source import VOID_NAME
from minifcn.data.formats.yolo.drawing import DRAWN, EITHER, RECTANGLES, TRACED
from minifcn.data.formats.yolo.lines import Labels


def notes_on_classes(named: Path | None, names: Mapping[int, str], background: int) -> list[str]:
    said = [f"what no outline covers is called {background} here, the number behind the last class"]
    if not names:
        said.append(
            "no data.yaml and no classes.txt names the classes, so they are called by their numbers; "
            f"--values 0=NAME,1=NAME,…,{background}=background names them"
        )
    twice = sorted(name for name, count in Counter(names.values()).items() if count > 1 and name != VOID_NAME)
    if twice:
        said.append(f"{named} gives the name {twice[0]!r} to several classes: they become one")
    return said


def notes_on_pictures(taken: list[tuple[Path, Path | None]], labels: Mapping[Path, Labels]) -> list[str]:
    said = []
    if missing := sum(text is None for _, text in taken):
        said.append(
            f"{missing} of {len(taken)} pictures have no label file: all background, as Ultralytics takes them. Were they not labelled yet, take "
            "them out"
        )
    if empty := sum(text is not None and not labels[text].outlines for _, text in taken):
        said.append(f"{empty} label files hold no outline: all background")
    if points := sum(labels[text].points for _, text in taken if text):
        said.append(f"{points} lines are points, left out")
    return said


def notes_on_outlines(seen: Counter[str], rims: set[str]) -> list[str]:
    total = seen[DRAWN] + seen[TRACED] + seen[EITHER]
    said = []
    if covered := sum(seen[kind] for kind in rims):
        said.append(
            f"{covered} of {total} outlines were traced along the pixels of masks: they are filled with their rims"
        )
    if seen[RECTANGLES] == total:
        said.append(
            f"all {total} outlines are rectangles, of oriented boxes perhaps: they are filled whole, whatever lies in them"
        )
    return [*said, *places_said(seen)]
