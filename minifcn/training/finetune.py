"""What `--init FILE` chooses where nobody said otherwise: the network from the file, and how to train it on a few pictures of one's own."""

import math
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from typing import Any

from minifcn.data.dataset import Dataset
from minifcn.data.sizes import NEAR, classes_a_picture, usual_size
from minifcn.models import ARCHITECTURES, FCN, HeatMap, Transplant, transplant
from minifcn.training.errors import TrainingError
from minifcn.training.recipes import Recipe
from minifcn.training.runs.config import Config

NETWORK = ("arch", "backbone", "width", "padding", "fusion", "learn_upsampling")
# A scene shows at least so many classes a picture. Drawn streets, in the same time: mean IU 66.5 at 256 pixels, 66.6 at 352 with half the
# steps, and pixel accuracy 92.4 and 92.9; on pictures of single things enlarging brought nothing.
SCENE, LARGER = 5, 1.375
# Pixels that a training looks at: two minutes and a half on two cores with voc7. Fewer where that would be more than MOST_PASSES through
# the pictures, more where it would not be LEAST_PASSES: 23 small pictures gave mean IU 46.9 after 35 passes and 43.5 after 100.
PIXELS, MOST_PASSES, LEAST_PASSES, LEAST_STEPS = 170e6, 50, 2, 50


def network_of(model: FCN, name: str) -> dict[str, Any]:
    """The options of `minifcn train` that build the network of the model file `name`."""
    wanted = (model.architecture["stride"], model.architecture["at_once"])
    arch = next((arch for arch, made_of in ARCHITECTURES.items() if made_of == wanted), None)
    if arch is None or model.architecture["in_channels"] != 3:
        raise TrainingError(
            f"--init {name}: its network (stride {wanted[0]}, {model.architecture['in_channels']} channels) is none that minifcn train "
            f"builds; train it from Python, or give a model of {', '.join(ARCHITECTURES)} for three channels"
        )
    return {"arch": arch} | {field: model.architecture[field] for field in NETWORK if field != "arch"}


def sizes_for(known: int | None, train_set: Dataset) -> tuple[int | None, int | None]:
    """(what the longer side of training pictures is resized to, the size that the trained model will know).

    `known`: the size that the network knows so far. In a scene, which shows many classes, things are smaller than where one fills the
    picture, so scenes are made larger than that. Pictures that are within a tenth of what is wanted stay as they are.
    """
    usual = usual_size(train_set)
    if known is None:
        return None, usual
    wanted = round(LARGER * known) if classes_a_picture(train_set) >= SCENE else known
    return (None, usual) if usual is not None and abs(usual - wanted) <= NEAR * wanted else (wanted, wanted)


def steps_for(pictures: int, recipe: Recipe) -> int:
    """How many steps, of a few pictures or of many."""
    height, width = (recipe.size, recipe.size) if isinstance(recipe.size, int) else recipe.size or (256, 256)
    batch = recipe.batch * recipe.accumulate
    steps = PIXELS / (height * width * batch)
    passes = pictures / batch  # steps a pass
    return max(LEAST_STEPS, math.ceil(max(min(steps, MOST_PASSES * passes), LEAST_PASSES * passes)))


def as_begun(config: Config, saved: Mapping[str, Any], given: Collection[str]) -> Config:
    """`config` with what the process that began this run derived, as its config.json has it, but for what was `given` by hand this time."""
    derived = [name for name in saved.get("derived", ()) if name in saved and name not in given]
    recipe = Recipe.from_dict(
        config.recipe.to_dict() | {name: saved[name] for name in derived if name in config.recipe.to_dict()}
    )
    mine = {field.name for field in fields(Config)} - {"recipe", "derived"}
    changes = {name: saved[name] for name in derived if name in mine}
    return replace(config, recipe=recipe, derived=tuple(saved.get("derived", ())), **changes)


def notes_of_start(notes: dict[str, str]) -> dict[str, str]:
    """Licence and trunk are those of what comes of the weights, too. All else, such as a score, is true of the file that training began from."""
    return {key if key in ("licence", "trunk") else f"start's {key}": text for key, text in notes.items()}


def grown_from(classifier: HeatMap, model: FCN, name: str) -> Transplant:
    """Write the weights of --trunk, from the file `name`, into the trunk of `model`."""
    try:
        return transplant(classifier, model)
    except ValueError as error:
        raise TrainingError(
            f"--trunk {name}: {error}; the file holds {classifier.name}: leave out --backbone, which then is the file's"
        ) from error
