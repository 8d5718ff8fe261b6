"""Label Studio's JSON export, long or short, with its regions, and the brush PNGs beside it, which know nothing of pictures.

Source: files written by label-studio-sdk 2.1.2 and its `converter/brush.py`. The JSON holds the brushes as run lengths, so the
PNGs are read only where it does not. The COCO exports are read as COCO.
"""

import re
from collections import Counter
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from minifcn.data.errors import DataError
from minifcn.data.formats.coco.painting import overlap_note, put
from minifcn.data.formats.finding import PICTURES, read_json
from minifcn.data.formats.picture_index import PictureIndex, spellings, stored_size
from minifcn.data.formats.source import BACKGROUND, Format, Item, Options, Source, class_or_void
from minifcn.data.formats.tools.labelstudio_regions import (
    BRUSH_FILE,
    Region,
    brush_files,
    region_of,
    region_of_file,
)

MANY = 100  # of one file a picture other tools write so many
HEAD = re.compile(r"^\s*\[\s*\{")
KEYS = ("annotations", "completions", "annotation_id", "brushlabels", "polygonlabels", "bitmasklabels", "rle")
BARE_BRUSHES = (
    "these are Label Studio's brush masks, one file a region: they are linked to their pictures by a task's number alone, "
    "which only the JSON export knows. Export the project as JSON too and put that file beside them"
)

Task = dict[str, object]


def recognise(source: Path) -> str | None:
    files = json_files(source)
    if files:
        return f"{files[0].name}, a JSON file of Label Studio's tasks, is there"
    if source.is_dir():
        for path in (*source.glob("task-*"), *source.glob("*/task-*")):
            if BRUSH_FILE.match(path.stem):
                return f"{path.name}, named as Label Studio names brushes, is there"
    return None


def json_files(source: Path) -> list[Path]:
    if source.is_file():
        return [source] if source.suffix.lower() == ".json" and looks_like_tasks(source) else []
    found = sorted(source.glob("*.json")) if source.is_dir() else []
    return [path for path in found if looks_like_tasks(path)] if len(found) < MANY else []


