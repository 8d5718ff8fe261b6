"""From the options of `minifcn train` to a configuration: what was given by hand, then what --init's file says, then presets and defaults."""

import argparse
from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any

from minifcn.cli.training.notes import refuse_idle
from minifcn.data import ClassMap, DataError, Meaning, VOCFolder
from minifcn.data.classes import is_background
from minifcn.data.resized import Resized
from minifcn.data.sizes import LARGEST_CROP, default_crop, usual_size, valid_pixels, whole_crop
from minifcn.models import FCN
from minifcn.models.trunks.backbones import rate_factor
from minifcn.training import Config, Recipe, RunFolder, TrainingError
from minifcn.training.finetune import NETWORK, as_begun, network_of, sizes_for, steps_for
from minifcn.training.objective import class_counts, median_frequency
from minifcn.training.recipes import ADAM_RATE, MODERN, named_recipe
from minifcn.training.runs.folder import RESTORE

DEFAULTS: dict[str, Any] = dict(
    train_split="train",
    others="void",
    arch="staged",
    backbone="tiny",
    padding="same",
    fusion="sum",
    learn_upsampling=False,
)
# what else a recipe chooses where the command line does not
PRESETS: dict[str, dict[str, Any]] = {
    "voc-subset": dict(
        train_split="trainaug", arch="fcn4s", backbone="squeezenet-fc", epochs=40.0,
        classes=["cat", "cow", "dog", "horse", "person", "sheep"], others="background",
    ),
}  # fmt: skip
# options that are fields of a recipe by the same name
IN_RECIPE = (
    "batch", "accumulate", "optimizer", "head_factor", "learns", "momentum", "weight_decay", "loss", "schedule", "keep_cells",
    "balance_cells", "balance",
)  # fmt: skip
# fields that several options, or one of another name, give by hand
OPTIONS_OF = {
    "steps": ("steps", "epochs"),
    "augmentation": ("no_mirror", "scale", "jitter", "colour"),
    "picture_size": ("longer_side",),
}


def fill_in(arguments: argparse.Namespace) -> set[str]:
    """Give the options that decide where the data come from their defaults; returns the names of those that were given by hand."""
    given = {name for name, value in vars(arguments).items() if value is not None and value is not False}
    arguments.recipe = arguments.recipe or ("fine-tune" if arguments.init else "modern")
    for name, value in PRESETS.get(arguments.recipe, {}).items():
        elsewhere = (name == "epochs" and arguments.steps) or (name in NETWORK and arguments.init)
        if getattr(arguments, name) is None and not elsewhere:
            setattr(arguments, name, value)
    for name in ("train_split", "others"):
        if getattr(arguments, name) is None:
            setattr(arguments, name, DEFAULTS[name])
    if arguments.classes == "all":
        arguments.classes = None
    return given


def classes_of(arguments: argparse.Namespace, given: Collection[str], meaning: Meaning) -> tuple[ClassMap, list[str]]:
    """The classes to learn, and what to say of them: where the recipe chose them and the data has none of these, or no background."""
    by_recipe = "classes" in PRESETS.get(arguments.recipe, {}) and "classes" not in given
    try:
        classes = meaning.class_map(arguments.classes)
    except DataError as error:
        if not (by_recipe and meaning.names):
            raise
        raise DataError(
            f"--recipe {arguments.recipe} learns {', '.join(arguments.classes)} where --classes does not say otherwise: {error}; or --classes all"
        ) from error
    if arguments.others == "background" and "others" not in given and not any(map(is_background, classes.names)):
        arguments.others = "void"
        left = len(meaning.names) > len(classes.names)
        return classes, ["no class is the background, so the classes left out count as void (--others)"] if left else []
    return replace(classes, others=arguments.others), []


def configure(
    arguments: argparse.Namespace, given: Collection[str], classes: ClassMap, train_set: VOCFolder, folder: RunFolder
) -> tuple[Config, FCN | None]:
    """The options with every default worked out, and the model of --init where it was read for that.

    A run that goes on keeps what it derived when it began.
    """
    saved = folder.begun(arguments.init) if arguments.init else {}
    start = None
    if saved:
        if lost := [name for name in NETWORK if name not in saved]:
            raise TrainingError(f"{folder.config}: damaged: it says nothing of {', '.join(lost)}; {RESTORE}")
        network = {name: saved[name] for name in NETWORK}
        arguments.bits = arguments.bits or saved.get("bits")
    elif arguments.init:
        from minifcn.pretrained import load_start  # its formats load much

        start = load_start(arguments.init)
        network = network_of(start, arguments.init)
        if arguments.backbone not in (None, network["backbone"]):  # the width of one trunk is none of another
            network = {name: value for name, value in network.items() if name != "width"}
    elif arguments.trunk and arguments.backbone is None:
        from minifcn.pretrained import backbone_of

        network = {"backbone": backbone_of(arguments.trunk, arguments.arch or DEFAULTS["arch"])}
    else:
        network = {}
    for name, value in (DEFAULTS | network).items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    config = make_config(arguments, classes, train_set, start)
    if not folder.config.exists():  # a run that goes on was asked when it began
        refuse_idle(config, given)
    if saved:
        try:
            return as_begun(config, saved, by_hand(config, given)), None
        except (ValueError, TypeError, KeyError, AttributeError) as error:  # of a minifcn that wrote no seal
            raise TrainingError(
                f"{folder.config}: damaged: what it holds are no options to go on with ({error}); {RESTORE}"
            ) from error
    if arguments.init:
        every = [field.name for field in fields(Config) if field.name in DERIVED] + list(config.recipe.to_dict())
        config = replace(config, derived=tuple(name for name in every if name not in by_hand(config, given)))
    return config, start


