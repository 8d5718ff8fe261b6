"""What the numbers of all label files together say: whether they can mean what the class list says, and whether there is anything to learn."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from minifcn.data.check.findings import Finding, Pair
from minifcn.data.check.overlap import uses
from minifcn.data.classes import ClassMap, is_background, ranges
from minifcn.data.labels import VOC_CLASSES, VOID

STRAY, SPECKS = 200, 20  # times as many pixels of void as of all objects: these are what a brush or a blurred edge left
MANY = 4  # label files with numbers beyond the class list: so many are no slip
FEW = 20  # pixels a picture that shows them: fewer than that are no object
DARK, BRIGHT = 50, 205  # numbers of two shades that were black and white
FAR = 5  # numbers apart: classes are numbered one by one, shades of grey to look at are not


@dataclass
class Summary:
    """Figures of one split: pictures listed; heights and widths, each smallest and largest; modes; label values.

    `pixels`: label value → pixels. `shown`: label value → pictures that contain it. Pairs that could not be read count as
    listed and for nothing else; `read`: label files that could be.
    """

    listed: int
    read: int
    heights: tuple[int, int]
    widths: tuple[int, int]
    modes: Counter[str]
    label_modes: Counter[str]
    pixels: Counter[int]
    shown: Counter[int]


@dataclass(frozen=True)
class Use:
    """What splits are for. By their names; a training knows which it trains on, `train`, and which it scores, `val`.

    `asked`: the classes that were chosen by name. `cut`: pictures of `train` that a limit leaves, None where all are looked at.
    `named`: whether somebody says what the numbers mean.
    """

    train: str | None = None
    val: str | None = None
    asked: Sequence[str] = ()
    cut: int | None = None
    named: bool = True

    def trains(self, split: str) -> bool:
        """Whether a model may be trained on it; a split of no known use may be for anything."""
        return split == self.train if self.train else not uses(split) or "train" in uses(split)

    def trains_alone(self, split: str) -> bool:
        return split == self.train if self.train else uses(split) == {"train"}

    def apart(self) -> list[tuple[str, str]]:
        """The two splits that must differ, whatever their names say."""
        return [(self.train, self.val)] if self.train and self.val else []


def judged(
    pairs: Mapping[str, Pair], summaries: Mapping[str, Summary], classes: ClassMap, use: Use
) -> Iterator[Finding]:
    """Findings and notes about the numbers of the whole folder."""
    read = [pair.counts for pair in pairs.values() if pair.counts]
    pixels, shown = Counter[int](), Counter[int]()
    for counts in read:
        pixels.update(counts)
        shown.update(counts.keys())
    masks = masks_of_two(pixels, shown, classes)
    of_split = {split: masks or masks_of_two(each.pixels, each.shown, classes) for split, each in summaries.items()}
    if masks:
        yield Finding("masks", masks, tuple(name for name, pair in pairs.items() if VOID in (pair.counts or {})))
    else:
        yield from (Finding("masks", f"split {split}: {said}") for split, said in of_split.items() if said)
        if not any(of_split.values()):
            yield from some_masks_of_two(pairs)
        strange = sum(bool(classes.strangers(counts)) for counts in read)
        of_a_file = 0 < strange < min(MANY, len(read) / 2)  # a wrong number here and there is no matter of the list
        if use.named and not of_a_file and (wrong := list_of_others(pixels, classes, use.cut is not None)):
            yield Finding("class list", wrong)
    for split, summary in summaries.items():
        yield from judged_split(split, summary, classes, use, bool(of_split[split]))
    yield from one_class_each(pairs, classes)


def masks_of_two(pixels: Counter[int], shown: Counter[int], classes: ClassMap) -> str:
    """The sentence about masks of 0 and 255, whose objects are void, so that there is nothing to learn; empty for other labels."""
    objects = sorted(value for value in pixels if 0 < value < VOID and value not in classes.void)
    count, void = sum(pixels[value] for value in objects), pixels[VOID]
    pictures = sum(shown[value] for value in objects)
    stray = count * STRAY < void and 2 * pictures <= shown[VOID]  # hardly a pixel, and in few pictures
    specks = count * SPECKS < void and count < FEW * pictures  # in all pictures perhaps, but nowhere an object
    if not void or not pixels[0] or (objects and not stray and not specks):
        return ""
    others = [name for name, value in zip(classes.names, classes.values, strict=True) if value]
    if objects:
        names = dict(zip(classes.values, classes.names, strict=True))
        named = some_of([names.get(value, str(value)) for value in objects], 3)
        who = f"{named} {'occurs' if len(objects) == 1 else 'occur'} in {count} pixels"
    elif len(others) == 1:
        who = f"{others[0]} never occurs"
    else:
        who = f"none of {some_of(others, 4)} occurs"
    values = [value for value in classes.values if value]
    wanted = f"{values[0]}" if len(values) == 1 else "the number of its class"
    return (
        f"{who}, while {VOID}, which means void, stands in {share(void, pixels)} of the pixels: these are masks of 0 and {VOID}, and "
        f"nothing is learned from void. The object wants {wanted}: write that in place of {VOID} in all label files"
    )


def some_masks_of_two(pairs: Mapping[str, Pair]) -> Iterator[Finding]:
    """A note where some files hold 0 and 255 alone, and no file that shows an object has void: as if another hand had written those."""
    read = {name: set(pair.counts) for name, pair in pairs.items() if pair.counts}
    black_white = [name for name, values in read.items() if values == {0, VOID}]
    others = [values for values in read.values() if values - {0, VOID}]
    if black_white and others and not any(VOID in values for values in others):
        yield Finding(
            "some masks",
            f"{len(black_white)} of {len(read)} label files ({some_of(black_white, 3)}) hold 0 and {VOID} alone, and none of those that show "
            f"an object holds {VOID}: if it is the object there, it counts as void, so write the number of its class; see with --sheet",
            tuple(black_white),
        )


def some_of(names: Sequence[str], most: int = 12) -> str:
    """The first names, and how many more there are.

    >>> some_of(["a", "b"]), some_of(["a", "b", "c", "d"], 2)
    ('a, b', 'a, b and 2 more')
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def share(part: int, pixels: Counter[int]) -> str:
    """In per cent, with as many digits as it takes to be more than 0.

    >>> share(3, Counter({0: 17, 255: 3})), share(1, Counter({0: 99999, 1: 1}))
    ('15.0 %', '0.001 %')
    """
    value = 100 * part / (pixels.total() or 1)
    return f"{value:.1f} %" if value >= 1 else f"{value:.2g} %"


