"""Checks of lesson 18: reading a confusion matrix, a file that a crash cannot spoil, batches that need no memory."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from checks.verdict import check, close, counted, equal, wrong


@check
def taken_for(answer: Any) -> None:
    """taken_for(confusion) -> (wrong class, share): for each true class (a row) the wrong class that most of its lost pixels went to.

    The share is of all pixels of the true class. -1 and 0 for a class that loses no pixel, or has none. Integers (C,), floats (C,).
    """
    rng = np.random.default_rng(18)
    matrices = [
        np.array([[90, 6, 4], [3, 5, 2], [0, 1, 9]]),
        np.array([[5, 0, 0], [0, 0, 0], [2, 7, 1]]),
        np.array([[4]]),
        rng.integers(0, 1000, (7, 7)),
    ]
    for matrix in matrices:
        given = matrix.copy()
        found = answer(given)
        if not np.array_equal(given, matrix):
            wrong("you change the matrix that was given; work on a copy")
        if not isinstance(found, tuple | list) or len(found) != 2:
            wrong("expected two arrays, the wrong classes and the shares")
        classes, shares = by_loops(matrix)
        mistaken, share = (np.asarray(part) for part in found)
        equal(mistaken, classes, mistaken_fault(matrix))
        close(share, shares, share_fault(matrix, classes))


def by_loops(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The definition: look at one pair of classes after the other."""
    count = len(matrix)
    classes, shares = np.full(count, -1), np.zeros(count)
    for true in range(count):
        most = 0
        for other in range(count):
            if other != true and matrix[true, other] > most:
                most = matrix[true, other]
                classes[true], shares[true] = other, most / sum(matrix[true])
    return classes, shares


def mistaken_fault(matrix: np.ndarray) -> Callable[[Any, Any], str]:
    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        lost = wanted != -1
        if np.array_equal(found, by_loops(matrix.T)[0]) and not np.array_equal(matrix, matrix.T):
            return "you read down a column; a row is a true class, and its mistakes lie along the row"
        if np.array_equal(found[lost], wanted[lost]):
            return "a class that loses no pixel has no wrong class: -1, where argmax of zeros says 0"
        if np.array_equal(found[lost], matrix.argmax(1)[lost]):
            return "you count the pixels that are right as well: leave the diagonal out"
        return "expected the column with the largest number of the row, the diagonal left out"

    return fault


def share_fault(matrix: np.ndarray, classes: np.ndarray) -> Callable[[Any, Any], str]:
    most = np.where(classes >= 0, matrix[np.arange(len(matrix)), classes], 0)
    mistakes = matrix.sum(1) - matrix.diagonal()

    def fault(found: np.ndarray, wanted: np.ndarray) -> str:
        def looks(share: np.ndarray, by: Any) -> bool:
            return bool(np.allclose(found, share / np.maximum(by, 1)))

        if looks(most, mistakes):
            return "you divide by the class's mistakes; the share is of all its pixels, the right ones included"
        if looks(most, matrix.sum()):
            return "you divide by all pixels of the matrix; the share is of the class's own, the sum of its row"
        if looks(most, matrix.sum(0)):
            return "you divide by the column's sum, the pixels predicted so; the share is of the true class, the row"
        if looks(100 * most, matrix.sum(1)):
            return "that is in per cent; expected a share from 0 to 1"
        if looks(most, 1):
            return "those are pixels; divide by the sum of the row"
        return "expected the largest mistake of the row divided by the sum of the row, 0 for a class without pixels"

    return fault


class Crash(Exception):
    """What a check raises in the middle of writing."""


