"""Every kind of file that minifcn reads: valid ones of it, and the reader that a user's file meets."""

import dataclasses
import hashlib
import io
import json
import shutil
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from data.coded import coded_pair
from PIL import Image
from training.helpers import Killed, StopAt, config_for, make_small_set, random_model, run_in

import minifcn as mf
from minifcn.cli.main import parser
from minifcn.cli.progress import scores_table
from minifcn.cli.results import check_free, marked, source_of
from minifcn.cli.training.config import configure, fill_in
from minifcn.data import ClassMap, DataError, VOCFolder, make_synthetic, read_class_names, read_labels, read_picture
from minifcn.data.check.checking import DataFolder
from minifcn.data.check.recolour import convert_colours
from minifcn.data.labels import colour_map, labels_png
from minifcn.data.pixels.png import PNG
from minifcn.training import Listener, RunFolder, TrainingError, is_finished, predict_maps
from minifcn.training.run import fingerprints, restore
from minifcn.training.runs import lock
from minifcn.weights import WeightsError, load_arrays, save_arrays
from minifcn.weights.formats.files import read_file

CLASSES = ClassMap.own([f"class {number}" for number in range(200)])


class File(NamedTuple):
    """A valid file and what its reader makes of it. `sealed`: it carries checksums or a digest of all that it holds."""

    content: bytes
    value: str
    sealed: bool


@dataclasses.dataclass
class Kind:
    """`read(path)`: what the file holds, in a digest. `errors`: what it may raise. `where`: the path below the folder it is put into."""

    name: str
    ending: str
    read: Callable[[Path], str]
    errors: tuple[type[Exception], ...]
    where: str
    files: list[File]
    pictures: bool = False
    frame: Path | None = None  # what lies around it
    clean: tuple[str, ...] = ()  # what a reader leaves behind

    def put(self, folder: Path, content: bytes) -> Path:
        root = folder / self.name.replace(" ", "_")
        if not root.exists():
            shutil.copytree(self.frame, root) if self.frame else root.mkdir(parents=True)
        for name in self.clean:
            shutil.rmtree(root / name, ignore_errors=True)
        path = root / self.where
        path.write_bytes(content)
        return path


