"""What the palette of a label file says about its numbers: after a drawing program has sorted it anew, a colour tells which class was meant."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

from PIL import Image

from minifcn.data.classes import ClassMap
from minifcn.data.labels import VOID, colour_map

Colour = tuple[int, ...]
Table = Mapping[Colour, int]  # colour → class number, or 255


class Palette(NamedTuple):
    """`other`: (number, the class or void whose colour it is drawn in), where they differ; `own`: (number, colour) of no class."""

    other: tuple[tuple[int, int], ...]
    own: tuple[tuple[int, Colour], ...]


def said_by_palette(image: Image.Image, used: Iterable[int], known: int, table: Table | None = None) -> Palette | None:
    """What the colours of the numbers `used` say where the classes are 0 to `known` - 1; None where they say what the numbers say, or nothing.

    The colours are those of `table`, else of VOC's palette.

    Two numbers of one colour cannot be told apart by it, so such a palette says nothing.
    """
    colours = colours_of(image, used)
    if len(set(colours.values())) < len(colours):
        return None
    meant = {value: table.get(colour) if table else class_of(colour, known) for value, colour in colours.items()}
    other = tuple((value, said) for value, said in meant.items() if said not in (None, value))
    own = tuple((value, colours[value]) for value, said in meant.items() if said is None)
    return Palette(other, own) if other else None  # type: ignore[arg-type]  # None is not among them


def colours_of(image: Image.Image, used: Iterable[int]) -> dict[int, Colour]:
    """The colour that the palette gives each of the numbers `used`."""
    palette = image.getpalette("RGB") or []
    return {value: tuple(palette[3 * value : 3 * value + 3]) for value in used if 3 * value < len(palette)}


def contradiction(drawn: Mapping[str, Mapping[int, Colour]]) -> str:
    """A clause where one colour is another number in another file, so that a number means other things from file to file; else nothing.

    `drawn`: name → the colours of its numbers. One grey alone may be the object of a mask of two colours here and the last of a ramp there.
    """
    numbers: dict[Colour, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, colours in drawn.items():
        if len(set(colours.values())) == len(colours):
            for number, colour in colours.items():
                numbers[colour][number].append(name)
    several = {colour: of for colour, of in numbers.items() if len(of) > 1}
    grey = [colour for colour in several if len(set(colour)) == 1]
    if not several or len(grey) == len(several) == 1:
        return ""
    colour, of = next(pair for pair in several.items() if pair[0] not in grey or len(grey) == len(several))
    said = [
        f"number {number} in {f'{len(names):,} files, such as ' if len(names) > 1 else ''}{names[0]}"
        for number, names in sorted(of.items())
    ]
    more = f" and {len(said) - 3} more" if len(said) > 3 else ""
    rest = len(several) - 1
    others = f", and {rest} more colour{'s are' if rest > 1 else ' is'} so" if rest else ""
    return f"{colour} is {' and '.join(said[:3])}{more}{others}"


OTHERWISE = (
    "each file has a palette of its own, as if a program had made it anew from the colours of the picture, and a number means other things from "
    "file to file: the numbers are trained, not the colours. If the colours are right, minifcn check-data --fix --colours FILE, a table of what "
    "they mean, writes their numbers and keeps the originals; if the numbers are right, save all files with one palette, or as grey"
)


@cache
def numbers_by_colour() -> dict[Colour, int]:
    """VOC's palette backwards."""
    return {tuple(colour): number for number, colour in enumerate(colour_map().tolist())}


def class_of(colour: Colour, known: int) -> int | None:
    """The class, or void, that a colour of three means exactly in VOC's palette; None for no such class."""
    number = numbers_by_colour().get(colour)
    return number if number is not None and (number < known or number == VOID) else None


def in_words(palette: Palette, classes: ClassMap) -> str:
    """A clause with each number and the class in whose colour it is drawn."""
    names = dict(zip(classes.values, classes.names, strict=True))
    meant = ["void" if number == VOID else f"{number} {names.get(number, '')}".rstrip() for _, number in palette.other]
    said = [
        f"number {value} {'that' if place else 'has the colour'} of {name}"
        for place, ((value, _), name) in enumerate(zip(palette.other, meant, strict=True))
    ]
    more = f" and {len(said) - 4} more" if len(said) > 4 else ""
    return ", ".join(said[:4]) + more


def kind_and_advice(palette: Palette, by_table: bool) -> tuple[str, str]:
    """Kind of finding, and what follows from it: where each number has the colour of some class, the palette is a class list.

    `by_table`: whether the colours are those of a table, and not of VOC's palette.
    """
    if not palette.own:
        option, whose = (
            ("--colours FILE, which is that table,", "the table's") if by_table else ("--voc-colours", "VOC's")
        )
        return "palette", (
            "as if a program had sorted the palette anew: the numbers are trained, not the colours. If the colours are right, "
            f"minifcn check-data --fix {option} writes their numbers and keeps the originals; if the numbers are right, save the files "
            f"with {whose} palette, or as grey"
        )
    value, colour = palette.own[0]
    return "some colours", (
        f"but number {value} has a colour of no class, {colour}, so the palette may be of another origin; the numbers count, not the colours: "
        "see that they are right"
    )
