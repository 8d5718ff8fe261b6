"""trainaug and seg11valid from small stand-ins of VOC and SBD; the real counts are replaced, what makes the lists is not."""

import hashlib
import importlib.util

import needs
import numpy as np
import pytest
from PIL import Image

from minifcn.data import DataError, VOCFolder, pascal, read_labels
from minifcn.data.classes import ClassMap
from minifcn.data.pascal import make_seg11valid, make_trainaug

SCIPY = pytest.mark.skipif(importlib.util.find_spec("scipy") is None, reason=needs.FORMATS)
# SBD's train has one picture of each list of VOC's: a and f of its train, b of its val; its val has c of VOC's val
SBD = {"train": ["2008_000001", "2008_000002", "2008_000006"], "val": ["2008_000003", "2008_000004"]}
SBD_NAMES = [*SBD["train"], *SBD["val"]]
VOC2012 = {"train": ["2007_000010", "2008_000001", "2008_000006"], "val": ["2008_000002", "2008_000003", "2009_000005"]}
VOC2011 = {"train": ["2008_000001"], "val": ["2009_000005", "2008_000002", "2008_000003"]}
TRAINAUG = ["2007_000010", "2008_000001", "2008_000004", "2008_000006"]
SEG11VALID = ["2009_000005", "2008_000003"]  # in the order of VOC's val
SIDES = (6, 8)


def listed(folder, lists):
    folder.mkdir(parents=True, exist_ok=True)
    for name, names in lists.items():
        (folder / f"{name}.txt").write_text("".join(f"{each}\n" for each in names))


