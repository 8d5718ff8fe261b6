"""What became of every array of a file: where it went, and what was done to it on the way."""

from dataclasses import dataclass, field
from pathlib import Path

from minifcn.models import FCN
from minifcn.models.classifiers import HeatMap
from minifcn.models.preprocessing import Preprocessing

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Move:
    """Arrays of theirs that became one parameter of ours. `how`: copied, reshaped, transposed, diagonal, folded, zero, flipped, widened, rounded."""

    theirs: tuple[str, ...]
    came: Shape
    ours: str
    went: Shape
    how: tuple[str, ...]

    def __str__(self) -> str:
        if self.how == ("zero",):
            return f"{self.ours} {sides(self.went)}: zero, as the graph adds nothing there"
        return f"{', '.join(self.theirs)} {sides(self.came)} -> {self.ours} {sides(self.went)}: {', '.join(self.how)}"


@dataclass
class Import:
    """A network from somebody's file. `left`: arrays that went nowhere, with the reason. `notes`: what a person should know of the file."""

    network: HeatMap | FCN
    title: str
    format: str
    source: Path
    sha256: str
    moves: list[Move] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def in_words(self) -> str:
        """One line: how many arrays, and what was done to them."""
        counts = {how: sum(how in move.how for move in self.moves) for move in self.moves for how in move.how}
        done = ", ".join(f"{count} {how}" for how, count in counts.items())
        return f"{self.title} from {self.source.name} ({self.format}): {len(self.moves)} parameters: {done}; {len(self.left)} arrays left"

    def lines(self) -> list[str]:
        """Every array by name, a line each."""
        return [
            *map(str, self.moves),
            *(f"{name}: left, {why}" for name, why in self.left.items()),
            f"pictures: {pictures(self.network.preprocessing)}",
            *self.notes,
        ]


def sides(shape: Shape) -> str:
    """64x3x3x3; a single number has no sides."""
    return "x".join(map(str, shape)) or "a number"


def pictures(how: Preprocessing) -> str:
    """How pictures are prepared, in words."""
    scale = how.scale if isinstance(how.scale, tuple | list) else (how.scale,)
    mean, scales = (", ".join(f"{value:.8g}" for value in values) for values in (how.mean, scale))
    return f"channels {how.channels}, mean {mean}, scale {scales}"
