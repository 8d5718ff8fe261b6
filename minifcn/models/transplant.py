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

    Upsampling kernels are left (another factor is another kernel), and so are score layers where the classes differ.
    Anything else that does not fit raises ValueError, and nothing is written.
    """
    source, target = dict(source_model.named_parameters()), dict(model.named_parameters())
    # scores of other classes are of no use, even where their number is the same
    other_classes = source_model.class_names != model.class_names
    stay = {
        name
        for name in source
        if name.startswith("upscore") or (other_classes and name.startswith("score_") and name in target)
    }
    fits = [name for name in source if name in target and target[name].shape == source[name].shape]
    lost = [name for name in source if name not in fits and name not in stay]
    fits = [name for name in fits if name.startswith("upscore") or name not in stay]
    if lost:
        detail = ", ".join(f"{n} {source[n].shape} -> {target[n].shape if n in target else 'nowhere'}" for n in lost)
        raise ValueError(f"transplant: these parameters have no place in the new network: {detail}")
    for name in fits:
        target[name].data[...] = source[name].data
    return Transplant(fits, [name for name in target if name not in fits])