def list_of_others(pixels: Counter[int], classes: ClassMap, cut: bool) -> str:
    """The sentence about numbers that the class list cannot have been made for; empty where it may have been."""
    void = {VOID, *classes.void}
    used = sorted(value for value in pixels if value not in void)
    known = classes.known
    beyond = classes.strangers(used)
    levels = used + [VOID] * bool(pixels[VOID])
    shades = len(levels) > 1 and far_apart(levels)
    names = dict(zip(classes.values, classes.names, strict=True))
    named = [value for value in range(known) if value not in (*classes.void, *classes.gaps)]
    whose = "VOC's list" if classes.names == VOC_CLASSES else "the class list"
    there = f"the label files hold {in_words(used)}, and {whose} names {ranges(named)}"
    if beyond and shades and len(levels) <= known:
        shown = ", ".join(f"{place} for {level}" for place, level in enumerate(levels[:6]))
        return f"{there}: these are shades of grey, far apart to be seen, and no class numbers: write {shown}{' …' if len(levels) > 6 else ''}"
    bright = [value for value in levels if value > DARK]
    if beyond and known <= DARK and bright and min(bright) >= BRIGHT:
        return (
            f"{there}: these are two shades, up to {max((value for value in levels if value <= DARK), default=0)} and from {min(bright)} on, as a JPEG file or a "
            "soft brush leaves of masks of 0 and 255: write 0 for the dark one, 1 for the bright one, and save them as PNG"
        )
    if beyond == [known] and 0 not in used:
        first = names.get(0, "its first name")
        return f"{there}; {known} is beyond it and 0 never occurs, as if the list began at number 1: {first} has number 0 now; put the name of 0 before it"
    if beyond == [known]:
        return f"{there}; {known} is beyond it, as if one name were missing: the list must name every number, in their order"
    if beyond:
        return f"{there}: {in_words(beyond)} {'is' if len(beyond) == 1 else 'are'} beyond it; give the list that was made for these labels"
    own = classes.names != VOC_CLASSES
    if not cut and shades and len(used) >= (3 if own else 4) and even(used) and known >= 3 * len(used):
        return (
            f"{there}: {known - len(used)} of its {known} names never occur, and the numbers are {used[1] - used[0]} apart, as shades of grey to "
            "look at are; give the list that was made for these labels, or number their classes one by one"
        )
    return ""


