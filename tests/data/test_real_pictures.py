"""Real pictures of PASCAL VOC, where a folder of them is at hand; counts as its own README gives them."""

import needs
import numpy as np
import pytest
from PIL import Image

from minifcn.data import Batches, ClassMap, VOCFolder, colour_map

ANIMALS = ["cat", "cow", "dog", "horse", "person", "sheep"]


@pytest.fixture(scope="module")
def voc():
    if not (needs.DATA / "voc256").is_dir():
        pytest.skip(needs.VOC)
    return needs.DATA / "voc256"


@pytest.mark.parametrize("split, count", [("train", 517), ("val", 519), ("sbd_extra", 2694), ("trainaug", 3211)])
def test_counts(voc, split, count):
    assert len(VOCFolder(voc, split, ClassMap.voc())) == count


def test_no_picture_is_trained_on_and_scored(voc):
    ids = {split: VOCFolder(voc, split, ClassMap.voc()).ids for split in ("train", "val", "sbd_extra", "trainaug")}
    assert not set(ids["trainaug"]) & set(ids["val"])
    assert sorted(ids["train"] + ids["sbd_extra"]) == sorted(ids["trainaug"])


def test_sound_pairs(voc):
    VOCFolder(voc, "val", ClassMap.voc(), limit=40).check()
    VOCFolder(voc, "sbd_extra", ClassMap.voc(), limit=40).check()


@pytest.mark.parametrize("split, count", [("train", 479), ("val", 477)])
def test_pictures_with_one_of_the_six_common_classes(voc, split, count):
    dataset = VOCFolder(voc, split, ClassMap.voc(ANIMALS))
    found = void = 0
    for number in range(len(dataset)):
        values = set(np.unique(dataset.labels(number)).tolist())
        assert values <= {*range(7), 255}
        found += bool(values - {0, 255})
        void += 255 in values
    assert found == count and void > 0.9 * len(dataset)


def test_labels_of_sbd_have_no_void(voc):
    dataset = VOCFolder(voc, "sbd_extra", ClassMap.voc(), limit=60)
    assert max(int(dataset.labels(number).max()) for number in range(60)) <= 20


def test_the_palette_in_the_files_is_ours(voc):
    dataset = VOCFolder(voc, "val", ClassMap.voc(), limit=1)
    with Image.open(voc / "SegmentationClass" / f"{dataset.ids[0]}.png") as image:
        palette = np.reshape(image.getpalette(), (-1, 3))
    assert palette[: len(colour_map())].tolist() == colour_map()[: len(palette)].tolist() and len(palette) > 20


def test_batches(voc):
    batches = Batches(VOCFolder(voc, "train", ClassMap.voc(ANIMALS)), 4, 128, seed=0, fill=(124, 117, 104))
    for pictures, labels in batches.iterate(0, 3):
        assert pictures.shape == (4, 128, 128, 3) and labels.shape == (4, 128, 128)
        assert pictures.std() > 20 and set(np.unique(labels)) <= {*range(7), 255}
