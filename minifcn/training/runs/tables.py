"""The tables of a run, log.csv and scores.csv: whole files, rows added, and rows as numbers."""

import csv
import io
import math
from pathlib import Path
from typing import Any

from minifcn.files import append_durably, write_whole
from minifcn.training.errors import TrainingError


def write_rows(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """A whole CSV file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode(), durable=True)


def append_rows(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    text = io.StringIO(newline="")
    csv.DictWriter(text, columns).writerows(rows)
    append_durably(path, text.getvalue())


def read_rows(path: Path, columns: tuple[str, ...], newer: int = 0) -> list[dict[str, Any]]:
    """Stage and step, then numbers. A line that is none of ours, cut short, is left out.

    A file may be from before the last `newer` columns were written: they are NaN then.
    """
    rows = []
    unknown = dict.fromkeys(columns[len(columns) - newer :], math.nan)
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            there = tuple(reader.fieldnames or ())
            if there not in (columns, columns[: len(columns) - newer]):
                raise ValueError(f"its columns are {reader.fieldnames}, expected {list(columns)}")
            for row in reader:
                try:
                    numbers = {name: number(row[name]) for name in there[2:]}
                    rows.append({"stage": row["stage"], "step": int(row["step"]), **unknown, **numbers})
                except (TypeError, ValueError):
                    continue
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{path}: cannot be read ({error}); restore the file, or delete it to go on without"
        ) from error
    return rows


def number(text: str) -> float:
    """As it was written: a count stays a whole number, so that a run that was stopped writes the same file as one that was not.

    >>> number("1591"), number("1591.0"), number("nan")
    (1591, 1591.0, nan)
    """
    try:
        return int(text)
    except ValueError:
        return float(text)