def far_apart(levels: Sequence[int]) -> bool:
    """Whether numbers, in order, lie apart as shades of grey do that are to be told apart by eye."""
    return all(after - before >= FAR for before, after in pairwise(levels))


def even(levels: Sequence[int]) -> bool:
    """Whether numbers, in order, begin at 0 and go on by equal steps."""
    return levels[0] == 0 and len({after - before for before, after in pairwise(levels)}) == 1


def in_words(numbers: Collection[int]) -> str:
    """Numbers, in order: those that follow each other as a range.

    >>> in_words([3]), in_words([0, 1, 2, 3, 9]), in_words(range(0, 99, 9))
    ('number 3', 'numbers 0 to 3 and 9', 'numbers 0, 9, 18, 27, 36 and 6 more')
    """
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    words = [str(part[0]) if len(part) == 1 else f"{part[0]} to {part[-1]}" for part in parts]
    kind = "number" if len(numbers) == 1 else "numbers"
    if not words:
        return "void alone"
    if len(words) > 6:
        return f"{kind} {', '.join(words[:5])} and {len(words) - 5} more"
    return f"{kind} {', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else f"{kind} {words[0]}"


def judged_split(split: str, summary: Summary, classes: ClassMap, use: Use, masks: bool) -> Iterator[Finding]:
    """What is missing in a split. `masks`: that objects are void was said, and is not said again in other words."""
    if not summary.pixels or summary.read < summary.listed:
        return  # what the others hold nobody knows
    shown = [name for name, value in zip(classes.names, classes.values, strict=True) if summary.shown[value]]
    if classes.others == "background" and not any(map(is_background, shown)) and has_more(summary, classes):
        shown.append(next(filter(is_background, classes.names)))
    where = (
        f"split {split}"
        if not (use.cut and split == use.train)
        else f"the first {use.cut} of split {split}, which --limit leaves"
    )
    if use.trains_alone(split) and not masks:
        chosen = [name for name in use.asked if name not in shown]
        if chosen:
            yield Finding(
                "never chosen",
                f"{where}: no picture shows {some_of(chosen)}, which {'was' if len(chosen) == 1 else 'were'} asked for: a model cannot learn what "
                "it never sees; add pictures, or leave it out of --classes",
            )
        never = [name for name in classes.names if name not in shown and name not in chosen]
        if never:
            advice = "; a model cannot learn them here: add pictures, or leave them out with train --classes"
            if all(map(is_background, never)):  # which nobody can leave out
                advice = ""
            yield Finding("never shown", f"{where}: no picture contains {some_of(never)}{advice}")
    if len(shown) != 1 or masks or classes.strangers(summary.pixels):
        return  # numbers beyond the class list are a fault of that
    pictures = f"all {summary.listed} pictures" if summary.listed > 1 else "its one picture"
    alone = f"{where}: {shown[0]} is the only class in {pictures}, so there is nothing to tell it from"
    if use.trains(split):
        left = (
            ". Other numbers are there, of classes that --classes leaves out: name them too, or count them as background (--others background)"
            if has_more(summary, classes)
            else ""
        )
        yield Finding(
            "few to train on" if use.cut and split == use.train else "one class",
            f"{alone}: nothing can be learned{left}",
        )
    elif split == use.val or uses(split):
        yield Finding("one class scored", f"{alone}: a mean IU on it will be meaningless")


def has_more(summary: Summary, classes: ClassMap) -> bool:
    """Whether there are classes that were left out."""
    others = set(summary.pixels) - {VOID, *classes.void, *classes.values}
    return len(others) > len(classes.strangers(others))


def one_class_each(pairs: Mapping[str, Pair], classes: ClassMap) -> Iterator[Finding]:
    """A note where every picture shows one class, though not all the same: as if somebody had sorted pictures and not outlined things."""
    shown = [set(pair.counts or {}) & set(classes.values) for pair in pairs.values() if pair.counts]
    shown = [values for values in shown if values]
    if len(shown) > 1 and all(len(values) == 1 for values in shown) and len(set().union(*shown)) > 1:
        yield Finding(
            "one class each",
            f"each of the {len(shown)} label files holds one class alone: there is no boundary to learn where one class ends and another begins",
        )
