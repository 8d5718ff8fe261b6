"""What a person says on the command line about a source: numbers that are void, names of numbers, a file of colours."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats.finding import PICTURES, by_name, composed
from minifcn.data.formats.lists import read_list
from minifcn.data.formats.source import VOID_NAME, Item, Options, Source, class_or_void
from minifcn.data.formats.survey import Survey
from minifcn.data.labels import VOC_CLASSES, VOID, colour_map
from minifcn.data.pixels.soft_edges import pack
from minifcn.files import not_there


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
        return different("--values", map(pair, named.split(","))) if "=" in named else values_file(Path(named))
    if colours == "voc" and not Path(colours).exists():
        palette = pack(colour_map())
        return {int(palette[number]): name for number, name in enumerate(VOC_CLASSES)} | {int(palette[VOID]): None}
    return colour_file(Path(colours)) if colours else None


def pair(word: str) -> tuple[int, str | None]:
    """One of `--values`: 1=pet."""
    number, sign, name = word.partition("=")
    if not sign or not name.strip():
        raise DataError(f"--values {word!r}: write NUMBER=NAME, such as 1=pet,2=background,3=void")
    return value(number), class_or_void(name.strip())


def values_file(path: Path) -> dict[int, str | None]:
    """Number → class from a list in a file, as one lies beside masks: for names with commas."""
    if not path.is_file():
        raise DataError(
            f"--values {path}: write NUMBER=NAME, such as 1=pet,2=background,3=void, or give a file; {not_there(path)}"
        )
    found, coloured = read_list(path)
    if coloured:
        raise DataError(f"--values {path}: the file gives colours; give it with --colours")
    return found


def different(where: str, pairs: Iterable[tuple[int, str | None]]) -> dict[int, str | None]:
    """A dict of pairs. DataError where a number or colour stands twice."""
    found: dict[int, str | None] = {}
    for key, name in pairs:
        if key in found:
            raise DataError(
                f"{where}: {key} stands twice, as {found[key] or VOID_NAME} and as {name or VOID_NAME}; give it once"
            )
        found[key] = name
    return found


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
        if red << 16 | green << 8 | blue in found:
            raise DataError(
                f"--colours {path}, line {number}: the colour {red} {green} {blue} stands in a line above too"
            )
        found[red << 16 | green << 8 | blue] = class_or_void(parts[3].strip())
    if not found:
        raise DataError(f"--colours {path}: no colours in it; write 'red green blue name' a line")
    return found


def with_pictures(source: Source, options: Options) -> Source:
    """The source with the pictures of `--pictures` where it has none itself. Raises DataError where nothing is left."""
    if options.pictures:
        look_for_pictures(source, options.pictures)
    bare = [item.name for item in source.items if item.picture is None and item.inside is None]
    source.items = [item for item in source.items if item.picture or item.inside]
    if not source.items:
        some = f"{', '.join(bare[:3])}{', …' if len(bare) > 3 else ''}"
        where = (
            f"--pictures {options.pictures} has none of their names"
            if options.pictures
            else "say where they are with --pictures FOLDER"
        )
        raise DataError(
            f"{len(bare)} label files ({some}) and no picture of theirs; {where}"
            if bare
            else f"no picture with labels was found in the source{left_out_text(source)}"
        )
    if bare:
        source.left_out["labels without a picture"] = bare
    return source


def look_for_pictures(source: Source, folder: Path) -> None:
    """Give each item without a picture that of its name in `folder`: the whole name, else its last part where only one has it."""
    if not folder.is_dir():
        raise DataError(f"--pictures {folder}: {not_there(folder, 'there is no such folder')}")
    there = by_name(folder, PICTURES)
    lasts: dict[str, list[Path]] = {}
    for name, path in there.items():
        lasts.setdefault(Path(name).name, []).append(path)

    def picture_of(item: Item) -> Path | None:
        name = composed(item.name)
        near = [there[name]] if name in there else lasts.get(Path(name).name, [])
        return near[0] if len(near) == 1 else None

    wanting = [item for item in source.items if item.picture is None and item.inside is None]
    found = {item.name: picture_of(item) for item in wanting}
    owners: dict[Path, str] = {}
    for name, path in ((name, path) for name, path in found.items() if path):
        if owners.setdefault(path, name) != name:
            raise DataError(f"the labels {owners[path]} and {name} would both belong to the picture {path}; rename one")
    source.items = [replace(item, picture=found[item.name]) if item.name in found else item for item in source.items]
    taken = {item.picture for item in source.items}
    if spare := [name for name, path in there.items() if path not in taken and wanting]:
        source.left_out.setdefault("pictures without labels", []).extend(spare)


def left_out_text(source: Source) -> str:
    """What was not taken, in brackets."""
    said = [f"{len(names)} {why}: {', '.join(names[:3])}" for why, names in source.left_out.items()]
    return f" ({'; '.join(said)})" if said else ""


def check_known(survey: Survey, source: Source) -> None:
    """Raise DataError where the labels hold what nobody gave a meaning, or the classes are too few or too many."""
    if not survey.unknown and 2 <= len(survey.names) <= VOID:
        return
    if not survey.unknown:
        some = ", ".join(survey.names[:8]) + ", …" * (len(survey.names) > 8)
        number = f"{len(survey.names)} classes ({some})"
        if len(survey.names) < 2:
            number = f"one class alone ({some})" if some else "no class, as all is void"
        raise DataError(f"the labels come to {number}; a model needs 2 to {VOID} classes to tell apart")
    some = ", ".join(row.key for row in survey.unknown[:8])
    more = f" and {len(survey.unknown) - 8} more" if len(survey.unknown) > 8 else ""
    pixels = sum(row.pixels for row in survey.unknown)
    word = "colours" if source.colours else "numbers"
    soft = ", or --soft-edges nearest if they are soft edges" if source.colours else ""
    raise DataError(
        f"{len(survey.unknown)} {word} in {pixels:,} pixels have no class in the source's list: {some}{more}. Say what they are with "
        f"--{'colours FILE' if source.colours else 'values'}, or that they are void with --void{soft}"
    )