@check
def write_pieces(answer: Any) -> None:
    """write_pieces(path, pieces) -> path: the bytes of the iterator `pieces` in the file, which is old or new but never half.

    After an error in `pieces` the old file is still there, nothing else is, and the error goes on to the caller.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.bin"
        answer(path, iter([b"first ", b"weights"]))
        expect_content(path, b"first weights", "after writing a new file")
        watched(answer, path, b"first weights", [b"second ", b"", b"weights, ", b"longer"])
        watched(answer, path, b"second weights, longer", [b"third"])
        crashed(answer, path, b"third")
        crashed(answer, Path(folder) / "never.bin", None)
        answer(path, iter([]))
        expect_content(path, b"", "after writing no pieces at all")


def expect_content(path: Path, content: bytes, when: str) -> None:
    if not path.exists():
        wrong(f"{when} there is no file {path.name}")
    found = path.read_bytes()
    if found != content:
        wrong(f"{when} {path.name} holds {found!r}; expected {content!r}")
    others = [file.name for file in path.parent.iterdir() if file != path]
    if others:
        wrong(f"{when} {', '.join(others)} lies about; clear it away")
    counted()


def watched(answer: Any, path: Path, old: bytes, pieces: list[bytes]) -> None:
    """Overwrite a file while somebody looks between the pieces, and somebody else has had it open since before."""
    seen: list[bytes | None] = []

    def giving() -> Iterator[bytes]:
        for piece in pieces:
            yield piece
            seen.append(path.read_bytes() if path.exists() else None)

    before = path.stat().st_ino
    with open(path, "rb") as reader, missing_at_rename(path) as gone:
        returned = answer(path, giving())
        kept = reader.read()
    if None in seen:
        wrong(
            "while you write there is no file at all: whoever looks then finds nothing. Do not delete the old one; replace it"
        )
    if gone:
        wrong(
            "you delete the old file before you rename the new one: a crash between the two leaves none. os.replace does both in one go"
        )
    if Path(returned) != path:
        wrong(f"it returns {Path(returned).name}; return path when the file is there")
    if any(content != old for content in seen):
        wrong("while you write, the file holds half of the new bytes: write to another name and rename it at the end")
    if kept != old or path.stat().st_ino == before:
        wrong(
            "you write into the old file's place: a crash then leaves it half, and who has it open sees it change. Rename a finished draft over it"
        )
    expect_content(path, b"".join(pieces), "after overwriting")


@contextmanager
def missing_at_rename(path: Path) -> Iterator[list[str]]:
    """What renames something to `path` while there is no such file: a list that fills."""
    found: list[str] = []

    def watching(name: str) -> Any:
        real = getattr(os, name)

        def rename(source: Any, target: Any, **named: Any) -> Any:
            if os.fspath(target) == os.fspath(path) and not path.exists():
                found.append(name)
            return real(source, target, **named)

        return rename

    names = {"rename": os.rename, "replace": os.replace}
    watched_ones = {name: watching(name) for name in names}
    try:
        for name, watched_one in watched_ones.items():
            setattr(os, name, watched_one)
        yield found
    finally:
        for name, real in names.items():
            setattr(os, name, real)


def crashed(answer: Any, path: Path, old: bytes | None) -> None:
    """The error in the middle: the old file stays, the draft goes, the error comes through."""

    def giving() -> Iterator[bytes]:
        yield b"half of it"
        raise Crash("the disk is full")

    others = {file.name for file in path.parent.iterdir()} - {path.name}
    answered = getattr(answer, "__wrapped__", answer)  # the error is meant to come through
    try:
        answered(path, giving())
    except Crash:
        pass
    else:
        wrong("the error in pieces did not reach the caller, who now believes that the file is there; let it through")
    left = {file.name for file in path.parent.iterdir()} - others
    if path.name not in left and old is not None:
        wrong("after an error the old file is gone; nothing may happen to it before the new one is whole")
    if path.name in left and path.read_bytes() != old:
        wrong("after an error the file holds half of the new bytes; the old ones must still be there")
    if left - {path.name}:
        wrong(f"after an error {', '.join(sorted(left - {path.name}))} lies about; clear it away (try … finally)")
    counted()


@check
def batch_of(answer: Any) -> None:
    """batch_of(step, batch, count, seed) -> integers (batch,): the turns step·batch … (step + 1)·batch - 1 of an endless row of passes.

    Each pass holds all `count` pictures once, in an order of its own that follows from (seed, pass). Nothing else decides.
    """
    for batch, count, seed in ((4, 12, 0), (5, 12, 3), (8, 8, 1), (7, 3, 0), (1, 5, 2)):
        length = -(-3 * count // batch)  # steps that make three passes
        forward = [np.asarray(answer(step, batch, count, seed)) for step in range(length)]
        for found in forward:
            if found.shape != (batch,) or found.dtype.kind not in "iu":
                wrong(
                    f"batch {batch} of {count} pictures: expected integers ({batch},), got {found.dtype} {found.shape}"
                )
        np.random.seed(5)  # whoever draws from a global stream is found out
        backward = [np.asarray(answer(step, batch, count, seed)) for step in reversed(range(length))][::-1]
        if not np.array_equal(forward, backward):
            wrong(
                "the same step gives another batch when the steps come in another order: something is remembered or drawn from a stream"
            )
        turns = np.concatenate(forward)[: 3 * count].reshape(3, count)  # a pass a row
        if ((turns < 0) | (turns >= count)).any():
            wrong(f"expected numbers from 0 to {count - 1}, got {turns.min()} to {turns.max()}")
        if any(len(set(turn)) < count for turn in turns.tolist()):
            wrong(passes_fault(forward, batch, count))
        counted()
    passes = {seed: [tuple(answer(step, 12, 12, seed)) for step in range(4)] for seed in (0, 1, 2)}
    if any(order == tuple(range(12)) for order in passes[0]):
        wrong("the pictures come in the order of the list; each pass needs a random order")
    if len(set(passes[0])) < 4:
        wrong("every pass has the same order; let the pass decide it as well")
    if passes[0] == passes[1]:
        wrong("seeds 0 and 1 give the same batches; use the seed")
    if set(passes[0]) & (set(passes[1]) | set(passes[2])):
        wrong(
            "two seeds share a pass: seed + pass is 1 for (0, 1) and for (1, 0). Draw from the pair: default_rng([seed, pass])"
        )
    counted()
    many = [int(answer(step, 1, 50, 0)[0]) for step in range(0, 3000, 50)]
    if len(set(many)) < 15:
        wrong("some pictures never come first: is the order of a pass really shuffled?")
    counted()


def passes_fault(forward: list[np.ndarray], batch: int, count: int) -> str:
    if all(len(set(found.tolist())) == batch for found in forward) and count % batch:
        return (
            f"batch {batch} of {count} pictures: a pass does not show every picture once. If a batch reaches over the end of a pass, its rest "
            "is the beginning of the next one; do not drop it, and do not begin a pass in the middle"
        )
    return f"batch {batch} of {count} pictures: a pass shows some pictures twice and others not at all; cut the batches out of whole orders"
