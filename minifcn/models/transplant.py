"""Net surgery between FCNs: a finer net starts from a coarser one's weights. Paper section 4.2."""

from typing import NamedTuple

from minifcn.models.fcn import FCN


class Transplant(NamedTuple):
    """What happened to each parameter of the new network."""

    copied: list[str]
    left: list[str]

    def __str__(self) -> str:
        return f"copied {len(self.copied)} parameters; left as they start: {', '.join(self.left) or 'none'}"


def transplant(coarser: FCN, finer: FCN) -> Transplant:
    """Copy every parameter of `coarser` into the one of the same name in `finer`; new skips keep their zeros.

    Upsampling kernels are left (another factor is another kernel). Anything else that does not fit raises ValueError, and nothing
    is written.
    """
    source, target = dict(coarser.named_parameters()), dict(finer.named_parameters())
    fits = [name for name in source if name in target and target[name].shape == source[name].shape]
    lost = [name for name in source if name not in fits and not name.startswith("upscore")]
    if lost:
        detail = ", ".join(f"{n} {source[n].shape} -> {target[n].shape if n in target else 'nowhere'}" for n in lost)
        raise ValueError(f"transplant: these parameters have no place in the new network: {detail}")
    for name in fits:
        target[name].data[...] = source[name].data
    return Transplant(fits, [name for name in target if name not in fits])