def told(*values: Any) -> str:
    """A digest of arrays and of what JSON can hold."""
    found = hashlib.sha256()
    for value in values:
        if isinstance(value, np.ndarray):
            found.update(f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
        else:
            found.update(json.dumps(value, sort_keys=True, default=str).encode("utf-8", "surrogatepass"))
    return found.hexdigest()[:16]


def kind(
    folder: Path, name: str, where: str, read: Callable[[Path], str], errors: tuple, contents: list[bytes], **more: Any
) -> Kind:
    """A kind of which the files are read once as they are."""
    sealed = more.pop("sealed", False)
    made = Kind(name, Path(where).suffix, read, errors, where, [], **more)
    for content in contents:
        path = made.put(folder, content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made.files.append(File(content, read(path), sealed or (content.startswith(PNG) and made.pictures)))
    if len(made.files) == 1:
        made.files *= 2
    return made


def all_kinds(folder: Path) -> list[Kind]:
    """Those that the issue names come more often than the others."""
    small_set = make_small_set(folder / "small_set")
    run, config = stopped_run(folder / "run", small_set)
    picture, labels = pictures(folder), label_kinds(folder, small_set)
    weights = [models(folder), checkpoints(folder, run, config)]
    rest = [*arrays(folder), *run_files(folder, run, config), *lists(folder, small_set), results(folder), locks(folder)]
    return [picture, *labels, *weights] * 4 + rest


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, form, **options)
    return content.getvalue()


def claimed_pixels(path: Path) -> int:
    """How many pixels a file says it has, up to Pillow's limit: a small file may well hold a large picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with path.open("rb") as file, Image.open(file) as image:
                return min(image.width * image.height, Image.MAX_IMAGE_PIXELS or 0)
    except Exception:  # whatever it is, there is no size that Pillow would believe
        return 0


def pictures(folder: Path) -> Kind:
    rgb = Image.fromarray(coded_pair(20, 27, 90)[0])
    grey = Image.fromarray(coded_pair(20, 27)[1])
    deep = Image.fromarray((coded_pair(17, 13)[1].astype(np.uint16) << 8) + 7)
    turned = Image.Exif()
    turned[0x0112] = 6
    clear = rgb.convert("RGBA")
    clear.putalpha(grey)
    contents = [
        encoded(rgb, "JPEG", quality=90), encoded(rgb, "JPEG", progressive=True, exif=turned), encoded(grey, "JPEG"),
        encoded(rgb.convert("CMYK"), "JPEG"), encoded(rgb, "PNG"), encoded(clear, "PNG"), encoded(deep, "PNG"),
        encoded(rgb.convert("P"), "PNG", transparency=3), encoded(grey.convert("1"), "PNG"), encoded(rgb, "PNG", exif=turned),
    ]  # fmt: skip
    read = lambda path: told(read_picture(path))  # noqa: E731
    return kind(folder, "picture", "a.jpg", read, (DataError,), contents, pictures=True)


def label_kinds(folder: Path, small_set: Path) -> list[Kind]:
    """Label files alone, in a folder that is checked, and of colours that are turned into numbers."""
    numbers = coded_pair(19, 26)[1]
    bits = {bits: encoded(Image.fromarray(numbers & (2**bits - 1)), "PNG", bits=bits) for bits in (2, 4, 8)}
    contents = [
        labels_png("", numbers),
        labels_png("", numbers // 50),
        *bits.values(),
        encoded(Image.fromarray(numbers > 90), "PNG"),
    ]
    alone = kind(folder, "labels", "a.png", lambda path: told(read_labels(path)), (DataError,), contents, pictures=True)

    def checked(path: Path) -> str:
        root = path.parents[1]
        dataset = VOCFolder(root, "val", CLASSES)
        found = DataFolder(root, ["val"]).check(CLASSES)
        bad = [finding for finding in found.findings if path.stem in finding.names]
        if bad:
            raise DataError(bad[0].message)
        return told(dataset.labels(dataset.ids.index(path.stem)))

    label_files = sorted((small_set / "SegmentationClass").glob("val_*.png"))
    whole = [file.read_bytes() for file in label_files]
    in_folder = kind(
        folder, "labels in a folder", f"SegmentationClass/{label_files[0].name}", checked, (DataError,), whole, pictures=True,
        frame=small_set,
    )  # fmt: skip

    def converted(path: Path) -> str:
        before = path.read_bytes()
        backup = convert_colours(path, 21)
        if backup.read_bytes() != before:
            raise AssertionError("the original is lost")
        return told(read_labels(path))

    colours = [encoded(Image.fromarray(colour_map()[numbers % n]), "PNG") for n in (21, 3)]
    coloured = kind(
        folder, "labels of colours", "SegmentationClass/a.png", converted, (DataError,), colours, pictures=True,
        frame=empty_folder(folder, "SegmentationClass"), clean=("SegmentationClass_colours",),
    )  # fmt: skip
    return [alone, in_folder, coloured]


def empty_folder(folder: Path, name: str) -> Path:
    root = folder / f"frame_{name}"
    (root / name).mkdir(parents=True, exist_ok=True)
    return root


def saved(folder: Path, write: Callable[[Path], Any]) -> bytes:
    path = folder / "saved"
    write(path)
    return path.read_bytes()


def models(folder: Path) -> Kind:
    first, second = random_model(), random_model("fcn32s", width=3)
    first.notes, first.picture_size = {"licence": "MIT", "made by": "nobody"}, 64
    contents = [
        saved(folder, lambda path: mf.models.save(first, path)),
        saved(folder, lambda path: mf.models.save(first, path, half=True)),
    ]
    contents.append(saved(folder, lambda path: mf.models.save(second, path)))
    picture = np.random.default_rng(4).integers(0, 256, (24, 30, 3)).astype(np.uint8)

    def read(path: Path) -> str:
        model = mf.models.load(path)
        found = predict_maps(model, picture, confidence=True)
        assert np.isfinite(found.confidence).all() and found.labels.max() < len(model.class_names)
        return told(found.labels, found.confidence, list(model.class_names), model.notes, model.picture_size)

    return kind(folder, "model", "a.safetensors", read, (WeightsError,), contents, sealed=True)


def stopped_run(path: Path, small_set: Path) -> tuple[Path, Any]:
    """A run that was killed in its second stage: it has scores, a log, a checkpoint."""
    config = config_for(small_set, optimizer="adam")
    folder = RunFolder(path)
    sets = [VOCFolder(small_set, split, ClassMap.from_dict(config.classes)) for split in ("train", "val")]
    folder.agree(config, lambda: fingerprints(*sets))
    folder.begin(config)
    with suppress(Killed):
        run_in(path, config, StopAt(9))
    point = dict.fromkeys(mf.training.runs.folder.SCORE_COLUMNS[1:], 0.5) | {"step": 2}
    mf.training.runs.tables.write_rows(
        folder.scores, mf.training.runs.folder.SCORE_COLUMNS, [{"stage": "fcn32s", **point}]
    )
    assert folder.checkpoint.exists() and folder.metrics.exists() and folder.fingerprint.exists()
    return path, config


def checkpoints(folder: Path, run: Path, config: Any) -> Kind:
    def read(path: Path) -> str:
        model, optimiser, place = restore(config, RunFolder(path.parent), "cpu", Listener())
        state = {**model.state_dict(), **optimiser.state_dict()}
        return told(*(np.asarray(state[name]) for name in sorted(state)), list(place))

    contents = [(run / "checkpoint.safetensors").read_bytes()]
    return kind(
        folder, "checkpoint", "checkpoint.safetensors", read, (TrainingError,), contents, sealed=True, frame=run
    )


def run_files(folder: Path, run: Path, config: Any) -> list[Kind]:
    """What else lies in a run folder, read as `train --resume` and the report do."""
    sets = [VOCFolder(config.data, split, ClassMap.from_dict(config.classes)) for split in ("train", "val")]

    def agreed(path: Path) -> str:
        run_folder = RunFolder(path.parent)
        run_folder.claim(resume=True)
        return told(run_folder.agree(config, lambda: fingerprints(*sets)))

    def scored(path: Path) -> str:
        metrics = RunFolder(path.parent).read_metrics()
        return told(is_finished(config, RunFolder(path.parent)), scores_table(metrics), metrics)

    def logged(path: Path) -> str:
        run_folder = RunFolder(path.parent)
        rows, scores = run_folder.start_log(config.stages, 1, 2), run_folder.read_scores()
        return told(
            rows, scores, mf.training.hints.about_loss(rows, 9), mf.training.hints.about_learning_by_heart(scores)
        )

    begun, options = begun_from_a_model(folder, Path(config.data))

    def configured(path: Path) -> str:
        return told(begun_options(options, path.parent).to_dict())

    without = shutil.copytree(run, folder / "without_checkpoint", ignore=shutil.ignore_patterns("checkpoint*"))
    config_file = [(run / "config.json").read_bytes()]
    more = [
        kind(
            folder,
            "config.json of --init",
            "config.json",
            configured,
            (TrainingError,),
            [(begun / "config.json").read_bytes()],
            frame=begun,
        ),
        kind(folder, "config.json alone", "config.json", agreed, (TrainingError,), config_file, frame=without),
    ]
    readers = {
        "config.json": agreed,
        "fingerprint.json": agreed,
        "metrics.json": scored,
        "log.csv": logged,
        "scores.csv": logged,
    }
    return more + [
        kind(folder, name, name, read, (TrainingError,), [(run / name).read_bytes()], frame=run)
        for name, read in readers.items()
    ]


def begun_from_a_model(folder: Path, data: Path) -> tuple[Path, list[str]]:
    """A run that began from the weights of a model, and took its options from there."""
    path, model = folder / "begun", folder / "start.safetensors"
    mf.models.save(mf.models.fcn32s(backbone="tiny", width=2, num_classes=9), model)
    options = ["train", "--data", str(data), "--init", str(model), "--batch", "2", "--resume", "--out"]
    config = begun_options(options, path)
    with suppress(Killed):
        run_in(path, config, StopAt(2), options=mf.training.Options(0))
    assert (path / "checkpoint.safetensors").exists()
    return path, options


def begun_options(options: list[str], path: Path) -> Any:
    """The configuration as `minifcn train` works it out, of a run that goes on with what it derived when it began."""
    words = [*options, str(path)]
    arguments = parser(words).parse_args(words)
    given = fill_in(arguments)
    classes = ClassMap.own(read_class_names(Path(arguments.data) / "class_names.txt"))
    train_set = VOCFolder(arguments.data, "train", classes)
    config, _ = configure(arguments, given, classes, train_set, RunFolder(path))
    RunFolder(path).agree(config)
    return config


def arrays(folder: Path) -> list[Kind]:
    """Weights of other programs."""
    from safetensors.numpy import save

    rng = np.random.default_rng(0)
    some = {"a": rng.standard_normal((3, 4)).astype(np.float32), "b": np.arange(5), "c": np.float16([1, 2])}
    plain = save(some)
    brain = plain.replace(b'"F32"', b'"F32" ').replace(b'"F16"', b'"BF16"')
    brain = (int.from_bytes(plain[:8], "little") + len(brain) - len(plain)).to_bytes(8, "little") + brain[8:]
    headless = saved(folder, lambda path: save_arrays(path, some, None))

    def read(path: Path) -> str:
        found, header = load_arrays(path)
        return told(*(found[name] for name in sorted(found)), header)

    def packed(write: Callable[..., None]) -> bytes:
        content = io.BytesIO()
        write(content, **some)
        return content.getvalue()

    def unpacked(path: Path) -> str:
        found = read_file(path).entries
        return told(*(np.array(found[name].array) for name in sorted(found)))

    return [
        kind(folder, "arrays", "a.safetensors", read, (WeightsError,), [plain, brain, headless]),
        kind(
            folder,
            "arrays of NumPy",
            "a.npz",
            unpacked,
            (WeightsError,),
            [packed(np.savez), packed(np.savez_compressed)],
        ),
    ]


def lists(folder: Path, small_set: Path) -> list[Kind]:
    def split(path: Path) -> str:
        root = path.parents[2]
        checked = DataFolder(root)
        checked.check(ClassMap.own(read_class_names(root / "class_names.txt")))
        return told(VOCFolder(root, "train", CLASSES).ids, list(checked.names))

    def names(path: Path) -> str:
        return told(ClassMap.own(read_class_names(path)).to_dict())

    def synthetic(path: Path) -> str:
        make_synthetic(path.parent, train=6, val=3, size=(40, 48), seed=3)
        return "whole"

    lists = [(small_set / "ImageSets" / "Segmentation" / f"{name}.txt").read_bytes() for name in ("train", "val")]
    note = (small_set / "synthetic.json").read_bytes()
    return [
        kind(folder, "split list", "ImageSets/Segmentation/train.txt", split, (DataError,), lists, frame=small_set),
        kind(
            folder,
            "class names",
            "class_names.txt",
            names,
            (DataError,),
            [(small_set / "class_names.txt").read_bytes()],
        ),
        kind(folder, "note of the set", "synthetic.json", synthetic, (DataError,), [note], frame=small_set),
    ]


def results(folder: Path) -> Kind:
    """What predict wrote is known by its mark, and what anybody changed since is not written over."""
    picture = folder / "photo.png"
    picture.write_bytes(encoded(Image.fromarray(coded_pair(12, 9)[0]), "PNG"))
    source = source_of(picture)
    archive = io.BytesIO()
    np.savez_compressed(archive, probabilities=np.zeros((2, 12, 9), np.float16))

    def read(path: Path) -> str:
        check_free(picture, source, [path], {picture.resolve()})
        content = path.read_bytes()
        # at the end of an archive stand two digests of the picture; where one is damaged the result is still predict's own
        return told((content if content.startswith(PNG) else content[:-65]).hex())

    contents = [marked(labels_png("", coded_pair(12, 9)[1]), source), marked(archive.getvalue(), source)]
    return kind(folder, "result of predict", "a.bin", read, (DataError,), contents, sealed=True)


def locks(folder: Path) -> Kind:
    """Whatever stands in the file of a lock: while somebody holds it nobody else gets it, and then somebody does."""

    def read(path: Path) -> str:
        content = path.read_bytes()
        with lock.held(path.parent):
            path.write_bytes(content)
            try:
                with lock.held(path.parent):
                    return "held twice"
            except TrainingError as error:
                assert str(path.parent) in str(error)
        return "held once"

    return kind(folder, "lock", lock.NAME, read, (), [b"process 12345 on somewhere\n", b""], sealed=True)
