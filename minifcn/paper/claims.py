"""The list of what the paper says. A claim is a function: it measures, and tells whether what it measured agrees.

Identities hold exactly and are asserted by the tests too. Experiments train small networks from several seeds, since chance plays a part;
bounds count on real labels. Every number on the page comes out of these functions, while the reader waits.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from minifcn.data import ClassMap
from minifcn.draw.paper.plots import Bars, Curves, Picture

KINDS = ("identity", "experiment", "data")


class Outcome(NamedTuple):
    """What was found. `holds`: None where it could not be measured, and `measured` says why. `table`: rows of text, the head first."""

    holds: bool | None
    measured: str
    table: Sequence[Sequence[str]] = ()
    plots: Sequence[Curves | Bars | Picture] = ()


class Setting(NamedTuple):
    """What the measurements may use: `seeds` of the experiments, `data` a VOC folder or None, `scale` of the steps of a training.

    `classes`: what the numbers in the labels of `data` mean; None: VOC's 21 classes.
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    data: Path | None = None
    scale: float = 1.0
    classes: ClassMap | None = None

    def known(self) -> ClassMap:
        """The classes of `data`."""
        return self.classes or ClassMap.voc()

    def steps(self, count: int) -> int:
        """`count` steps of training, or fewer where a look is enough."""
        return max(2, round(self.scale * count))


class Claim(NamedTuple):
    """One sentence of the paper: `section` where it stands, `says` in our words, `kind` one of KINDS, `run` measures it."""

    name: str
    section: str
    says: str
    kind: str
    run: Callable[[Setting], Outcome]


CLAIMS: dict[str, Claim] = {}


def claim(name: str, section: str, says: str, kind: str = "identity") -> Callable[[Callable], Callable]:
    """Enter the function below into CLAIMS."""
    if name in CLAIMS or kind not in KINDS:
        raise ValueError(f"claim {name!r}: kind {kind!r}; expected a new name and one of {', '.join(KINDS)}")

    def enter(run: Callable[[Setting], Outcome]) -> Callable[[Setting], Outcome]:
        CLAIMS[name] = Claim(name, section, says, kind, run)
        return run

    return enter
