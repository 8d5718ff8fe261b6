"""Training, scoring and the run folder."""

from minifcn.training.bounds import upper_bound, upper_bounds
from minifcn.training.config import Config
from minifcn.training.errors import TrainingError
from minifcn.training.evaluate import evaluate, predict
from minifcn.training.fit import History, fit
from minifcn.training.folder import RunFolder
from minifcn.training.loop import Step, train
from minifcn.training.metrics import confusion, scores
from minifcn.training.options import Options
from minifcn.training.recipes import RECIPES, Recipe
from minifcn.training.run import Listener, is_finished, run
from minifcn.training.tiles import Prediction, predict_maps, predict_tiled
from minifcn.training.watch import Watch

__all__ = [
    "RECIPES",
    "Config",
    "History",
    "Listener",
    "Options",
    "Prediction",
    "Recipe",
    "RunFolder",
    "Step",
    "TrainingError",
    "Watch",
    "confusion",
    "evaluate",
    "fit",
    "is_finished",
    "predict",
    "predict_maps",
    "predict_tiled",
    "run",
    "scores",
    "train",
    "upper_bound",
    "upper_bounds",
]
