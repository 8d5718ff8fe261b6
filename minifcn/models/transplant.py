"""Net surgery between FCNs: a finer net starts from a coarser one's weights. Paper section 4.2."""

from typing import NamedTuple

from minifcn.models.fcn import FCN


class Transplant(NamedTuple):
    """What happened to each parameter of the new network."""

    copied: list[str]
    left: list[str]

    def __str__(self) -> str:
        return f"copied {len(self.copied)} parameters; left as they start: {', '.join(self.left) or 'none'}"


def transplant(source_model: FCN, model: FCN) -> Transplant:
    """Copy every parameter of `source_model` into the one of the same name in `model`; new skips keep their zeros.

    Upsampling kernels of another factor are left, and so are score layers where the classes differ.
    Anything else that does not fit raises ValueError, and nothing is written.
    """
    source, target = dict(source_model.named_parameters()), dict(model.named_parameters())
    other_classes = source_model.class_names != model.class_names
    fits, lost = [], []
    for name, parameter in source.items():
        if other_classes and name.startswith("score_") and name in target:
            continue  # scores of other classes are of no use, even where their number is the same
        if name in target and target[name].shape == parameter.shape:
            fits.append(name)
        elif not name.startswith("upscore"):
            lost.append(f"{name} {parameter.shape} -> {target[name].shape if name in target else 'nowhere'}")
    if lost:
        raise ValueError(f"transplant: these parameters have no place in the new network: {', '.join(lost)}")
    for name in fits:
        target[name].data[...] = source[name].data
    return Transplant(fits, [name for name in target if name not in fits])
