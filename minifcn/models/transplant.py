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

    Upsampling kernels are left (another factor is another kernel), and so are score layers where the number of classes differs.
    Anything else that does not fit raises ValueError, and nothing is written.
    """
    source, target = dict(source_model.named_parameters()), dict(model.named_parameters())
    fits = [name for name in source if name in target and target[name].shape == source[name].shape]
    other_classes = len(source_model.class_names) != len(model.class_names)
    may_stay = ("upscore", "score_") if other_classes else ("upscore",)
    lost = [name for name in source if name not in fits and not name.startswith(may_stay)]
    if lost:
        detail = ", ".join(f"{n} {source[n].shape} -> {target[n].shape if n in target else 'nowhere'}" for n in lost)
        raise ValueError(f"transplant: these parameters have no place in the new network: {detail}")
    for name in fits:
        target[name].data[...] = source[name].data
    return Transplant(fits, [name for name in target if name not in fits])
