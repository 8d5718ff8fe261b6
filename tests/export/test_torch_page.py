"""The page of PyTorch is the network: its scores there, and what it prints as a program."""

import importlib.util
import subprocess
import sys

import needs
import numpy as np
import pytest
from PIL import Image
from twins import torch

import minifcn as mf
from minifcn.export import to_torch
from minifcn.models import FCN, Preprocessing

from .networks import LARGE, NETWORKS, SIZES, apart, network

needs_torch = pytest.mark.skipif(torch is None, reason=needs.PYTORCH)


def module(path):
    spec = importlib.util.spec_from_file_location("page", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@needs_torch
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LARGE else n for n in NETWORKS])
def test_same_scores_in_pytorch(name, tmp_path):
    model = network(name)
    to_torch(model, tmp_path / "page.py")
    twin = module(tmp_path / "page.py").load()
    channels = next(iter(model.parameters())).shape[1]
    for size in SIZES:
        x = np.random.default_rng(1).standard_normal((2, channels, *size)).astype(np.float32)
        with mf.no_grad(), torch.no_grad():
            assert apart(twin(torch.from_numpy(x)).numpy(), model(x).data) < 1e-5, size


@needs_torch
def test_the_page_is_a_program(tmp_path):
    preprocessing = Preprocessing("bgr", (100.5, 120.0, 90.0), (1 / 50, 1 / 60, 1 / 70))
    model = FCN("tiny", 8, 2, width=3, class_names=["ground", "a 'leaf'"], preprocessing=preprocessing).eval()
    model.score_fr.weight.data[...] = np.random.default_rng(0).standard_normal(model.score_fr.weight.shape)
    to_torch(model, tmp_path / "page.py")
    photo = np.random.default_rng(1).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    command = [sys.executable, "page.py", "photo.png", "labels.png"]
    out = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    with mf.no_grad():
        expected = model(preprocessing(photo)).data[0].argmax(0)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "labels.png")), expected)
    assert f"a 'leaf'  {100 * (expected == 1).mean():.1f} %" in out


def test_the_page_reads_well(tmp_path):
    """Without PyTorch: a line a layer under its own name, options only where they are not the usual ones, and it compiles."""
    model = FCN("tiny", 16, 3, width=4, class_names=["a", "b", "c"]).eval()
    to_torch(model, tmp_path / "page.py")
    text = (tmp_path / "page.py").read_text()
    compile(text, "page.py", "exec")
    for line in (
        "self.conv1_1 = nn.Conv2d(3, 4, 3, padding=1)",
        "self.pool1 = nn.MaxPool2d(2, ceil_mode=True)",
        "self.upscore_16s = nn.ConvTranspose2d(3, 3, 4, stride=2, padding=1, groups=3, bias=False)",
        "conv1_1 = self.conv1_1(picture)",
        "fuse_pool4 = upscore_16s_cut + score_pool4_cut",
        "scores = cut(upscore, picture)",
        "CLASSES = ['a', 'b', 'c']",
    ):
        assert f" {line}\n" in text or f"\n{line}\n" in text, line
    arrays = mf.weights.load_arrays(tmp_path / "page.safetensors")[0]
    np.testing.assert_array_equal(arrays["conv1_1.weight"], model.backbone.conv1_1.weight.data)


@pytest.mark.parametrize("options", [dict(in_channels=1), dict(num_classes=300)])
def test_what_takes_no_photographs_is_no_program(options, tmp_path):
    """Its `python page.py PHOTO` broke off in PyTorch, or wrote class 256 as class 0."""
    model = FCN("tiny", 32, **{"num_classes": 3, "width": 1, **options})
    to_torch(model, tmp_path / "page.py")
    text = (tmp_path / "page.py").read_text()
    assert "PHOTO" not in text and "__main__" not in text and "def preprocess" not in text
    compile(text, "page.py", "exec")
    to_torch(FCN("tiny", 32, 3, width=1), tmp_path / "usual.py")
    assert "PHOTO" in (tmp_path / "usual.py").read_text()


@needs_torch
@pytest.mark.parametrize("options", [dict(in_channels=1), dict(num_classes=300)])
def test_and_is_the_network_all_the_same(options, tmp_path):
    model = FCN("tiny", 32, **{"num_classes": 3, "width": 1, **options}).eval()
    for parameter in model.parameters():  # scores begin at 0
        parameter.data[...] = np.random.default_rng(parameter.size).standard_normal(parameter.shape)
    to_torch(model, tmp_path / "page.py")
    x = (
        np.random.default_rng(0)
        .standard_normal((1, next(iter(model.parameters())).shape[1], 20, 21))
        .astype(np.float32)
    )
    with mf.no_grad(), torch.no_grad():
        assert apart(module(tmp_path / "page.py").load()(torch.from_numpy(x)).numpy(), model(x).data) < 1e-5