def looks_like_tasks(path: Path, head: int = 1 << 16) -> bool:
    """By its beginning: a list of objects with one of the tool's keys. Brushes make such files large."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            text = file.read(head)
    except OSError:
        return False
    return bool(HEAD.match(text)) and any(f'"{key}"' in text for key in KEYS)


def read(source: Path, options: Options) -> Source:
    files = json_files(source) or ([source] if source.is_file() else [])
    if not files:
        raise DataError(f"{source}: {BARE_BRUSHES}")
    root = source if source.is_dir() else source.parent
    gathered = Gathered(root, options)
    for path in files:
        for place, task in enumerate(tasks_of(path)):
            gathered.add(task, f"{path}: task {task.get('id', place)}")
    return gathered.source()


def tasks_of(path: Path) -> list[Task]:
    tasks = read_json(path)
    if not (isinstance(tasks, list) and all(isinstance(task, dict) for task in tasks)):
        raise DataError(f"{path}: expected a list of tasks, as Label Studio's JSON export is")
    return tasks


class Gathered:
    """What the tasks come to: pictures with their regions, and what has to be said."""

    def __init__(self, root: Path, options: Options) -> None:
        self.root = root
        self.files = brush_files(root)
        folders = [options.pictures] if options.pictures and options.pictures.is_dir() else []
        self.index = PictureIndex(*folders, root, without=BRUSH_FILE)
        self.found: list[tuple[str, Path | None, list[Region]]] = []
        self.left_out: dict[str, list[str]] = {}
        self.counts: Counter[str] = Counter()
        self.overlaps: dict[str, int] = {}

    def add(self, task: Task, which: str) -> None:
        named = picture_named(task)
        if named is None:
            raise DataError(f"{which}: names no picture; its data are {list(data_of(task))}")
        picture = self.index.find(named)
        name = picture.stem if picture else PurePosixPath(spellings(named)[-1][-1]).stem
        annotations = annotations_of(task)
        if not annotations:
            self.left_out.setdefault("tasks that nobody annotated", []).append(name)
            return
        self.counts["tasks"] += len(annotations) > 1
        results = annotations[0].get("result") or []
        if not (isinstance(results, list) and all(isinstance(each, dict) for each in results)):
            raise DataError(f"{which}: its result is no list of regions")
        if any(each.get("image_rotation") for each in results):
            self.left_out.setdefault("pictures that were turned in Label Studio while they were labelled", []).append(
                name
            )
            return
        controls = {str(each.get("from_name")) for each in results}
        regions = [
            region
            for each in results
            if (region := region_of(each, self.counts, f"{which}, region {each.get('id', '')} ({each.get('type')})"))
        ]
        if not regions:
            paths = self.files.get((str(task.get("id")), str(annotations[0].get("id"))), [])
            regions = [region_of_file(path, controls) for path in paths]
            self.counts["brush files"] += len(regions)
        self.counts["pictures without a region"] += not regions
        self.found.append((name, picture, regions))

    def source(self) -> Source:
        labels = sorted({region.label for _, _, regions in self.found for region in regions})
        if not labels:
            raise DataError(f"{self.root}: no brush, bitmask or polygon is in the tasks{self.others()}")
        numbers = {label: place for place, label in enumerate(labels, 1)}
        items = [
            Item(name, picture, None, partial(self.labels, name, picture, regions, numbers))
            for name, picture, regions in self.told_apart()
        ]
        meaning: dict[int, str | None] = {0: BACKGROUND}
        meaning.update((number, class_or_void(label)) for label, number in numbers.items())
        if left := self.index.left((picture for _, picture, _ in self.found), self.root):
            self.left_out["pictures that no annotated task names"] = left
        return Source(items, meaning, False, self.left_out, self.notes(), later=self.later)

    def labels(self, name: str, picture: Path | None, regions: list[Region], numbers: dict[str, int]) -> np.ndarray:
        """int32 (H, W): the regions in their order, the later on top."""
        size = next((region.size for region in regions if region.size), None)
        if size is None:
            if picture is None:
                raise DataError(f"{name}: neither the tasks nor a picture say how large it is")
            size = stored_size(picture)
        labels = np.zeros(size, np.int32)
        taken = 0
        for region in regions:
            mask, number = region.mask(*size), numbers[region.label]
            taken += put(labels, mask, number, 0)
        self.overlaps[name] = taken
        return labels

    def told_apart(self) -> list[tuple[str, Path | None, list[Region]]]:
        """Pictures of one name in several folders get the folder's name before theirs."""
        tasks = Counter(picture for _, picture, _ in self.found if picture)
        if again := next((picture for picture, count in tasks.items() if count > 1), None):
            raise DataError(
                f"{tasks[again]} annotated tasks are about the picture {again}; delete all but one in Label Studio, or take them out of the JSON"
            )
        times = Counter(name for name, _, _ in self.found)
        return [
            (f"{picture.parent.name}/{name}" if times[name] > 1 and picture else name, picture, regions)
            for name, picture, regions in self.found
        ]

    def others(self) -> str:
        kinds = [
            f"{count} {kind}"
            for kind, count in self.counts.items()
            if count and kind in ("boxes", "ellipses", "points", "lines")
        ]
        return f", but {' and '.join(kinds)}: they do not say which pixels an object has" if kinds else ""

    def notes(self) -> list[str]:
        said = [
            f"{self.counts[kind]} {kind} are no areas, left out"
            for kind in ("boxes", "ellipses", "points", "lines")
            if self.counts[kind]
        ]
        if self.counts["tasks"]:
            said.append(
                f"{self.counts['tasks']} tasks have several annotations: the one marked as ground truth is taken, else the newest"
            )
        if self.counts["pictures without a region"]:
            said.append(
                f"{self.counts['pictures without a region']} pictures were submitted without a region: all background"
            )
        said += [
            f"{self.counts[kind]} {kind}"
            for kind in self.counts
            if kind.startswith("regions with") and self.counts[kind]
        ]
        return said

    def later(self) -> list[str]:
        unsaid = "the files do not say which is on top: the later name"
        return overlap_note(self.overlaps, unsaid if self.counts["brush files"] else "the later region")


def data_of(task: Task) -> Task:
    """What a task is about: the long JSON has it in `data`, the short one in the task itself."""
    data = task.get("data")
    return data if isinstance(data, dict) else task


def picture_named(task: Task) -> str | None:
    texts = [value for value in (*data_of(task).values(), task.get("file_upload")) if isinstance(value, str)]
    return next(
        (text for text in texts if spellings(text)[-1:] and spellings(text)[-1][-1].lower().endswith(PICTURES)), None
    )


def annotations_of(task: Task) -> list[Task]:
    """The annotations that count, the best first: ground truth, then the newest. What was skipped is none."""
    listed = task.get("annotations", task.get("completions"))
    if listed is None:  # the short JSON: one annotation, its regions under the names of the controls
        results = [
            each for value in task.values() if isinstance(value, list) for each in value if isinstance(each, dict)
        ]
        return [{"id": task.get("annotation_id"), "result": results}]
    if not (isinstance(listed, list) and all(isinstance(each, dict) for each in listed)):
        raise DataError(f"task {task.get('id')}: its annotations are no list of objects; export it as JSON again")
    counted = [each for each in listed if not (each.get("was_cancelled") or each.get("skipped"))]
    return sorted(
        counted, key=lambda each: (bool(each.get("ground_truth")), str(each.get("created_at") or "")), reverse=True
    )


FORMAT = Format("labelstudio", "Label Studio's JSON, with its brush PNGs or without", recognise, read)
