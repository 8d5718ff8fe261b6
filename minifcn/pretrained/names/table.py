"""A table of names: of which network, and how its pictures are prepared."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from minifcn.models.preprocessing import Preprocessing


@dataclass(frozen=True)
class Names:
    """What one family of files calls the layers of one network.

    `who`: the family, for people. `network`: a classifier's trunk, or an FCN as "vgg16 fcn8s". `layers`: theirs -> ours, in the order of
    the network. `norms`: of a convolution of theirs, its batch norm, which is folded into it, with `epsilon`. `left`: patterns of what such
    files hold besides and nobody needs, with the reason. `constants`: layers of theirs that do nothing but multiply by this number, as
    ours does by itself. `order`: kinds of layers that must come in this order, where a file says how its layers follow each other: with
    another order the same numbers mean another network. `head`: which of the file's answers it is, where such files have several. `origin` travels with every model that begins from such weights.
    """

    who: str
    network: str
    layers: Mapping[str, str]
    preprocessing: Preprocessing
    origin: str
    norms: Mapping[str, str] = field(default_factory=dict)
    epsilon: float = 1e-5
    left: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    head: str = ""

    @property
    def family(self) -> str:
        """What --as calls it: vgg16, alexnet, googlenet, squeezenet, fcn32s, fcn16s, fcn8s, fcn8s-atonce, fcn8s-semantic."""
        name = self.network.split()[-1].removesuffix("-torchvision").removesuffix("-bvlc")
        return f"{name}-{self.head}" if self.head else name

    @property
    def title(self) -> str:
        """For people: torchvision's vgg16, the authors' vgg16 fcn8s."""
        return f"{self.who}'{'' if self.who == 'the authors' else 's'} {self.network.removesuffix('-torchvision')}{f', the {self.head} head' * bool(self.head)}"
