"""Pictures that their EXIF tag turns on reading, and labels that were drawn on the pixels as they are stored."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from minifcn.data.check.findings import Finding, Pair
from minifcn.data.pixels.turned import WORDS, swaps

SHOWN = 3
FIX = "minifcn check-data --fix --turn-labels"
HOW = ("sure", "all")


def fits_as_stored(pair: Pair) -> bool:
    """Whether the labels have the size of their picture as stored, and not that of the upright one."""
    return bool(pair.size and swaps(pair.orientation) and pair.label_size == pair.size[::-1] != pair.size)


def as_stored_sentence(path: Path, pair: Pair) -> str:
    """The sentence about such labels."""
    (height, width), (label_height, label_width) = pair.size or (0, 0), pair.label_size or (0, 0)
    return (
        f"labels {path}: {label_height}x{label_width} (height x width), the size of the picture as stored, which its EXIF tag has "
        f"{WORDS[pair.orientation]} to {height}x{width}; {FIX} sure turns the labels alike and keeps the originals"
    )


def notes_of_turned(pairs: Mapping[str, Pair]) -> Iterable[Finding]:
    """One sentence about all pictures that a tag turns, and one about all label files that bear a tag."""
    turned = [pair for pair in pairs.values() if pair.orientation > 1]
    unsure = [pair for pair in turned if pair.counts and not tells_by_size(pair)]
    if turned:
        also = ""
        if unsure:
            also = (
                f". {plural(len(unsure), 'of them does', 'of them do')} not tell by the size which of the two its labels fit: if they were drawn on "
                f"the pixels as stored, {FIX} all turns them, once"
            )
        yield Finding(
            "turned",
            f"{len(turned)} of {len(pairs)} pictures ({listed(turned)}) {'has' if len(turned) == 1 else 'have'} an EXIF tag by which they are turned or mirrored on reading; "
            f"their labels must belong to the upright picture: look at them with --sheet{also}",
            tuple(pair.name for pair in turned),
        )
    tagged = [pair for pair in pairs.values() if pair.label_orientation > 1]
    if tagged:
        yield Finding(
            "label tag",
            f"{plural(len(tagged), 'label file has', 'label files have')} an EXIF tag of its own ({listed(tagged, labels=True)}): labels are read "
            "as stored and the tag is not followed, so see with --sheet that they fit",
            tuple(pair.name for pair in tagged),
        )


def tells_by_size(pair: Pair) -> bool:
    """Whether labels drawn on the pixels as stored would have another size than the upright picture."""
    return bool(pair.size and swaps(pair.orientation) and pair.size[0] != pair.size[1])


def to_turn(pairs: Mapping[str, Pair], how: str) -> dict[str, int]:
    """Name → orientation of the labels that `how` turns: "sure" where their size fits only the picture as stored, "all" where it cannot tell too."""
    found = {}
    for name, pair in pairs.items():
        if pair.orientation < 2 or not pair.label_size:
            continue
        if fits_as_stored(pair) or (how == "all" and not tells_by_size(pair)):
            found[name] = pair.orientation
    return found


def listed(pairs: list[Pair], labels: bool = False) -> str:
    """ "a, b, c and 4 more", each with what its tag says."""
    words = [f"{pair.name} {WORDS[pair.label_orientation if labels else pair.orientation]}" for pair in pairs[:SHOWN]]
    return ", ".join(words) + (f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else "")


def plural(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"
