"""Net surgery: weights of one network into another. Classifier to FCN, FCN-32s to 16s to 8s, three channels to four. Paper sections 4.1, 4.2."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minifcn.autodiff.engine import Array
from minifcn.backend import array_module, device_of, to_device
from minifcn.models.classifiers import Classifier, HeatMap
from minifcn.models.fcn import FCN, shows_options
from minifcn.names import instead
from minifcn.nn import Module
from minifcn.nn.initialisers import undrawn

NAMED = 3  # parameters that an error names: the first says enough
LEARNERS, SCORES = ("all", "heads", "scores"), ("score_", "upscore")


@dataclass
class Transplant:
    """What happened to each parameter. `copied`, `reshaped`, `widened` (three input channels to four), `expanded` (to more classes) and
    `matched` (scores of the classes of the same name, the others new) are parameters of the new network that were written; `left` those
    that were not; `dropped` those of the old one that had no place. `same_classes`: the names of the classes whose scores were
    `matched`.
    """

    copied: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    reshaped: list[str] = field(default_factory=list)
    widened: list[str] = field(default_factory=list)
    expanded: list[str] = field(default_factory=list)
    matched: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    same_classes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f"copied {len(self.copied)} parameters"]
        for word in ("reshaped", "widened", "expanded", "matched", "dropped"):
            if names := getattr(self, word):
                parts.append(f"{word} {', '.join(names)}")
        return "; ".join([*parts, f"left as they start: {', '.join(self.left) or 'none'}"])

    def in_words(self, network: str) -> str:
        """What a person wants to know: how much came along, and which layers of the `network` are new. Upsampling is not one of them:
        its kernel follows from the stride, and is bilinear at the start.
        """
        came = len(self.copied) + len(self.reshaped) + len(self.widened) + len(self.expanded)
        new, matched, dropped = (layers_of(names) for names in (self.left, self.matched, self.dropped))
        words = [f"{came} parameters carried over"]
        if matched:
            words.append(f"the scores of {', '.join(self.same_classes)} too")
        words.append(f"new in {network}: {', '.join(new) or ('those of the other classes' if matched else 'nothing')}")
        if unused := [name for name in dropped if name not in new]:
            words.append(f"not used: {', '.join(unused)}")
        return "; ".join(words)


Network = FCN | Classifier | HeatMap


def layers_of(parameters: Sequence[str]) -> list[str]:
    """The layers, each once, that have learned something: score_pool4 of score_pool4.weight; a classifier that was cut off is none."""
    layers = dict.fromkeys(name.rpartition(".")[0] for name in parameters)
    return [layer for layer in layers if not layer.startswith(("upscore", "classifier"))]


def transplant(
    source_model: Network, model: Network, *, expand_scores: bool = False, loosely: bool = False
) -> Transplant:
    """Write every parameter of `source_model` into the one of the same name in `model`, and report it.

    A matrix becomes the convolution with the same numbers, the flat order kept: fc6 (4096, 25088) to (4096, 512, 7, 7). Where the new
    network takes a fourth input channel, its kernels start as the mean of the other three (the reference's RGB and depth). Scores are
    written where the classes are the same; with `expand_scores` the old network's classes become the first of the new. New skips
    keep their zeros, upsampling of another factor its bilinear kernel. With `loosely`, for fine-tuning,
    classes of the same name keep their scores, and the new network may be the coarser one.
    Raises ValueError, before anything is written, where any other parameter of the old network has no place in the new.
    """
    for network in (source_model, model):
        # a lesson has a classifier of its own
        if not (isinstance(network, Module) and hasattr(network, "class_names")):
            raise TypeError(f"transplant: got a {type(network).__name__}; expected an FCN or a classifier")
    source, target = dict(source_model.named_parameters()), dict(model.named_parameters())
    report, writes, lost = Transplant(), {}, []
    same_classes = source_model.class_names == model.class_names
    for name, parameter in source.items():
        fits = placed(parameter.data, target[name].shape, name == next(iter(target))) if name in target else None
        if is_score(name) and name in target and not same_classes:  # of no use, even where their number is the same
            fits = expanded(parameter.data, target[name].data) if expand_scores else None
            if loosely:
                fits = matched(parameter.data, target[name].data, source_model.class_names, model.class_names)
            if fits is None:
                report.dropped.append(name)
                continue
        if fits is not None:
            how, writes[name] = fits
            getattr(report, how).append(name)
        elif name.startswith(("upscore", *(("score_",) if loosely else ()))) or (
            name.startswith("classifier.") and name not in target
        ):
            report.dropped.append(name)
        else:
            lost.append(f"{name} {parameter.shape} -> {target[name].shape if name in target else 'nowhere'}")
    if lost:
        more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
        raise ValueError(
            f"transplant: these parameters have no place in the new network: {', '.join(lost[:NAMED])}{more}; "
            f"build it with the same trunk as the old one{trunk_of(source_model)}, as wide and at least as fine"
        )
    for name, value in writes.items():
        target[name].data[...] = to_device(value, target[name].device)
    if report.matched:
        report.same_classes = [name for name in model.class_names if name in source_model.class_names]
    report.left = [name for name in target if name not in writes]
    return report


def trunk_of(model: Any) -> str:
    """ " (squeezenet-fc)", or nothing where nobody knows the name."""
    name = getattr(model, "architecture", {}).get("backbone") or getattr(model, "name", None)
    return f" ({name})" if isinstance(name, str) else ""


def is_score(name: str) -> bool:
    return name.startswith(("score_", "classifier."))


def placed(old: Array, shape: tuple[int, ...], first: bool) -> tuple[str, Array] | None:
    """How `old` goes into a parameter of `shape`, the new network's first or not: what is done, and the result; None if it does not."""
    if old.shape == shape:
        return "copied", old
    if 2 in (old.ndim, len(shape)) and old.shape[0] == shape[0] and old.size == np.prod(shape):
        return "reshaped", old.reshape(shape)
    if first and old.ndim == 4 and shape == (old.shape[0], 4, *old.shape[2:]) and old.shape[1] == 3:
        return "widened", array_module(old).concatenate([old, old.mean(1, keepdims=True)], 1)
    return None


def expanded(old: Array, new: Array) -> tuple[str, Array] | None:
    """`new`, its first classes as in `old`: weights (classes, C, 1, 1) or biases (classes,)."""
    if old.shape[1:] != new.shape[1:] or old.shape[0] > new.shape[0]:
        return None
    return "expanded", array_module(old).concatenate([old, to_device(new, device_of(old))[len(old) :]])


def matched(old: Array, new: Array, old_names: Sequence[str], new_names: Sequence[str]) -> tuple[str, Array] | None:
    """`new` with the rows of the classes that `old` has too, under the same name; None where there is none."""
    shared = [(new_names.index(name), old_names.index(name)) for name in new_names if name in old_names]
    if not shared or old.shape[1:] != new.shape[1:]:
        return None
    result = new.copy()
    to, of = (list(each) for each in zip(*shared, strict=True))
    result[to] = to_device(old, device_of(new))[of]
    return "matched", result


def heat_map(classifier: Classifier) -> tuple[HeatMap, Transplant]:
    """The classifier as convolutions, its classes kept: it answers for every window of a picture of any size."""
    with undrawn():  # every weight is written
        network = HeatMap(
            classifier.name, len(classifier.class_names), width=classifier.width, class_names=classifier.class_names
        )
    return network, transplant(classifier, network)


@shows_options("backbone", "width")
def fully_convolutional(
    classifier: Classifier | HeatMap, stride: int = 32, num_classes: int = 21, **options: Any
) -> tuple[FCN, Transplant]:
    """An FCN on the classifier's trunk; its own classes are dropped. Options as in `FCN`. SqueezeNet's stride 32 takes one more pool."""
    if not isinstance(classifier, Classifier | HeatMap):
        raise TypeError(f"fully_convolutional: got a {type(classifier).__name__}; expected a Classifier")
    name = "squeezenet32" if (classifier.name, stride) == ("squeezenet", 32) else classifier.name
    with undrawn():  # the trunk is written, and what stands on it starts at zero or bilinear
        model = FCN(name, stride, num_classes, width=classifier.width, **options)
    return model, transplant(classifier, model)


def freeze(model: Module, learns: str) -> None:
    """Only the "heads" of `model` learn, or only the layers that give its "scores": all else stands still from now on. "all" freezes nothing.

    The heads are what is not in the trunk, or was added to it. A layer that is frozen before all that learns is not visited by
    `backward`, which makes a step cheaper.
    """
    if learns not in LEARNERS:
        raise ValueError(f"freeze: learns is {learns!r}{instead(learns, LEARNERS)}")
    added = getattr(getattr(model, "backbone", None), "added", ())
    for name, parameter in model.named_parameters():
        if (learns == "heads" and in_trunk(name, added)) or (learns == "scores" and not name.startswith(SCORES)):
            parameter.requires_grad = False


def in_trunk(name: str, added: Sequence[str]) -> bool:
    """Whether a parameter belongs to the trunk as its authors trained it."""
    return name.startswith("backbone.") and name.split(".")[1] not in added


def parameter_groups(model: Module, bias_factor: float = 2.0, head_factor: float = 1.0) -> list[dict[str, Any]]:
    """What is trained, in groups for an optimiser: biases `bias_factor` times as fast and, then, without decay; what is not
    in the trunk, or was added to it, `head_factor` times as fast. The defaults are the reference's multipliers; its AlexNet trunk treats biases as weights.
    """
    plain = getattr(model, "architecture", {}).get("backbone") == "alexnet"
    added = getattr(getattr(model, "backbone", None), "added", ())
    groups: dict[tuple[float, float], list[Any]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        trunk = in_trunk(name, added)
        fast = name.endswith("bias") and bias_factor != 1 and not (plain and trunk)
        rate = (bias_factor if fast else 1.0) * (1.0 if trunk else head_factor)
        groups.setdefault((rate, 0.0 if fast else 1.0), []).append(parameter)
    return [
        {"params": parameters, "lr_multiplier": rate, "decay_multiplier": decay}
        for (rate, decay), parameters in groups.items()
    ]
