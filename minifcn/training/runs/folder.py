"""A run is a folder: config.json, log.csv, metrics.json, models and a checkpoint. Each file is written whole or not at all."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from minifcn.files import is_draft, make_folder, remove_drafts, write_whole
from minifcn.training.errors import TrainingError
from minifcn.training.loop import Step
from minifcn.training.runs import lock
from minifcn.training.runs.config import BESIDE, SEAL, Config, differences, seal
from minifcn.training.runs.fingerprint import differences as data_differences
from minifcn.training.runs.tables import append_rows, read_rows, write_rows
from minifcn.training.scoring.watch import Point
from minifcn.version import __version__
from minifcn.weights import WeightsError, load_arrays, save_arrays

RESTORE = "restore the file, or start again in another --out"
# what of the options follows from the pictures where it is not given: where these differ, the data is looked at first
DERIVED = ("steps", "size", "lr", "class_weights", "picture_size")
SCORES = ("mean_iu", "pixel_accuracy", "mean_accuracy", "frequency_weighted_iu")
COLUMNS = ("stage", "step", "loss", "learning_rate", "seconds", "images_per_second", "waited", "pixels", "weight")
SCORE_COLUMNS = ("stage", *Point._fields)  # of scores.csv: the scores on the way
NEWER = 2  # the last columns of both files: those of older runs are without


class RunFolder:
    """The files of one run, and the rules for starting and continuing it: `claim`, `agree`, `begin`. No other file is touched."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.config, self.log = self.path / "config.json", self.path / "log.csv"
        self.scores = self.path / "scores.csv"
        self.metrics, self.report = self.path / "metrics.json", self.path / "report.html"
        self.last, self.best = self.path / "last.safetensors", self.path / "best.safetensors"
        self.checkpoint, self.fingerprint = self.path / "checkpoint.safetensors", self.path / "fingerprint.json"
        self.data: dict[str, Any] | None = None  # the fingerprint of each split, once `agree` has seen it
        self.same_data = False  # whether a run goes on here, and `agree` has seen that its data is what it began with
        self.identity: str | None = None

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
        ours = ("data", ".data.part", lock.NAME)
        strangers = [entry.name for entry in self.path.iterdir() if entry.name not in ours and not is_draft(entry.name)]
        if strangers:
            raise TrainingError(f"--out {self.path}: the folder is not empty and holds no run; choose another one")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else may write here meanwhile. Raises TrainingError where somebody does.

        The system itself gives the lock back when a process ends, however it ends: one left by a dead process is no lock.
        """
        existed, began = self.path.exists(), True
        try:
            with lock.held(self.path):
                remove_drafts(self.path)  # of a process that was killed while it wrote
                try:
                    yield
                finally:
                    began = existed or not self.path.is_dir() or os.listdir(self.path) != [lock.NAME]
        finally:
            if not began:
                with suppress(OSError):  # somebody else may begin here in the same moment
                    self.path.rmdir()

    def begun(self, init: str) -> dict[str, Any]:
        """The configuration with which a run from the model file `init` began here; {} where none did, or it has no checkpoint yet."""
        saved = self.read_config() if self.checkpoint.exists() else {}
        return saved if saved.get("init") == init and "derived" in saved else {}

    def read_config(self) -> dict[str, Any]:
        """What config.json holds. Raises TrainingError, also where it is not what was written; older ones carry no seal."""
        saved = read_object(self.config)
        if saved.get(SEAL, seal(saved)) != seal(saved):
            raise TrainingError(f"{self.config}: damaged: what it holds is not what was written; {RESTORE}")
        return saved

    def agree(
        self, config: Config, data: Callable[[], dict[str, Any]] | None = None, other_data: bool = False
    ) -> list[str]:
        """Where a checkpoint waits, see that it belongs to the same options and the same data. Raises TrainingError.

        `data`: gives the fingerprint of each split, which is compared and kept for `begin`. `other_data`: go on though it differs. Returns
        what a person should know, in sentences.
        """
        self.data = None
        if not self.checkpoint.exists():
            self.data = data() if data else None
            return []
        saved = self.read_config()
        version = saved.get("minifcn")
        saved = {name: value for name, value in saved.items() if name not in BESIDE}
        wanted = json.loads(json.dumps(config.to_dict()))
        chosen, derived = (
            differences(
                *(
                    {name: value for name, value in each.items() if (name in DERIVED) == of_data}
                    for each in (saved, wanted)
                )
            )
            for of_data in (False, True)
        )
        self.refuse_options(chosen)
        notes = []
        if version != __version__:
            notes.append(
                f"the run was started by minifcn {version}, this is {__version__}: what follows may differ from what it would have done"
            )
        if data:
            self.data = data()
            notes += self.compare_data(self.data, other_data)
        self.refuse_options([text for text in derived if not text.startswith("--picture-size")])
        return notes

    def refuse_options(self, changed: list[str]) -> None:
        if changed:
            raise TrainingError(
                f"--resume {self.path}: the run was started with other options: {'; '.join(changed)}; "
                "give the same ones, or another --out"
            )

    def compare_data(self, data: dict[str, Any], other_data: bool) -> list[str]:
        """Raise TrainingError where the data is not that of the run, unless `other_data`. Returns what to say."""
        if not self.fingerprint.exists():
            return ["the run did not note what its data was: whether it changed since is not known"]
        changed = data_differences(read_object(self.fingerprint), data)
        self.same_data = not changed
        if changed and not other_data:
            raise TrainingError(
                f"--resume {self.path}: the data is not what the run began with: {'; '.join(changed)}. Put it back; or go on with it as it "
                "is now: --other-data; or start anew in another --out"
            )
        return [f"the data is not what the run began with: {'; '.join(changed)}"] if changed else []

    def begin(self, config: Config) -> None:
        """Make the folder and write config.json, if no other run waits here. Raises TrainingError."""
        data = self.data
        self.agree(config)
        make_folder(self.path)
        options = config.to_dict()
        # what tells the checkpoints of this run from those of others; it stays, whatever later versions add to the options
        kept = self.read_config().get("run") if self.checkpoint.exists() else None
        self.identity = kept or seal(options)[:16]
        write_json(self.config, {"minifcn": __version__, "run": self.identity, **options, SEAL: seal(options)})
        if data is not None:
            write_json(self.fingerprint, data)

    def save_checkpoint(self, arrays: dict[str, np.ndarray], header: dict[str, Any]) -> None:
        save_arrays(self.checkpoint, arrays, {**header, "run": self.identity})

    def load_checkpoint(self, config: Config) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """(arrays, header), or None where there is none yet. Raises TrainingError for what is no checkpoint of this run."""
        if not self.checkpoint.exists():
            return None
        try:
            arrays, header = load_arrays(self.checkpoint)
            check_header(header, config, self.read_config().get("run"))
        except WeightsError as error:
            raise self.no_checkpoint(error) from error
        return arrays, header

    def no_checkpoint(self, error: Exception) -> TrainingError:
        """What to say of a checkpoint that cannot be gone on from."""
        text = str(error).removeprefix(f"{self.checkpoint}: ")
        return TrainingError(
            f"{self.checkpoint}: {text}; put a whole one there, or delete it and the run begins again at its first step"
        )

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
        return read_rows(self.log, COLUMNS, NEWER)

    def read_scores(self) -> list[dict[str, Any]]:
        """Rows of scores.csv, as `read_log`; none where nothing was scored on the way."""
        return read_rows(self.scores, SCORE_COLUMNS, NEWER) if self.scores.exists() else []

    def read_metrics(self) -> dict[str, Any]:
        """Stage → its scores, as far as there are any. Raises TrainingError where the file holds something else."""
        found = read_object(self.metrics) if self.metrics.exists() else {}
        for stage, scores in found.items():
            if not are_scores(scores):
                raise TrainingError(f"{self.metrics}: what it holds of {stage} are no scores; {RESTORE}")
        return found

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        write_json(self.metrics, metrics)


def is_run(config: Path) -> bool:
    """Whether a config.json is ours."""
    try:
        found = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and "minifcn" in found


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises TrainingError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise TrainingError(f"{path}: cannot be read ({error}); {RESTORE}") from error
    if not isinstance(found, dict):
        raise TrainingError(
            f"{path}: holds {type(found).__name__} {str(found)[:40]}, expected names and values; {RESTORE}"
        )
    return found


def write_json(path: Path, value: Any) -> None:
    write_whole(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode(), durable=True)


def are_scores(scores: Any) -> bool:
    """Whether these are the scores of a stage, as `evaluate` gives them; older runs have no confusion."""
    if not (
        isinstance(scores, dict) and isinstance(scores.get("per_class"), dict) and all(n in scores for n in SCORES)
    ):
        return False
    classes, matrix = len(scores["per_class"]), scores.get("confusion")
    rows = [[0] * classes] * classes if matrix is None else matrix
    if not (fits(rows, classes) and all(fits(row, classes) and all(map(is_number, row)) for row in rows)):
        return False
    values = [scores[name] for name in SCORES] + list(scores["per_class"].values())
    return all(value is None or (is_number(value) and 0 <= value <= 1) for value in values)


def fits(rows: Any, length: int) -> bool:
    return isinstance(rows, list) and len(rows) == length


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_header(header: Any, config: Config, run: Any) -> None:
    """Raise WeightsError unless this is the header of a checkpoint of `run` at a place that it has."""
    if not isinstance(header, dict) or not isinstance(header.get("model"), dict) or "place" not in header:
        what = "a model" if isinstance(header, dict) and "architecture" in header else "something else"
        raise WeightsError(f"holds no checkpoint but {what}")
    if run is not None and header.get("run", run) != run:
        raise WeightsError("belongs to another run")
    place = header["place"]
    whole = (
        isinstance(place, list)
        and len(place) == 3
        and all(type(number) is int for number in place[:2])
        and is_number(place[2])
    )
    if not whole or not (0 <= place[0] < len(config.stages) and 0 <= place[1] <= config.steps and -1 <= place[2] <= 1):
        raise WeightsError(
            f"says that the run stands at {place}; expected a stage from 0 to {len(config.stages) - 1}, a step from 0 to {config.steps}, and a score"
        )