DERIVED = (*NETWORK, "picture_size", "longer_side", "steps")


def by_hand(config: Config, given: Collection[str]) -> set[str]:
    """The fields of `config` that an option gave."""
    return {name for name in config.to_dict() if any(option in given for option in OPTIONS_OF.get(name, (name,)))}


def make_config(
    arguments: argparse.Namespace, classes: ClassMap, train_set: VOCFolder, start: FCN | None = None
) -> Config:
    """`start`: the model of --init."""
    longer_side, picture_size = sizes_for(start.picture_size, train_set) if start else (None, usual_size(train_set))
    if arguments.longer_side is not None:
        longer_side = arguments.longer_side or None
        picture_size = longer_side or usual_size(train_set)
    recipe = make_recipe(arguments, train_set, len(classes.names), longer_side)
    steps = arguments.steps or (steps_for(len(train_set), recipe) if arguments.recipe == "fine-tune" else 300)
    if arguments.epochs:
        steps = max(1, round(arguments.epochs * len(train_set) / (recipe.batch * recipe.accumulate)))
    return Config(
        data=arguments.data,
        train_split=arguments.train_split,
        val_split=arguments.val_split,
        classes=classes.to_dict(),
        init=arguments.init,
        trunk=arguments.trunk,
        picture_size=picture_size,
        longer_side=longer_side,
        steps=steps,
        seed=arguments.seed,
        limit=arguments.limit,
        bits=start.picture_bits if start and arguments.bits is None else arguments.bits,
        recipe=recipe,
        **{name: getattr(arguments, name) for name in NETWORK},
    )


def make_recipe(
    arguments: argparse.Namespace, train_set: VOCFolder, classes: int, longer_side: int | None = None
) -> Recipe:
    """The preset of --recipe with what other options change in it."""
    pixels = valid_pixels(train_set) if arguments.recipe == "paper-mean" else 1.0
    recipe = named_recipe(arguments.recipe, pixels)
    changes = {name: getattr(arguments, name) for name in IN_RECIPE if getattr(arguments, name) is not None}
    changes["size"] = crop_size(arguments, recipe, train_set, longer_side)
    changes["lr"] = arguments.lr or default_rate(arguments, recipe)
    varied = {
        name: getattr(arguments, name) for name in ("scale", "jitter", "colour") if getattr(arguments, name) is not None
    }
    if arguments.no_mirror:
        varied["mirror"] = False
    changes["augmentation"] = replace(recipe.augmentation, **varied)
    if arguments.class_weights == "median":
        changes["class_weights"] = median_frequency(*class_counts(train_set, classes))
    return replace(recipe, **changes)


def crop_size(arguments: argparse.Namespace, recipe: Recipe, train_set: VOCFolder, longer_side: int | None) -> Any:
    """--size, or what the pictures warrant; None for whole pictures."""
    if arguments.size is not None:
        return arguments.size or None
    if recipe.size is None:
        return None
    if arguments.recipe == "fine-tune":
        return whole_crop(train_set, longer_side, max(LARGEST_CROP, longer_side or 0))
    side = default_crop(Resized(train_set, longer_side) if longer_side else train_set)
    # for pictures wider than high: what lies beside them in a square teaches nothing
    if isinstance(recipe.size, tuple):
        return tuple(min(side, most) for most in recipe.size)
    return side


def default_rate(arguments: argparse.Namespace, recipe: Recipe) -> float:
    """The recipe's rate, or what takes its place with another optimiser or a wide trunk. A rate means nothing under another loss or optimiser."""
    optimizer, loss = arguments.optimizer or recipe.optimizer, arguments.loss or recipe.loss
    of_recipe = f"the rate {recipe.lr:g} of --recipe {arguments.recipe}"
    # Adam's steps do not grow with the loss
    if optimizer == "sgd" and recipe.optimizer == "sgd" and loss != recipe.loss:
        instead = {"paper": "--recipe paper-mean", "paper-mean": "--recipe paper"}.get(arguments.recipe)
        raise TrainingError(
            f"--loss {loss}: {of_recipe} belongs to a {recipe.loss} loss, and a sum is as many times larger as pixels count; "
            f"give --lr too, or leave --loss out{f', or take {instead}' if instead else ''}"
        )
    if optimizer == recipe.optimizer:
        return recipe.lr * (rate_factor(arguments.backbone, arguments.width) if recipe == MODERN else 1.0)
    if recipe == MODERN:
        return ADAM_RATE
    raise TrainingError(
        f"--optimizer {optimizer}: {of_recipe} is {IN_FULL[recipe.optimizer]}'s, and {IN_FULL[optimizer]} wants another; "
        "give --lr too, or leave --optimizer out"
    )


IN_FULL = {"sgd": "SGD", "adam": "Adam"}
