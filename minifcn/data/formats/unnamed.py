"""Numbers that nobody named: what they may mean, and when they are rather no classes at all."""

from collections.abc import Mapping, Sequence

from minifcn.data.errors import DataError
from minifcn.data.formats.masks import colour_text
from minifcn.data.formats.source import BACKGROUND, Source
from minifcn.data.labels import VOID, WHITE

MANY = 24  # numbers in a picture, on the average: pictures of ADE20K, with its 150 classes, hold about ten


def numbers_alone(
    source: Source, counts: Mapping[int, int], files: Sequence[Mapping[int, int]]
) -> dict[int, str | None]:
    """Numbers that nobody named: black and white is an object on background, other numbers are classes of that number."""
    if source.colours:
        raise DataError(
            "the labels are colours, and no list in the source says which classes they are. Found are "
            f"{', '.join(map(colour_text, sorted(counts, key=lambda value: -counts[value])[:8]))}; name them in a file, "
            "'red green blue name' a line, and give it with --colours FILE"
        )
    if len(counts) == 2 and min(counts) == 0 and (white := max(counts)) in (VOID, WHITE):
        return {0: BACKGROUND, white: "object"}
    check_signs(source, counts)
    check_greys(counts)
    check_objects(files, counts)
    check_blurred(source, counts)
    check_instances(files)
    check_own_numbers(files, counts)
    check_many(files, counts)
    check_spread(counts)
    numbers = (value for value in sorted(counts) if value != VOID and value not in source.void)
    meaning: dict[int, str | None] = {value: f"number {value}" for value in numbers}
    return meaning | ({VOID: None} if VOID in counts else {})


def check_greys(counts: Mapping[int, int]) -> None:
    """Raise DataError where numbers are rather two greys and shades of them: soft edges, or a mask saved as JPEG.

    Of soft edges two numbers are nearly all; of JPEG nearly all lie near the lowest and near the highest, several near each.
    """
    low, high = min(counts), max(counts)
    if high - low < 64 or len(counts) <= 8:
        return
    total, step = sum(counts.values()), (high - low) / 4
    ends = [[v for v in counts if v < low + step], [v for v in counts if v > high - step]]
    shares = [sum(counts[value] for value in end) / total for end in ends]
    often = sorted(sorted(counts, key=lambda value: -counts[value])[:2])
    rest = 1 - sum(counts[value] for value in often) / total
    soft = often[0] in ends[0] and often[1] in ends[1] and rest < 0.25
    if soft or (
        sum(shares) > 0.95 and all(share > 0.02 and len(end) > 2 for share, end in zip(shares, ends, strict=True))
    ):
        raise DataError(
            f"the labels hold {len(counts)} different numbers from {low} to {high}, {100 * rest:.2f} % of the pixels another than {often[0]} "
            f"and {often[1]}: masks of two greys whose edges are soft, or which were saved as JPEG. If so, give --threshold "
            f"{(low + high + 1) // 2}; if they are classes, name them with --values"
        )


def check_signs(source: Source, counts: Mapping[int, int]) -> None:
    """Raise DataError where numbers are below 0: as a rule they are void, and class 0 would be theirs."""
    if below := sorted(value for value in counts if value < 0 and value not in source.void):
        some = ",".join(map(str, below[:3]))
        raise DataError(
            f"the labels hold numbers below 0 ({some}): if they are void, give --void {some}; else name all with --values"
        )


def check_objects(files: Sequence[Mapping[int, int]], counts: Mapping[int, int]) -> None:
    """Raise DataError where some masks have their object as 1 and others as 255: there 255 is hardly void."""
    ones, whites = ([file for file in files if value in file] for value in (1, VOID))
    if set(counts) == {0, 1, VOID} and not any(1 in file for file in whites):
        raise DataError(
            f"{len(ones)} masks hold 1 and {len(whites)} others 255, and none holds both, so 255 may be the object too, or void. Say it with "
            "--values 0=background,1=object,255=object, or 255=void"
        )


def check_blurred(source: Source, counts: Mapping[int, int]) -> None:
    """Raise DataError where numbers come from JPEG: classes and what it made of their edges cannot be told apart."""
    if source.blurred:
        raise DataError(
            f"{source.blurred} masks are of a kind that keeps no exact numbers (JPEG, WebP), and they hold {len(counts)} different ones "
            f"({', '.join(map(str, sorted(counts)[:8]))}{', …' if len(counts) > 8 else ''}). Take the masks that they were made from, as PNG; "
            "if these numbers are right, name them with --values"
        )


def check_instances(files: Sequence[Mapping[int, int]]) -> None:
    """Raise DataError where each file numbers its own objects: 1 to its count of them, without a gap, many of them."""
    own = [set(file) - {0} for file in files if set(file) != {0}]
    tops = [max(numbers) for numbers in own if numbers]
    if len(set(tops)) > 1 and sum(tops) >= 8 * len(tops) and all(len(each) == max(each) for each in own):
        raise DataError(
            f"each mask holds all numbers from 1 to one of its own, {min(tops)} to {max(tops)}: rather numbers of single objects than of "
            "classes. If all objects are of one class, give --threshold 1; if these are classes, name them with --values FILE"
        )


def check_own_numbers(files: Sequence[Mapping[int, int]], counts: Mapping[int, int]) -> None:
    """Raise DataError where numbers that no byte holds stand in one file each: those of objects, or of a class and an object, 26003."""
    large = [value for value in counts if VOID < value < WHITE]
    alone = [value for value in large if sum(value in file for file in files) == 1]
    if len(files) > 2 and len(alone) > 2 and len(alone) > 0.75 * len(large):
        raise DataError(
            f"the labels hold numbers up to {max(large)}, and {len(alone)} of the {len(large)} above {VOID} stand in one mask alone: rather "
            "numbers of single objects than of classes. If all objects are of one class, give --threshold 1; if these are classes, name them "
            "with --values FILE"
        )


def check_many(files: Sequence[Mapping[int, int]], counts: Mapping[int, int]) -> None:
    """Raise DataError where a picture holds more numbers than classes, most of them hardly ever: soft edges between several greys."""
    total = sum(counts.values())
    rare = [value for value, count in counts.items() if count < 0.005 * total]
    if sum(map(len, files)) > MANY * len(files) and len(rare) > 0.75 * len(counts):
        often = sorted(set(counts) - set(rare))
        raise DataError(
            f"the labels hold {len(counts)} different numbers, up to {max(map(len, files))} in one picture, and {len(rare)} of "
            f"them cover less than 0.5 % each: rather soft edges between {', '.join(map(str, often[:8])) or 'greys'} than classes. Save the "
            "masks with hard edges; if these are classes, name them with --values FILE"
        )


def check_spread(counts: Mapping[int, int]) -> None:
    """Raise DataError where numbers are spread evenly up to 255, to be seen: there 255 is a class and not void."""
    if 3 <= len(counts) <= 52 and all(
        abs(value - place * VOID / (len(counts) - 1)) <= 1 for place, value in enumerate(sorted(counts))
    ):
        raise DataError(
            f"the labels hold {len(counts)} numbers evenly from 0 to 255, so 255 may be a class or void. Say what they mean with "
            f"--values {','.join(f'{value}=NAME' for value in sorted(counts))}"
        )
