"""The steps of one picture: read it, ask the network, write what was found."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minifcn import backend
from minifcn.cli.predicting.files import shares_of, write_files
from minifcn.cli.results import check_free, source_of
from minifcn.data.errors import DataError
from minifcn.data.labels import VOID
from minifcn.data.large import LargePicture, pixels_in, read_any
from minifcn.data.pixels.depth import dark_set, not_meant, too_dark
from minifcn.models.fcn import FCN
from minifcn.training.errors import TrainingError
from minifcn.training.scoring.evaluate import size_for, strange_views
from minifcn.training.scoring.picture_tiles import Prediction, predict_maps

MOST_BESIDE = 1 << 24  # pixels of a picture that lies in memory beside another one
STRANGE = 1.5  # times the size that the model knows: from there on it is said to whoever insists


@dataclass
class Job:
    """One picture: its file, what its results are called, and what is to be said before its result is."""

    path: Path
    name: str
    notes: list[str] = field(default_factory=list)


class Ready(NamedTuple):
    """A picture before the network has seen it: the files to be, whence they come, and its pixels."""

    results: list[Path]
    source: tuple[str, str]
    pixels: np.ndarray | LargePicture


@dataclass
class Work:
    """What is done with each picture. `inputs` are the files of all of them; `tiled` is told how many tiles are done, and of how many."""

    model: FCN
    arguments: argparse.Namespace
    bits: int | None
    inputs: set[Path]
    tiled: Callable[[int, int], Any]
    deep: bool = False  # whether a picture had more than 8 bits a number

    def read(self, job: Job) -> Ready | None:
        """None of a picture that has to be alone in memory."""
        results, source = self.checked(job)
        with suppress(DataError):  # what is wrong with it is said where it is read
            if pixels_in(job.path) > MOST_BESIDE:
                return None
        with self.opened(job.path, job.notes.append) as pixels:
            return Ready(results, source, pixels)

    def compute(self, job: Job, ready: Ready) -> Prediction:
        return self.predicted(job.path, ready.pixels, job.notes.append)

    def write(self, job: Job, ready: Ready, found: Prediction) -> str:
        """The line about what was found, which lies on the disk then."""
        write_files(self.model, ready.results, ready.source, ready.pixels, found)
        shown = f"{job.path if self.arguments.inputs else job.path.name}"  # nobody asked where the sample portrait lies
        return f"{shown}{'' if job.name == job.path.stem else f' -> {job.name}.png'}: {shares_of(self.model, found)}"

    def whole(self, job: Job) -> str:
        """All steps. What is odd about the picture is said at once, for a large one takes long."""
        results, source = self.checked(job)
        with self.opened(job.path, say) as pixels:
            return self.write(job, Ready(results, source, pixels), self.predicted(job.path, pixels, say))

    def checked(self, job: Job) -> tuple[list[Path], tuple[str, str]]:
        """The files to be, and their source. Raises DataError where another file stands in the way."""
        results, source = outputs_of(job.name, self.arguments), source_of(job.path)
        check_free(job.path, source, results, self.inputs)
        return results, source

    @contextmanager
    def opened(self, path: Path, note: Callable[[str], Any]) -> Iterator[np.ndarray | LargePicture]:
        """A picture, or where --tile is given one of more pixels than other commands read. What is odd about it is a note."""
        found = read_any(path, self.bits, pieces=self.arguments.tile is not None)
        if not isinstance(found, LargePicture):
            self.note_depth(path, found.top, note)
            note_pages(path, found.header.pages, note)
            yield found.pixels
            return
        with found:
            height, width = found.shape[:2]
            held = "read in pieces, as it is stored" if found.grid else f"decoded whole, {gigabytes(found.held)}"
            labels = gigabytes(height * width)
            note(f"{path}: {width}x{height} pixels, {held}; its labels take {labels}, and its overlay is drawn smaller")
            yield found
            self.note_depth(path, found.top, note)

    def note_depth(self, path: Path, top: int | None, note: Callable[[str], Any]) -> None:
        """Note where a picture of 16 bits uses so few of them that it is nearly black, or more than it is said to."""
        if top is None:
            return
        self.deep = True
        if odd := too_dark(top, self.bits) or dark_set([top], self.bits) or not_meant([top], self.bits):
            note(f"{path}: {odd}")

    def predicted(self, path: Path, picture: np.ndarray | LargePicture, note: Callable[[str], Any]) -> Prediction:
        """What the network finds in one picture. Raises DataError, also where memory does not suffice."""
        arguments, longer, known = self.arguments, max(picture.shape[:2]), self.model.picture_size
        size = None if arguments.own_size or arguments.tile else arguments.size or size_for(self.model, picture)
        if known and not size and longer > STRANGE * known:
            way = (
                "predict a smaller copy of it"
                if isinstance(picture, LargePicture)
                else "leave out --tile and --own-size"
            )
            note(
                f"{path}: {longer} pixels, but the model was trained on pictures of {known} and may know nothing as large; {way}"
            )
        elif odd := strange_views(known, size or longer, arguments.scales):
            note(f"{path}: {odd}")
        try:
            found = predict_maps(
                self.model, picture, mirror=arguments.mirror, scales=arguments.scales, size=size, tile=arguments.tile,
                overlap=arguments.overlap, confidence=arguments.confidence or arguments.sure is not None,
                every_class=arguments.probabilities, progress=self.tiled if arguments.tile else None,
            )  # fmt: skip
            return found if arguments.sure is None else without_doubtful(found, arguments.sure, arguments.confidence)
        except TrainingError as error:
            raise DataError(f"{path}: {error}") from error
        except (MemoryError, RuntimeError) as error:
            if not backend.no_memory_left(error):
                raise
            height, width = picture.shape[:2]
            way = f"try a smaller --tile than {arguments.tile}" if arguments.tile else "predict it in tiles: --tile 512"
            raise DataError(f"{path}: not enough memory for {width}x{height} pixels ({error}); {way}") from error


def without_doubtful(found: Prediction, sure: float, confidence: bool) -> Prediction:
    """`found` with void where the class is less likely than `sure`. `confidence`: whether somebody wants to see how likely it is."""
    assert found.confidence is not None
    found.labels[found.confidence < sure] = VOID
    return found if confidence else found._replace(confidence=None)


def endings_of(arguments: argparse.Namespace) -> list[str]:
    """What the names of one picture's files end with: labels, overlay, and what else was asked for."""
    endings = [".png", "_overlay.png"]
    return endings + ["_confidence.png"] * arguments.confidence + ["_probabilities.npz"] * arguments.probabilities


def outputs_of(name: str, arguments: argparse.Namespace) -> list[Path]:
    """The files of the picture whose results are called `name`."""
    return [arguments.out / f"{name}{ending}" for ending in endings_of(arguments)]


def gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def say(sentence: str) -> None:
    print(f"minifcn predict: {sentence}", file=sys.stderr)


def note_pages(path: Path, pages: int, note: Callable[[str], Any]) -> None:
    """Note where a file holds more than the picture that is predicted."""
    if pages > 1:
        note(f"{path}: {pages} pages or frames, of which the first is looked at")
