"""The list of formats, and which of them a folder is."""

from collections.abc import Callable, Sequence
from pathlib import Path

from minifcn.data.errors import DataError
from minifcn.data.formats import pairs
from minifcn.data.formats.coco import instances, panoptic
from minifcn.data.formats.fields import cellpose, dicomseg, geotiff, imagej, nifti
from minifcn.data.formats.finding import read_json, sole
from minifcn.data.formats.sets import (
    ade20k,
    bdd100k,
    camvid,
    cityscapes,
    cocostuff,
    drive,
    fastai,
    loveda,
    mapillary,
    pets,
    sbd,
    segnet,
    voc,
)
from minifcn.data.formats.source import Format
from minifcn.data.formats.tools import (
    cvat,
    cvat_xml,
    darwin,
    labelme,
    labelme_voc,
    labelstudio,
    matlab,
    roboflow,
    supervisely,
    supervisely_masks,
)
from minifcn.data.formats.via import annotator as via
from minifcn.data.formats.yolo import segmentation, semantic
from minifcn.files import not_there
from minifcn.names import instead

SEVERAL = 20  # files of a kind that are looked into
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")

# what people have that holds no labels which are read here: a pattern of files, and what to do
NOT_READ = {
    "labels/**/*.txt": "labels/ holds text files, but none that begins with a class and numbers, as YOLO's do.",
    "*/labels/*.txt": "Its folders labels/ hold text files, but none that begins with a class and numbers, as YOLO's do.",
    "Annotations/*.xml": "Annotations/ holds XML files, as VOC has them for boxes: pixels cannot be learned from boxes.",
    "*.zip": "An archive is in it: unpack it first.",
    "*.tar*": "An archive is in it: unpack it first.",
}

AS_COCO = "export the set as COCO JSON, or as one mask a picture"

# files that are not read: whose they are, a pattern of them, words of which one stands in their heads (none: whatever is in them), what to do
TOOLS_NOT_READ = (
    ("Hasty", "*.json", ('"label_classes"',), AS_COCO),
    ("SuperAnnotate", "*___objects.json", (), AS_COCO),
    ("SuperAnnotate", "*___pixel.json", (), AS_COCO),
    ("Labelbox", "*.ndjson", ('"data_row"',), AS_COCO),
    ("Ultralytics' platform", "*.ndjson", ('"task"', '"bn"'), "turn it into folders with yolo's convert_ndjson_to_yolo"),
    ("Segments.ai", "*.json", ('"labelsets"', '"task_type"'), "call its export_dataset with 'coco-instance', or with 'semantic'"),
    ("Dataloop", "*.json", ('"datasetId"',), AS_COCO),
    ("Dataloop", "json/**/*.json", ('"datasetId"',), AS_COCO),
    ("V7's Darwin", "*.json", ("darwin-public", "darwin_json_2_0"), "convert it with darwin-py to semantic_mask_index"),
    ("VIA 3", "*.csv", ("Exported using VGG Image Annotator",), "save the project, a JSON file, instead"),
    ("Kaggle's run lengths", "*.csv", ("EncodedPixels",), "draw them to one mask a picture"),
    ("napari's shapes", "*.csv", ("shape-type,vertex-index",), "save a labels layer for each picture as TIFF instead"),
    ("QuPath, or of a map (GeoJSON)", "*.geojson", (), "draw it to one mask a picture: QuPath does so with LabeledImageServer"),
    ("QuPath, or of a map (GeoJSON)", "*.json", ('"FeatureCollection"',), "draw it to one mask a picture: QuPath does so with LabeledImageServer"),
    ("SageMaker Ground Truth", "*.manifest", ('"source-ref"',), "copy the masks that it names beside the pictures, images/ and masks/"),
    ("3D Slicer", "*.nrrd", (), "save pictures and segmentation as NIfTI (.nii.gz)"),
    ("ITK", "*.mh[ad]", (), "save pictures and labels as NIfTI (.nii.gz)"),
    ("LabelImg or its like, boxes as VOC has them", "*.xml", ("<annotation>", "<annotation "), "pixels cannot be learned from boxes"),
    ("CreateML, boxes", "*createml.json", (), "pixels cannot be learned from boxes"),
    ("TensorFlow", "*.tfrecord", (), AS_COCO),
)  # fmt: skip

# in this order they are asked: who looks for a file that nobody else writes comes first, plain folders last
FORMATS: tuple[Format, ...] = (
    cvat.FORMAT,
    cvat_xml.FORMAT,
    supervisely_masks.VOC_FORMAT,
    supervisely.FORMAT,
    supervisely_masks.FORMAT,
    labelstudio.FORMAT,
    panoptic.FORMAT,
    instances.FORMAT,
    roboflow.FORMAT,
    matlab.FORMAT,
    labelme_voc.FORMAT,
    labelme.FORMAT,
    darwin.FORMAT,
    via.FORMAT,
    semantic.FORMAT,
    segmentation.FORMAT,
    pets.FORMAT,
    cityscapes.FORMAT,
    cityscapes.KITTI,
    bdd100k.FORMAT,
    mapillary.FORMAT,
    cocostuff.FORMAT,
    ade20k.FORMAT,
    drive.FORMAT,
    sbd.FORMAT,
    loveda.FORMAT,
    segnet.FORMAT,
    fastai.FORMAT,
    camvid.FORMAT,
    voc.FORMAT,
    dicomseg.FORMAT,
    nifti.FORMAT,
    cellpose.FORMAT,
    imagej.FORMAT,
    geotiff.FORMAT,
    pairs.FORMAT,
)


