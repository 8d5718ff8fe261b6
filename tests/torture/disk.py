"""A full disk at every thing that every writer asks of it: the sentence names the file and the way on, what was there is whole, and then it works."""

import builtins
import errno
import io
import os
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from training.helpers import RUN_MODULE, make_small_set, random_model, three_stripes, write_set

import minifcn as mf
from minifcn.cli.main import main
from minifcn.data import ClassMap, make_synthetic, write_labels
from minifcn.data.labels import colour_map
from minifcn.draw import curves
from minifcn.draw.diagrams.graph import graph
from minifcn.files import is_draft

from . import small_disk
from .harness import Attempt, Bench, Lost, Promise, some_of

SAYS = r"No space left on device|is full"


@dataclass
class Full:
    """A disk that is full from its `first` request on, for everything below `folder`; `asked` counts the requests."""

    folder: str
    first: int | None = None
    asked: int = 0

    def no_room(self) -> bool:
        self.asked += 1
        return self.first is not None and self.asked > self.first

    def below(self, path: Any) -> bool:
        return isinstance(path, str | os.PathLike) and os.path.abspath(os.fspath(path)).startswith(self.folder)


def full_error(path: Any = None) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *([] if path is None else [str(path)]))


class HalfFile(io.FileIO):
    """Writes what still has room, which is half of it; as the system's own, the error names no file."""

    disk: Full

    def write(self, content: Any) -> int:
        content = bytes(content)
        if self.disk.no_room():
            super().write(content[: len(content) // 2])
            raise full_error()
        return super().write(content)


@contextmanager
def filling(disk: Full) -> Iterator[None]:
    """Openings for writing, writes, fsyncs, renames and new folders below the disk's folder are counted, and fail from the chosen one on."""
    plain = {name: getattr(os, name) for name in ("fsync", "replace", "rename", "mkdir")}
    opened = io.open
    half = type("HalfFileOfThisDisk", (HalfFile,), {"disk": disk})

    def opening(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if not (set(mode) & set("wxa") and disk.below(file)):
            return opened(file, mode, *arguments, **options)
        if disk.no_room():
            raise full_error(file)
        raw = half(file, mode.replace("b", "").replace("t", ""))
        if "b" in mode:
            return raw
        return io.TextIOWrapper(
            raw,
            encoding=options.get("encoding"),
            errors=options.get("errors"),
            newline=options.get("newline"),
            write_through=True,
        )

    def asking(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if (name == "fsync" or disk.below(arguments[0])) and disk.no_room():
                raise full_error(None if name == "fsync" else arguments[0])
            return plain[name](*arguments, **options)

        return call

    try:
        builtins.open = io.open = opening
        for name in plain:
            setattr(os, name, asking(name))
        yield
    finally:
        builtins.open = io.open = opened
        for name, function in plain.items():
            setattr(os, name, function)


Write = Callable[[Path], None]


@dataclass
class Writer:
    """`write(folder)`: writes there, raises or not. `before(folder)`: what lies there already, which must stay whole. `says`: the way on."""

    write: Write
    before: Write | None = None
    says: str = "make room"


class Said(Exception):
    """A command that ended with a sentence."""


def command(line: str) -> None:
    """A line of `minifcn`; Said where it fails."""
    heard = io.StringIO()
    with redirect_stderr(heard), redirect_stdout(io.StringIO()):
        status = main(shlex.split(line))
    if "Traceback" in heard.getvalue():
        raise Lost(f"a traceback: {heard.getvalue()[-300:]}")
    if status:
        raise Said(heard.getvalue())


def writers(place: Path) -> dict[str, Writer]:
    RUN_MODULE.CHECKPOINT_SECONDS = 0
    data = make_small_set(place / "set")
    model = random_model(classes=ClassMap.own(("sky", "wood", "brick")))
    mf.models.save(model, place / "model.safetensors")
    photo = place / "photo.jpg"
    Image.fromarray(three_stripes(0, (0, 1, 2))[0]).save(photo)
    numbers = three_stripes(0, (0, 1, 2))[1]
    scored = write_set(place / "scored", [three_stripes(seed, (0, 1, 2)) for seed in range(3)])
    (scored / "class_names.txt").write_text("".join(f"{name}\n" for name in model.class_names))
    train = f"train --data {data} --width 2 --size 32 --batch 2 --steps 2 --lr 0.1 --val-every 1"

    def coloured(folder: Path) -> None:
        labels = next((make_small_set(folder / "set") / "SegmentationClass").iterdir())
        image = Image.open(labels)
        Image.fromarray(colour_map()[np.array(image)]).save(labels)

    def old(*names: str, content: bytes = b"what was there") -> Write:
        def write(folder: Path) -> None:
            for name in names:
                (folder / name).write_bytes(content)

        return write

    def runs(line: str, says: str = "make room", before: Write | None = None) -> Writer:
        return Writer(lambda folder: command(line.replace("OUT", str(folder))), before, says)

    def profiled(folder: Path) -> None:
        with mf.profile() as found:
            mf.ops.relu(mf.Tensor(np.zeros(3)))
        found.save(folder / "a.json")

    score = f"eval {place}/model.safetensors --data {scored}"
    return {
        "train": Writer(lambda folder: command(f"{train} --out {folder}/run --resume"), None, "--resume"),
        "a model": Writer(lambda folder: mf.models.save(model, folder / "a.safetensors"), old("a.safetensors")),
        "arrays": Writer(
            lambda folder: mf.weights.save_arrays(folder / "a.safetensors", {"x": np.zeros(9)}), old("a.safetensors")
        ),
        "labels": Writer(lambda folder: write_labels(folder / "a.png", numbers), old("a.png")),
        "a figure": Writer(lambda folder: curves.save(Figure(), str(folder / "a.svg")), old("a.svg")),
        "a diagram": Writer(
            lambda folder: (
                graph(mf.ops.relu(mf.Tensor(np.zeros(3), requires_grad=True))).save(folder / "a.svg") and None
            ),
            old("a.svg"),
        ),
        "a profile": Writer(profiled, old("a.json")),
        "the synthetic set": Writer(
            lambda folder: make_synthetic(folder / "set", train=1, val=1, size=(32, 32)) and None
        ),
        "predict": runs(
            f"predict {photo} --model {place}/model.safetensors --out OUT/deep/p --confidence --probabilities"
        ),
        "export": runs(f"export {place}/model.safetensors --out OUT/a.safetensors --half", before=old("a.safetensors")),
        "check-data --fix": runs(
            "check-data OUT/set --fix --voc-colours --sheet OUT/a.png", "it is as it was", coloured
        ),
        "eval --gallery": runs(f"{score} --gallery OUT/a.png", before=old("a.png")),
        "eval --json": runs(f"{score} --json OUT/a.json", before=old("a.json", content=b'{"per_class": {}}')),
        "eval --confusion": runs(f"{score} --confusion OUT/a.png", before=old("a.png")),
    }


@dataclass
class Whole:
    """What a writer leaves where there is room, and how many requests that takes. None for a file that differs from time to time."""

    requests: int
    files: dict[str, bytes | None]


def whole(bench: Bench, writer: Writer) -> Whole:
    twice = []
    for _ in range(2):
        folder, disk = bench.fresh("disk"), Full(str(bench.place / "disk"))
        if writer.before:
            writer.before(folder)
        with filling(disk):
            writer.write(folder)
        twice.append(contents(folder))
    first, second = twice
    return Whole(
        disk.asked, {name: content if second.get(name) == content else None for name, content in first.items()}
    )


def begin(bench: Bench) -> Attempt:
    known = writers(bench.fresh("writers"))
    wholes = {name: whole(bench, writer) for name, writer in known.items()}
    points = [(name, point) for name in known for point in range(wholes[name].requests)]
    data = bench.place / "writers" / "set"
    with_room = small_disk.begin(bench, data)

    def attempt(number: int) -> str:
        if number >= len(points):
            return small_disk.tried(bench, small_disk.SIZES[number - len(points)], data, with_room)
        name, point = points[number]
        try:
            return tried(known[name], wholes[name], bench.fresh("disk"), point)
        except Lost as lost:
            raise Lost(f"{name}, full at request {point}: {lost}") from lost

    return attempt


def count(bench: Bench) -> int:
    own = Bench(bench.seed, bench.place / "counted")
    requests = sum(whole(own, writer).requests for writer in writers(own.fresh("writers")).values())
    return requests + len(small_disk.SIZES)


def tried(writer: Writer, expected: Whole, folder: Path, point: int) -> str:
    if writer.before:
        writer.before(folder)
    before = contents(folder)
    try:
        with filling(Full(str(folder), point)):
            writer.write(folder)
    except (OSError, ValueError, Said) as error:
        check_words(str(error), writer, folder)
    else:
        check_whole(expected, folder)
        return "whole without"  # such as the fsync of a folder
    now = contents(folder)
    for name, content in before.items():
        if now.get(name) not in (content, expected.files.get(name, content)):
            raise Lost(f"{name}, which was there before, is neither as it was nor as it is to be")
    for name in now.keys() - before.keys():
        if not is_draft(Path(name).name) and not now[name] and not name.endswith("run.lock"):
            raise Lost(f"{name} is empty and has its own name")
    writer.write(folder)  # now there is room
    check_whole(expected, folder)
    return "said, nothing lost, and then it went on"


def check_whole(expected: Whole, folder: Path) -> None:
    """All files that a disk with room has, with their content, and no other."""
    found = contents(folder)
    if found.keys() != expected.files.keys():
        raise Lost(f"in the end other files: {sorted(found.keys() ^ expected.files.keys())}")
    for name, content in expected.files.items():
        if content is not None and found[name] != content:
            raise Lost(f"{name} is in the end not what it is on a disk with room")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check_words(text: str, writer: Writer, folder: Path) -> None:
    if not re.search(SAYS, text):
        raise Lost(f"it does not say that the disk is full: {text[:300]}")
    if str(folder) not in text:
        raise Lost(f"it names no file: {text[:300]}")
    if writer.says not in text and "make room" not in text:
        raise Lost(f"it does not say how to go on: {text[:300]}")
    if is_draft(text.split(":")[0].rsplit("/", 1)[-1]):
        raise Lost(f"it names the draft: {text[:300]}")


PROMISE = Promise(
    says="a full disk is said, with the file and the way on; what was there before is whole, and with room the same call works",
    how="every writer, full from each single opening, write, fsync, rename and new folder on; a training on real disks of 24 to 244 kB",
    numbers=some_of(count),
    begin=begin,
    limit=120.0,
)
