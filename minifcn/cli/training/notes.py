"""What `minifcn train` says of its options before it begins: those without effect, refused or noted, crops of void, the rate of a later stage."""

import argparse
from collections.abc import Collection, Iterator

from minifcn.data import VOCFolder
from minifcn.data.augment import share_seen, sides
from minifcn.data.sizes import resized_shapes
from minifcn.models import FCN
from minifcn.training import Config, TrainingError
from minifcn.training.recipes import PAPER

LEAST_SEEN = 0.5  # of a crop: what shows less of its pictures is more void than picture


def note_of_crop(config: Config, given: Collection[str], train_set: VOCFolder) -> list[str]:
    """A sentence where crops, as options want them, lie beyond the edges of their pictures for the larger part."""
    size, varied = config.recipe.size, config.recipe.augmentation
    if not size or not {"size", "longer_side", "scale", "jitter"} & set(given):
        return []
    share = share_seen(resized_shapes(train_set, config.longer_side), size, varied)
    if share >= LEAST_SEEN:
        return []
    ways = ["a smaller --size"]
    ways += ["a larger --longer-side"] * bool(config.longer_side)
    ways += ["a larger --scale"] * (varied.scale[0] < 1)
    ways += ["less --jitter"] * bool(varied.jitter)
    height, width = sides(size)
    return [
        f"crops of {height}x{width} pixels show pictures on {100 * share:.2g} % of their area; the rest lies beyond the pictures' edges, "
        f"teaches nothing and takes as long as if it did: give {', or '.join(ways)}"
    ]


def refuse_idle(config: Config, given: Collection[str]) -> None:
    """What was asked for and would have no effect is refused: nobody is to believe that it was tried."""
    if "momentum" in given and config.recipe.optimizer == "adam":
        raise TrainingError(
            "--momentum is SGD's, and this training is Adam's, which has means of its own; leave it out, or give --optimizer sgd"
        )
    if "fusion" in given and config.arch == "fcn32s":
        raise TrainingError(
            "--fusion says how a skip is joined, and fcn32s has none; leave it out, or give --arch fcn16s or a finer one"
        )


def notes_of_idle(config: Config, given: Collection[str], left_out: bool, resumed: bool) -> Iterator[str]:
    """A sentence for each option that was given and changes nothing. `left_out`: whether there are classes that are not learned; `resumed`: whether
    the run goes on."""
    if "others" in given and not left_out:
        yield "--others is about classes that --classes leaves out, and none is: it changes nothing"
    if "other_data" in given and not resumed:
        yield "--other-data is for a run that goes on, and this one begins: it changes nothing"
    if config.recipe.learns != "all" and not (config.init or config.trunk):
        yield f"--learns {config.recipe.learns}: the trunk keeps the random weights it begins with, for neither --trunk nor --init brings others"


STAGES = {"fcn16s": (16, "fcn16s", 1), "fcn8s": (8, "fcn8s", 2), "fcn4s": (4, "fcn8s", 2)}  # stride, the authors' stage


def note_of_rate(arguments: argparse.Namespace, config: Config, given: Collection[str], start: FCN | None) -> list[str]:
    """A sentence where a later stage of the paper is a run of its own: its rate is that of the first stage still."""
    stride, stage, number = STAGES.get(config.arch, (0, "", 0))
    alike = arguments.recipe in ("paper", "paper-mean") and "lr" not in given
    if not (alike and start and start.architecture["stride"] > stride > 0):
        return []
    factor, rate = PAPER.stage_factors[number], config.recipe.lr
    return [
        f"{config.arch} begins from FCN-{start.architecture['stride']}s at the rate {rate:.3g}, which --recipe {arguments.recipe} has for "
        f"fcn32s; for {stage} the authors took {IN_WORDS[factor]} of that: --lr {rate * factor:.3g}"
    ]


IN_WORDS = {1e-2: "a hundredth", 1e-4: "a ten-thousandth"}
