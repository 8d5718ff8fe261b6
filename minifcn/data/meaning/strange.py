"""Lines that are no class names: what another tool's list looks like, and what to do with it."""

import re
from collections.abc import Sequence

from minifcn.data.classes import is_background
from minifcn.data.images import PICTURE_ENDINGS
from minifcn.data.meaning.texts import unquoted

SAYING = "write one name a line, or NUMBER: NAME"
NUMBERED = re.compile(r"(\d+)\s*(?:->|[:=,;.)|](?!\d)|\s-\s|\s)\s*(\S.*)")  # 1 pet, 1: pet, 1, pet, 1 -> pet
NAMED = re.compile(r"(\S.*?)\s*(?:->|[:=,;|\t])\s*(\d+)")  # pet: 1
COLOUR_FIRST = re.compile(r"\d+[\s,;]+\d+[\s,;]+\d+[\s,;]+\S.*")
COLOUR_LAST = re.compile(r"\S.*?[\s,;:]+\(?\d+[\s,;]+\d+[\s,;]+\d+\)?\W*")
HEX_COLOUR = re.compile(r"(^|[\s,;:])(#|0x)[0-9a-fA-F]{6}\b")
BEHIND = re.compile(r"(\S.*?)\s+(\d+)")  # pet 1
HEADING = {
    "id", "idx", "index", "no", "number", "value", "pixel value", "pixel_value", "pixel", "label", "labels", "label id", "label_id", "class",
    "class id", "class_id", "name", "names", "class name", "class_name", "class names", "class_names", "classes", "label name", "label_name",
    "category", "categories", "colour", "color", "rgb", "color_rgb", "hex", "r", "g", "b", "red", "green", "blue", "train", "val", "ratio",
    "stuff", "trainid", "parts", "actions", "supercategory",
}  # fmt: skip
ALONE = {word for word in HEADING if re.match("name|class|label|categor|id|pixel.", word)}  # "train" alone is a class


def what_else(line: str, number: int, lines: Sequence[str]) -> str | None:
    """Why a line is no class name, and what to do; None where it may be one."""
    first = number == 1
    if line.startswith("#"):
        cvat = "label" in line and "color" in line
        named = "this is the head of CVAT's labelmap.txt: name the file so, and it is read as such" if cvat else SAYING
        return f"begins with #, and is no class; {named}"
    if first and is_labelme_mark(lines):
        return (
            f"{line!r} is the mark of the list that labelme is given, whose numbers begin at -1: take the line out, "
            f"so that the next one names label value 0 (or write numbers, '0: {line}', if label value 0 is to be ignored)"
        )
    if first and len(lines) > 1 and is_heading(line):
        roboflow = re.fullmatch(r"pixel value,\s*class", line.lower())
        named = "this is Roboflow's _classes.csv: name the file so, and it is read as such" if roboflow else SAYING
        return f"{line!r} is a heading and no class; {named}"
    if COLOUR_FIRST.fullmatch(line):
        return (
            f"{line!r} has a colour in front of a name; name the file label_colors.txt, and it is read as such, "
            f"or {SAYING}"
        )
    if re.fullmatch(r".+?:(\d+,\d+,\d+)?:[^:]*:[^:]*", line):
        return f"{line!r} is a line of CVAT's labelmap.txt: name the file so, and it is read as such, or {SAYING}"
    if COLOUR_LAST.fullmatch(line) or HEX_COLOUR.search(line):
        return f"{line!r} has a colour behind a name; {SAYING}"
    if ("\t" in line and not (NUMBERED.fullmatch(line) or NAMED.fullmatch(line))) or line.count("\t") > 1:
        return f"{line!r} holds columns with tabs between, and not a name; {SAYING}"
    if re.fullmatch(r"[+-]?[\d.]+", line):
        return f"{line!r} is a number and no name; {SAYING}"
    if re.match(r"-\d+\b", line):
        return f"{line!r}: a number below 0 is in no label file; take the line out, and {SAYING}"
    if re.match(r"1[.)]\s", line) and first:
        return f"{line!r}: is the first class label value 1, or is it 0? {SAYING.capitalize()}"
    if first and len(lines) == 1 and re.search(r"[,;]", line):
        return f"{line!r} holds all the names; write one a line"
    if re.match(r"[{}\[\]<>]|\w+\s*[{\[]", line):
        return f"{line!r} is no name; {SAYING}"
    if line.lower().endswith(PICTURE_ENDINGS):
        return f"{line!r} is a picture's name, and not that of a class; {SAYING}"
    return None


def is_labelme_mark(lines: Sequence[str]) -> bool:
    """Whether a list begins as those that labelme is given: with what is ignored, -1, and then the background, 0. Others write it so, too.

    >>> is_labelme_mark(["__ignore__", "cat"]), is_labelme_mark(["ignore", "background"]), is_labelme_mark(["ignore", "cat"])
    (True, True, False)
    """
    ignored = re.sub(r"[^a-z]", "", lines[0].lower()) in ("ignore", "ignored")
    return lines[0].lower() == "__ignore__" or (ignored and len(lines) > 1 and is_background(lines[1]))


def columns_in(names: Sequence[str]) -> str | None:
    """The sign that stands between two columns in every one of several names, equally often; None where the names are names.

    >>> columns_in(["background,void", "cat,animal"]), columns_in(["sky", "building, edifice"]), columns_in(["a;b"])
    (',', None, None)
    """
    for sign in ",;|":
        counts = {name.count(sign) for name in names}
        if len(names) > 1 and len(counts) == 1 and counts != {0}:
            return sign
    return None


def number_behind(lines: Sequence[str]) -> bool:
    """Whether a number of its own stands behind every line, as in another tool's table, and belongs to no name.

    >>> number_behind(["pet 1", "sky 2"]), number_behind(["type 1", "type 2"]), number_behind(["boeing 747", "airbus 380"])
    (True, False, False)
    """
    found = [BEHIND.fullmatch(line) for line in lines]
    matches = [match for match in found if match]
    words, numbers = [match[1] for match in matches], [int(match[2]) for match in matches]
    in_turn = sorted(numbers) in (list(range(len(lines))), list(range(1, len(lines) + 1)))
    return len(lines) > 1 and len(matches) == len(lines) and in_turn and len(set(words)) == len(words)


def is_heading(line: str) -> bool:
    """Whether a line says what columns hold.

    >>> is_heading("Pixel Value, Class"), is_heading("id name"), is_heading("class_name"), is_heading("train")
    (True, True, True, False)
    """
    for between in (r"[,;\t:|]", r"\s"):
        words = [unquoted(word.strip()).lower() for word in re.split(between, line) if word.strip()]
        if words and all(word in (HEADING if words[1:] else ALONE) for word in words):
            return True
    return False
