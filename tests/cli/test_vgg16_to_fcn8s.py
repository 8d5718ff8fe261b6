"""The way from torchvision's VGG16 to FCN-8s: every command of that section of docs/weights.md as it is written, on files of the same formats.

The files come from a server on this machine: VGG16's state as torchvision's file of 2017 has it (the old format, `features.0.weight`), random and an
eighth as wide; VOC 2012's and SBD's archives with a few small pictures. `WIDE=1` in the environment makes VGG16 as wide as it is, and lets a training take one pass in place of twenty.
"""

import csv
import hashlib
import importlib.util
import io
import os
import shlex
import tarfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import needs
import numpy as np
import pytest
from downloads import server as does
from PIL import Image
from training.helpers import three_stripes, write_set

from minifcn.data import pascal
from minifcn.downloads import catalogue
from minifcn.models import load

PAGE = Path(__file__).parents[2] / "docs/weights.md"
HEADING = "## From torchvision's VGG16 to FCN-8s on VOC 2012"
WIDE = bool(os.environ.get("WIDE"))
SHARE = 1 if WIDE else 8
NEEDED = [
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason=needs.PYTORCH),
    pytest.mark.skipif(importlib.util.find_spec("scipy") is None, reason=needs.FORMATS),
    pytest.mark.slow,
]


def commands():
    """The lines of the section's shell blocks, without what stands behind #."""
    section = PAGE.read_text(encoding="utf-8").split(HEADING)[1].split("\n## ")[0]
    blocks = [block.split("```")[0] for block in section.split("```sh\n")[1:]]
    return [shlex.join(shlex.split(line, comments=True)) for block in blocks for line in block.splitlines() if line]


def vgg16_file():
    """torch.save of the state, in the format before 1.6."""
    import torch

    torch.manual_seed(0)
    state, place, channels = {}, 0, 3
    full = 4096 // SHARE

    def layer(name, *shape):
        state[f"{name}.weight"] = torch.randn(*shape) * (2 / np.prod(shape[1:])) ** 0.5
        state[f"{name}.bias"] = torch.full(shape[:1], 0.01)

    for count, width in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(count):
            layer(f"features.{place}", width // SHARE, channels, 3, 3)
            channels, place = width // SHARE, place + 2
        place += 1
    layer("classifier.0", full, channels * 49)
    layer("classifier.3", full, full)
    layer("classifier.6", 1000, full)
    buffer = io.BytesIO()
    torch.save(state, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def archive_of(root, within):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        made.add(root, within)
    return buffer.getvalue()


def voc2012(folder):
    """Four pictures to train on, two to score, and two more of which SBD alone has labels."""
    pairs = [three_stripes(seed, (8, 7, 15)) for seed in range(8)]
    write_set(folder, pairs, name="2007_{:06}")
    for number in (0, 1):
        (folder / f"SegmentationClass/2007_{number:06}.png").unlink()
    lists = folder / "ImageSets/Segmentation"
    (lists / "train.txt").write_text("".join(f"2007_{number:06}\n" for number in range(2, 6)))
    return archive_of(folder, "VOCdevkit/VOC2012")


def sbd(folder):
    from scipy.io import savemat

    (folder / "cls").mkdir(parents=True)
    for name, numbers in {"train": (0, 2, 6), "val": (1,)}.items():
        (folder / f"{name}.txt").write_text("".join(f"2007_{number:06}\n" for number in numbers))
        for number in numbers:
            labels = three_stripes(number, (8, 7, 15))[1]
            labels[labels == 255] = 0
            savemat(folder / f"cls/2007_{number:06}.mat", {"GTcls": {"Segmentation": labels}})
    return archive_of(folder, "benchmark_RELEASE/dataset")


@pytest.fixture
def served(monkeypatch, tmp_path):
    """All three files behind the catalogue's names, and a VGG16 of that width."""
    from minifcn.models.trunks import backbones

    if not WIDE:

        def vgg16(padding="same", width=None, in_channels=3):
            widths = tuple(each // SHARE for each in (64, 128, 256, 512, 512))
            return backbones.vgg((2, 2, 3, 3, 3), widths, 4096 // SHARE, 0.5, padding, in_channels)

        monkeypatch.setitem(backbones.BACKBONES, "vgg16", vgg16)
    counts = {"SBD's train": 3, "SBD's val": 1, "VOC 2012's train": 4, "VOC 2012's val": 2, "trainaug": 6}
    monkeypatch.setattr(pascal, "COUNTS", pascal.COUNTS | counts)
    files = {"vgg16": vgg16_file(), "voc2012": voc2012(tmp_path / "voc"), "sbd": sbd(tmp_path / "sbd")}
    with ExitStack() as stack:
        for name, content in files.items():
            server = stack.enter_context(does.Server(does.good, content=content))
            item = catalogue.ITEMS[name]
            checks = ((("sha256", hashlib.sha256(content).hexdigest())),)
            changed = replace(item, address=server.address, checksums=checks, called=item.file)
            monkeypatch.setitem(catalogue.ITEMS, name, changed)
        yield


def test_the_section_has_the_way_from_end_to_end():
    verbs = [line.split()[1] for line in commands()]
    assert verbs == ["download", "download", "weights", "check-data", "train", "eval", "eval", "eval", "predict", "download", "download"]  # fmt: skip


@pytest.mark.parametrize("way", [pytest.param("as written", marks=NEEDED)])
def test_every_command_of_the_section(way, call, served, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(three_stripes(9, (8, 7, 15))[0]).save("photo.jpg")
    said = {}
    for line in commands():
        words = line.removeprefix("minifcn ")
        said[line] = call(words.replace("--epochs 20", "--epochs 1") if WIDE else words).worked().out
        print(line, said[line], sep="\n")
    out = "\n".join(said.values())
    assert (
        "torchvision's vgg16 from vgg16-397923af.pth (PyTorch, the format before 1.6): 32 parameters: 29 copied, 3 reshaped"
        in out
    )
    assert "trunk from data/vgg16.safetensors: 30 parameters carried over" in out
    assert "fcn16s from fcn32s: " in out and "fcn8s from fcn16s: " in out
    assert "new in fcn16s: score_pool4" in out and "new in fcn8s: score_pool3" in out
    assert "mean IU" in out and "trainaug.txt: 6 pictures, and 2 label files of SBD's" in out
    with open("run/log.csv", newline="") as file:
        rates = {row["stage"]: float(row["learning_rate"]) for row in csv.DictReader(file)}
    assert rates["fcn32s"] / rates["fcn16s"] == pytest.approx(100) and rates["fcn16s"] / rates[
        "fcn8s"
    ] == pytest.approx(100)
    model = load("run/fcn8s.safetensors")
    assert (model.architecture["backbone"], model.architecture["stride"]) == ("vgg16", 8)
    assert model.preprocessing.channels == "rgb" and "torchvision gives it away" in model.notes["trunk"]
    assert list((tmp_path / "predicted").rglob("photo*.png"))
