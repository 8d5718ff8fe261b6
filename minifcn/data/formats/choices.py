"""What a person says on the command line about a source: numbers that are void, names of numbers, a file of colours."""

from dataclasses import replace
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.pairs import PICTURES, by_name
from minifcn.data.formats.source import VOID_NAME, Options, Source, usual_name
from minifcn.data.formats.survey import Survey
from minifcn.data.labels import VOC_CLASSES, VOID, colour_map


def values(text: str | None) -> tuple[int, ...]:
    """Numbers, or colours #rrggbb, with commas between.

    >>> values("0,11"), values("#33ddff")
    ((0, 11), (3399167,))
    """
    return tuple(value(word) for word in text.split(",")) if text else ()


def value(word: str) -> int:
    word = word.strip()
    try:
        return int(word[1:], 16) if word.startswith("#") else int(word)
    except ValueError:
        raise DataError(f"{word!r} is no number and no colour such as #33ddff") from None


def meaning(named: str | None, colours: str | None) -> dict[int, str | None] | None:
    """Number or colour → class name, None for void, from `--values` or `--colours`; None where neither is given."""
    if named and colours:
        raise DataError("--values and --colours both say what the labels mean; give one of them")
    if named:
        return dict(pair(word) for word in named.split(","))
    if colours == "voc" and not Path(colours).exists():
        palette = colour_map().astype(int) @ (1 << 16, 1 << 8, 1)
        return {int(palette[number]): name for number, name in enumerate(VOC_CLASSES)} | {int(palette[VOID]): None}
    return colour_file(Path(colours)) if colours else None


def pair(word: str) -> tuple[int, str | None]:
    """One of `--values`: 1=pet."""
    number, sign, name = word.partition("=")
    if not sign or not name.strip():
        raise DataError(f"--values {word!r}: write NUMBER=NAME, such as 1=pet,2=background,3=void")
    return value(number), class_or_void(name.strip())


def class_or_void(name: str) -> str | None:
    return None if name.lower() == VOID_NAME else usual_name(name)


def colour_file(path: Path) -> dict[int, str | None]:
    """Colour → class from lines of "red green blue name". Raises DataError with the line that is none."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"--colours {path}: cannot be read ({error})") from error
    found: dict[int, str | None] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = line.replace(",", " ").split(maxsplit=3)
        if len(parts) < 4 or not all(part.isdecimal() and int(part) < 256 for part in parts[:3]):
            raise DataError(f"--colours {path}, line {number}: {line.strip()!r}; expected 'red green blue name'")
        red, green, blue = map(int, parts[:3])
        found[red << 16 | green << 8 | blue] = class_or_void(parts[3].strip())
    if not found:
        raise DataError(f"--colours {path}: no colours in it; write 'red green blue name' a line")
    return found


def with_pictures(source: Source, options: Options) -> Source:
    """The source with the pictures of `--pictures` where it has none itself. Raises DataError where nothing is left."""
    if options.pictures:
        if not options.pictures.is_dir():
            raise DataError(f"--pictures {options.pictures}: there is no such folder")
        there = by_name(options.pictures, PICTURES)
        there |= {Path(name).name: path for name, path in there.items() if Path(name).name not in there}
        source.items = [
            item if item.picture else replace(item, picture=there.get(item.name) or there.get(Path(item.name).name))
            for item in source.items
        ]
    bare = [item.name for item in source.items if item.picture is None]
    source.items = [item for item in source.items if item.picture is not None]
    if not source.items:
        raise DataError(
            f"{len(bare)} label files and no picture of theirs ({', '.join(bare[:3])}); say where the pictures are with --pictures FOLDER"
            if bare
            else "no picture with labels was found in the source"
        )
    if bare:
        source.left_out["labels without a picture"] = bare
    return source


def check_known(survey: Survey, source: Source) -> None:
    """Raise DataError where the labels hold what nobody gave a meaning, or the classes are too few or too many."""
    if not survey.unknown and 2 <= len(survey.names) <= VOID:
        return
    if not survey.unknown:
        some = ", ".join(survey.names[:8])
        raise DataError(
            f"{len(survey.names)} classes ({some}) are in the list; a model needs 2 to {VOID} to tell apart"
        )
    some = ", ".join(row.key for row in survey.unknown[:8])
    more = f" and {len(survey.unknown) - 8} more" if len(survey.unknown) > 8 else ""
    pixels = sum(row.pixels for row in survey.unknown)
    word = "colours" if source.colours else "numbers"
    soft = ", or --soft-edges nearest if they are soft edges" if source.colours else ""
    raise DataError(
        f"{len(survey.unknown)} {word} in {pixels:,} pixels have no class in the source's list: {some}{more}. Say what they are with "
        f"--{'colours FILE' if source.colours else 'values'}, or that they are void with --void{soft}"
    )