def format_named(name: str) -> Format:
    """The format that `--format` names. Raises DataError for an unknown one."""
    by_name = {each.name: each for each in FORMATS}
    if name not in by_name:
        raise DataError(f"there is no format {name!r}{instead(name, by_name)}")
    return by_name[name]


def recognise(source: Path) -> tuple[Path, list[tuple[Format, str]]]:
    """The folder or file that is meant, and the formats that it may be, the likeliest first, each with the reason.

    It is `source`, or the one folder in it, as archives unpack to. DataError where it is of no format.
    """
    check_there(source)
    for place in places(source):
        found = [(each, reason) for each in FORMATS if (reason := each.recognise(place))]
        if found:  # two plain folders are within many a format
            return place, [each for each in found if each[0] != pairs.FORMAT] or found
    raise DataError(f"{source}: of no format that is known here. {what_lies_in(source)} {known()}")


def check_there(source: Path) -> None:
    """Raise DataError where `source` is not there, or has to be unpacked."""
    if not source.exists():
        raise DataError(f"{source}: {not_there(source, 'there is no such file or folder')}")
    if source.suffix.lower() in ARCHIVES and source.is_file():
        raise DataError(f"{source}: this is an archive; unpack it, and give the folder that comes out")


def places(source: Path) -> list[Path]:
    """`source`, and what is in it where that is one folder and nothing else, and so on."""
    found = [source]
    while source.is_dir() and (inside := sole(source)):
        source = inside
        found.append(source)
    return found


def what_lies_in(source: Path, shown: int = 8) -> str:
    """A sentence about what is in a folder."""
    if source.is_file():
        held = what_json_holds(source)
        if whose := whose_file(lambda pattern: [source] if source.match(pattern) else []):
            return f"It {whose}"
        return f"It is a file that ends in {source.suffix or 'nothing'}{', but' * (' and' not in held[:4] and bool(held))}{held}."
    for kind, hint in NOT_READ.items():
        if any(source.glob(kind)):
            return hint
    if whose := whose_file(lambda pattern: sorted(source.glob(pattern))[:SEVERAL], named=True):
        return whose
    inside = sorted(name_of(path) for path in source.iterdir())
    more = f" and {len(inside) - shown} more" if len(inside) > shown else ""
    files = sorted([*source.glob("*.json"), *source.glob("*/*.json")])
    held = "".join(f" {path.relative_to(source)}{what_json_holds(path).removeprefix(' and')}." for path in files[:3])
    return f"There is {', '.join(inside[:shown])}{more}.{held}" if inside else "The folder is empty."


def whose_file(files: Callable[[str], list[Path]], named: bool = False) -> str:
    """Of which tool that is not read a file is, and what to do, in words that follow its name; empty where none is. `files`: those of a pattern."""
    for tool, pattern, words, advice in TOOLS_NOT_READ:
        if found := next((path for path in files(pattern) if begins_with(path, words)), None):
            return f"{found.name} " * named + f"is of {tool}, which is not read: {advice}."
    return ""


def begins_with(path: Path, words: Sequence[str]) -> bool:
    """Whether one of the words stands in the first part of a file; where there are none, whatever is in it."""
    try:
        with path.open("rb") as file:
            head = file.read(1 << 16).decode("utf-8", "replace")
    except OSError:
        return False
    return not words or any(word in head for word in words)


def name_of(path: Path) -> str:
    """A name in a folder as it is shown: folders have a slash, and what is empty is called so."""
    empty = not any(path.iterdir()) if path.is_dir() else path.is_file() and not path.stat().st_size
    return path.name + "/" * path.is_dir() + " (empty)" * empty


def what_json_holds(path: Path, shown: int = 6) -> str:
    """What a JSON file holds at its top, to be added to a sentence; nothing of other files."""
    if path.suffix.lower() != ".json":
        return ""
    try:
        content = read_json(path, "copy or export it again")
    except DataError as error:
        return str(error).removeprefix(f"{path}:").replace(" an empty", " is an empty")
    keys = ", ".join(map(repr, list(content)[:shown])) if isinstance(content, dict) else ""
    return f" and holds {keys or 'a list' if isinstance(content, list) else keys or 'nothing'}"


def known() -> str:
    """All formats in two sentences."""
    return f"Known are {', '.join(each.name for each in FORMATS)} (minifcn import --help says what they are). Say which with --format"
