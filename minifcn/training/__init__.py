"""Training, scoring and the run folder."""

from minifcn.training.config import Config
from minifcn.training.evaluate import evaluate, predict
from minifcn.training.folder import RunFolder
from minifcn.training.loop import Step, TrainingError, train
from minifcn.training.metrics import confusion, scores
from minifcn.training.run import Listener, is_finished, run

__all__ = [
    "Config",
    "Listener",
    "RunFolder",
    "Step",
    "TrainingError",
    "confusion",
    "evaluate",
    "is_finished",
    "predict",
    "run",
    "scores",
    "train",
]
