"""A run is a folder: config.json, log.csv, metrics.json, models and a checkpoint. Each file is written whole or not at all."""

import csv
import io
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from minifcn.files import write_whole
from minifcn.training.config import Config, differences
from minifcn.training.errors import TrainingError
from minifcn.training.loop import Step
from minifcn.training.watch import Point
from minifcn.version import __version__
from minifcn.weights import load_arrays, save_arrays

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = "run.lock"
COLUMNS = ("stage", "step", "loss", "learning_rate", "seconds", "images_per_second", "waited")
SCORE_COLUMNS = ("stage", *Point._fields)  # of scores.csv: the scores on the way


class RunFolder:
    """The files of one run, and the rules for starting and continuing it: `claim`, `agree`, `begin`. No other file is touched."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.config, self.log = self.path / "config.json", self.path / "log.csv"
        self.scores = self.path / "scores.csv"
        self.metrics, self.report = self.path / "metrics.json", self.path / "report.html"
        self.last, self.best = self.path / "last.safetensors", self.path / "best.safetensors"
        self.checkpoint = self.path / "checkpoint.safetensors"

    def claim(self, resume: bool) -> None:
        """See that a run may be written here; nothing is written yet. Raises TrainingError."""
        if self.path.exists() and not self.path.is_dir():
            raise TrainingError(f"--out {self.path}: this is a file; give a folder")
        if not self.path.exists():
            return
        if self.checkpoint.exists() or is_run(self.config):
            if not resume:
                raise TrainingError(
                    f"--out {self.path}: holds a run already; continue it with --resume or choose another folder"
                )
            return
        # the synthetic set and unfinished files are what a run leaves that stopped before its first step
        ours = ("data", ".data.part", "config.json.tmp", LOCK)
        strangers = [entry.name for entry in self.path.iterdir() if entry.name not in ours]
        if strangers:
            raise TrainingError(f"--out {self.path}: the folder is not empty and holds no run; choose another one")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else may write here meanwhile. Raises TrainingError where somebody does.

        The system itself gives the lock back when a process ends, however it ends: one left by a dead process is no lock.
        """
        existed = self.path.exists()
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.path / LOCK, "a+") as file:
            if not take(file):
                file.seek(0)
                raise TrainingError(
                    f"--out {self.path}: in use by another process ({file.read().strip() or 'unknown'}); wait for it, or choose another folder"
                )
            file.truncate(0)
            file.write(f"process {os.getpid()} on {platform.node()}\n")
            file.flush()
            try:
                yield
            finally:
                (self.path / LOCK).unlink(missing_ok=True)
                if not existed and not any(self.path.iterdir()):
                    self.path.rmdir()  # the run never began

    def begun(self, init: str) -> dict[str, Any]:
        """The configuration with which a run from the model file `init` began here; {} where none did, or it has no checkpoint yet."""
        saved = read_json(self.config) if self.checkpoint.exists() else {}
        return saved if saved.get("init") == init and "derived" in saved else {}

    def agree(self, config: Config) -> None:
        """Where a checkpoint waits, see that it belongs to the same options. Raises TrainingError."""
        if not self.checkpoint.exists():
            return
        saved = {name: value for name, value in read_json(self.config).items() if name != "minifcn"}
        if changed := differences(saved, json.loads(json.dumps(config.to_dict()))):
            raise TrainingError(
                f"--resume {self.path}: the run was started with other options: {'; '.join(changed)}; "
                "give the same ones, or another --out"
            )

    def begin(self, config: Config) -> None:
        """Make the folder and write config.json, if no other run waits here. Raises TrainingError."""
        self.agree(config)
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.config, {"minifcn": __version__, **config.to_dict()})

    def save_checkpoint(self, arrays: dict[str, np.ndarray], header: dict[str, Any]) -> None:
        save_arrays(self.checkpoint, arrays, header)

    def load_checkpoint(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """(arrays, header), or None where there is none yet."""
        return load_arrays(self.checkpoint) if self.checkpoint.exists() else None

    def start_log(self, stages: tuple[str, ...], stage: int, step: int) -> list[dict[str, Any]]:
        """Keep the rows up to `step` of `stage`, drop later ones that no checkpoint covers; returns the log's rows kept."""
        done = {name: number for number, name in enumerate(stages)}

        def covered(file: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            if strangers := {row["stage"] for row in rows} - done.keys():
                raise TrainingError(
                    f"{file}: holds a stage {strangers.pop()!r}, which is none of {', '.join(stages)}; delete the file"
                )
            return [row for row in rows if (done[row["stage"]], row["step"]) <= (stage, step)]

        kept = covered(self.log, self.read_log() if self.log.exists() else [])
        write_rows(self.log, COLUMNS, kept)
        if self.scores.exists():
            write_rows(self.scores, SCORE_COLUMNS, covered(self.scores, self.read_scores()))
        return kept

    def append_log(self, stage: str, steps: list[Step]) -> None:
        append_rows(self.log, COLUMNS, [step.row(stage) for step in steps])

    def append_scores(self, stage: str, point: Point) -> None:
        """One row of scores.csv, which begins with the first of them."""
        if not self.scores.exists():
            write_rows(self.scores, SCORE_COLUMNS, [])
        append_rows(self.scores, SCORE_COLUMNS, [{"stage": stage, **point._asdict()}])

    def read_log(self) -> list[dict[str, Any]]:
        """Rows of log.csv as numbers; a last line cut short by a kill is left out. Raises TrainingError for a damaged file."""
        return read_rows(self.log, COLUMNS)

    def read_scores(self) -> list[dict[str, Any]]:
        """Rows of scores.csv, as `read_log`; none where nothing was scored on the way."""
        return read_rows(self.scores, SCORE_COLUMNS) if self.scores.exists() else []

    def read_metrics(self) -> dict[str, Any]:
        return read_json(self.metrics) if self.metrics.exists() else {}

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        write_json(self.metrics, metrics)


def write_rows(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """A whole CSV file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode())


def append_rows(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    with open(path, "a", newline="") as file:
        csv.DictWriter(file, columns).writerows(rows)


def read_rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    """Stage and step, then numbers. A line that is none of ours, cut short, is left out."""
    rows = []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != columns:
                raise ValueError(f"its columns are {reader.fieldnames}, expected {list(columns)}")
            for row in reader:
                try:
                    numbers = {name: float(row[name]) for name in columns[2:]}
                    rows.append({"stage": row["stage"], "step": int(row["step"]), **numbers})
                except (TypeError, ValueError):
                    continue
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{path}: cannot be read ({error}); restore the file, or delete it to go on without"
        ) from error
    return rows


def take(file: Any) -> bool:
    """Lock an open file, if nobody else has."""
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    return True


def is_run(config: Path) -> bool:
    """Whether a config.json is ours."""
    try:
        found = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and "minifcn" in found


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path}: cannot be read ({error})") from error


def write_json(path: Path, value: Any) -> None:
    write_whole(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())