def voc(folder, lists):
    """Pictures of all years, and labels of the lists: the number of each is 1 throughout."""
    listed(folder / "ImageSets/Segmentation", lists)
    for part in ("JPEGImages", "SegmentationClass"):
        (folder / part).mkdir(parents=True)
    names = [*lists["train"], *lists["val"]]
    for name in {*names, *SBD_NAMES}:
        pixels = np.random.default_rng(int(name.replace("_", ""))).integers(0, 256, (*SIDES, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"JPEGImages/{name}.jpg")
    for name in names:
        Image.fromarray(np.ones(SIDES, np.uint8)).save(folder / f"SegmentationClass/{name}.png")


def unpacked(tmp_path, monkeypatch):
    """A folder into which all three archives were unpacked."""
    counts = {
        "SBD's train": 3,
        "SBD's val": 2,
        "VOC 2012's train": 3,
        "VOC 2012's val": 3,
        "trainaug": 4,
        "seg11valid": 2,
    }
    monkeypatch.setattr(pascal, "COUNTS", counts)
    monkeypatch.setattr(pascal, "SEG11VALID", hashlib.sha256("\n".join([*SEG11VALID, ""]).encode()).hexdigest())
    place = tmp_path / "benchmark_RELEASE/dataset"
    listed(place, SBD)
    (place / "cls").mkdir()
    for name in SBD_NAMES:
        (place / f"cls/{name}.mat").write_bytes(b"MATLAB")
    voc(tmp_path / "VOCdevkit/VOC2012", VOC2012)
    voc(tmp_path / "TrainVal/VOCdevkit/VOC2011", VOC2011)
    return tmp_path


@pytest.fixture
def root(tmp_path, monkeypatch):
    return unpacked(tmp_path, monkeypatch)


def with_labels(root):
    """SBD's labels as MATLAB has them: of each picture the last digit of its name."""
    from scipy.io import savemat

    for name in SBD_NAMES:
        labels = np.full(SIDES, int(name[-1]), np.uint8)
        savemat(root / f"benchmark_RELEASE/dataset/cls/{name}.mat", {"GTcls": {"Segmentation": labels}})


@SCIPY
def test_trainaug_is_a_split_that_can_be_trained_on(root):
    with_labels(root)
    steps = []
    made = make_trainaug(root, lambda done, total: steps.append((done, total)))
    place = root / "VOCdevkit/VOC2012"
    assert made == pascal.Made(place / "ImageSets/Segmentation/trainaug.txt", 4, labels=1) and steps == [(1, 1)]
    assert made.file.read_text() == "".join(f"{name}\n" for name in TRAINAUG)
    dataset = VOCFolder(root, "trainaug", ClassMap.voc())
    assert dataset.ids == TRAINAUG
    dataset.check()
    of = lambda name: int(read_labels(place / f"SegmentationClass/{name}.png").max())  # noqa: E731
    assert [of(name) for name in TRAINAUG] == [1, 1, 4, 1]  # SBD's where VOC has none; VOC's own stay
    again = make_trainaug(root)
    assert again.labels == 0 and again.file.read_text().split() == TRAINAUG


@SCIPY
def test_trainaug_that_was_stopped_goes_on(root):
    with_labels(root)

    def stopped(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_trainaug(root, stopped)
    assert not (root / "VOCdevkit/VOC2012/ImageSets/Segmentation/trainaug.txt").exists()  # comes last
    assert make_trainaug(root).names == 4


def test_seg11valid_is_in_the_order_of_voc_and_in_both_years(root):
    made = make_seg11valid(root)
    assert [each.file.relative_to(root).as_posix() for each in made] == [
        "TrainVal/VOCdevkit/VOC2011/ImageSets/Segmentation/seg11valid.txt",
        "VOCdevkit/VOC2012/ImageSets/Segmentation/seg11valid.txt",
    ]
    assert all(each.file.read_text() == "2009_000005\n2008_000003\n" and each.names == 2 for each in made)


def test_a_list_with_the_right_count_and_other_names_is_refused(root):
    path = root / "TrainVal/VOCdevkit/VOC2011/ImageSets/Segmentation/val.txt"
    path.write_text("2009_000005\n2008_000002\n2008_000004\n")
    with pytest.raises(
        DataError, match=r"val\.txt: without SBD's train it has 736 names, but not those of the authors' seg11valid"
    ):
        make_seg11valid(root)
    assert not list(root.rglob("seg11valid.txt"))


def sbd_alone(root):
    (root / "VOCdevkit").rename(root / "elsewhere")


def no_sbd(root):
    (root / "benchmark_RELEASE").rename(root / "elsewhere")


def short(root):
    listed(root / "benchmark_RELEASE/dataset", {"train": SBD["train"][:2]})


def doubled(root):
    listed(root / "VOCdevkit/VOC2012/ImageSets/Segmentation", {"train": [*VOC2012["train"][:2], VOC2012["train"][0]]})


def overlapping(root):
    """Every list has its count, and yet there are fewer names in all."""
    listed(root / "benchmark_RELEASE/dataset", {"val": ["2008_000003", "2008_000006"]})


def lost_picture(root):
    (root / "VOCdevkit/VOC2012/JPEGImages/2008_000004.jpg").unlink()


def lost_labels(root):
    (root / "benchmark_RELEASE/dataset/cls/2008_000004.mat").unlink()


def lost_list(root):
    (root / "benchmark_RELEASE/dataset/val.txt").unlink()


def another(root):
    listed(root / "VOCdevkit/VOC2012/ImageSets/Segmentation", {"trainaug": ["2008_000001"]})


FAULTS = {
    sbd_alone: r"there is no VOCdevkit/VOC2012 with ImageSets/Segmentation; first minifcn download voc2012 --to ",
    no_sbd: r"SBD is not there, in benchmark_RELEASE/dataset; first minifcn download sbd --to ",
    short: r"train\.txt: 2 names, and SBD's train has 3: another version, or a list that was changed; nothing was written",
    doubled: r"train\.txt: 2 names, and VOC 2012's train has 3",
    overlapping: r"SBD's train and val and VOC 2012's train, without VOC 2012's val, 3 names, and trainaug has 4",
    lost_picture: r"JPEGImages: 1 of 4 files are missing, the first is 2008_000004\.jpg; unpack the archive again",
    lost_labels: r"cls: 1 of 1 files are missing, the first is 2008_000004\.mat",
    lost_list: r"val\.txt: there is no such file; unpack the archive again",
    another: r"trainaug\.txt: there is another list of that name already; move it away",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_what_is_missing_is_said_before_anything_is_written(fault, root):
    fault(root)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with pytest.raises(DataError, match=FAULTS[fault]):
        make_trainaug(root)
    assert before == {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_counts_are_those_of_the_data_sets():
    """8,498 and 2,857 are SBD's 11,355; 10,582 is what everybody trains on, 736 what the authors scored on."""
    counts = pascal.COUNTS
    assert counts["SBD's train"] + counts["SBD's val"] == 11_355 and len(pascal.SEG11VALID) == 64
    assert (counts["trainaug"], counts["seg11valid"]) == (10_582, 736)
