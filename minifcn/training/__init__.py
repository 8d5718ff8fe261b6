"""Training, scoring and the run folder."""

from typing import TYPE_CHECKING

from minifcn.names import later

if TYPE_CHECKING:
    from minifcn.training.errors import TrainingError
    from minifcn.training.fit import History, fit
    from minifcn.training.loop import Step, train
    from minifcn.training.options import Begun, Options
    from minifcn.training.recipes import RECIPES, Recipe
    from minifcn.training.run import Listener, is_finished, run
    from minifcn.training.runs.config import Config
    from minifcn.training.runs.folder import RunFolder
    from minifcn.training.scoring.evaluate import evaluate, predict
    from minifcn.training.scoring.metrics import confusion, scores
    from minifcn.training.scoring.picture_tiles import Prediction, predict_maps, predict_tiled
    from minifcn.training.scoring.upper_bounds import upper_bound, upper_bounds
    from minifcn.training.scoring.watch import Watch

__all__ = [
    "RECIPES",
    "Begun",
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

later(
    __name__,
    {
        "minifcn.training.errors": "TrainingError",
        "minifcn.training.fit": "History fit",
        "minifcn.training.loop": "Step train",
        "minifcn.training.options": "Begun Options",
        "minifcn.training.recipes": "RECIPES Recipe",
        "minifcn.training.run": "Listener is_finished run",
        "minifcn.training.runs.config": "Config",
        "minifcn.training.runs.folder": "RunFolder",
        "minifcn.training.scoring.evaluate": "evaluate predict",
        "minifcn.training.scoring.metrics": "confusion scores",
        "minifcn.training.scoring.picture_tiles": "Prediction predict_maps predict_tiled",
        "minifcn.training.scoring.upper_bounds": "upper_bound upper_bounds",
        "minifcn.training.scoring.watch": "Watch",
    },
)
