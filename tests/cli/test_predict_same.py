"""`minifcn predict` takes short cuts; what it writes is what the long way gives: here each result is worked out in full, one after the other."""

import math
import os
import signal
import subprocess
import sys

import needs
import numpy as np
import pytest
from PIL import Image
from signals import heard
from training.helpers import random_model, saved

import minifcn as mf
from minifcn.cli.results import mark_of
from minifcn.data import ClassMap, colour_map, read_labels, read_picture
from minifcn.draw.pictures.confidence import confidence_picture
from minifcn.draw.pictures.legend import PAPER, font_size, legend
from minifcn.draw.pictures.overlay import per_cent
from minifcn.kernels.threads import get_num_threads
from minifcn.training.scoring.evaluate import evaluating, views_of

NAMES = ["background", "person", "cat"]
VALUES = np.array([0, 15, 8], np.uint8)


def probabilities_in_full(model, picture, mirror, scales):
    """The mean softmax of the views, each class resized by itself."""
    height, width = picture.shape[:2]
    with evaluating(model):
        views = views_of(model, picture, mirror, scales)
    total = np.zeros((len(NAMES), height, width), np.float32)
    for view in views:
        maps = [
            Image.fromarray(np.ascontiguousarray(one)).resize((width, height), Image.Resampling.BILINEAR)
            for one in view
        ]
        scores = np.stack([np.asarray(one) for one in maps])
        powers = np.exp(scores - scores.max(0))
        total += powers / powers.sum(0)
    return total / np.float32(len(views))


def overlay_in_full(picture, labels):
    """Blended in floating point, all pixels at once, with its legend pasted below."""
    colour = colour_map()[VALUES][labels].astype(np.float32)
    thickness = int(np.clip(round(labels.size**0.5 / 280), 1, 8))
    edges = np.zeros(labels.shape, bool)
    for down, right in [(reach, 0) for reach in range(1, thickness + 1)] + [
        (0, reach) for reach in range(1, thickness + 1)
    ]:
        here, there = labels[down:, right:], labels[: labels.shape[0] - down, : labels.shape[1] - right]
        edges[down:, right:] |= here != there
        edges[: labels.shape[0] - down, : labels.shape[1] - right] |= here != there
    blend = picture + np.float32(0.55) * (colour - picture)
    blend = np.where(edges[..., None], 0.55 * colour + 0.45 * 255, blend)
    top = np.where((labels != 0)[..., None], np.rint(blend).astype(np.uint8), picture)
    counts = np.bincount(labels.ravel(), minlength=3)
    shown = sorted((index for index in range(3) if counts[index]), key=lambda index: -counts[index])
    entries = [
        (f"{NAMES[i]} {per_cent(counts[i] / labels.size)}", colour_map()[VALUES[i]] if i else PAPER) for i in shown
    ]
    bottom = legend(entries, labels.shape[1], font_size(labels.shape[1], labels.shape[0]))
    image = Image.new("RGB", (bottom.width, len(labels) + bottom.height), PAPER)
    image.paste(Image.fromarray(top), (0, 0))
    image.paste(bottom, (0, len(labels)))
    return np.asarray(image)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Pictures of several shapes, with areas and edges; and among them a file that is none."""
    folder, rng = tmp_path_factory.mktemp("same"), np.random.default_rng(3)
    for number, (height, width) in enumerate([(70, 95), (1, 1), (33, 400), (128, 64), (96, 96), (50, 61)]):
        coarse = rng.integers(0, 256, (math.ceil(height / 16), math.ceil(width / 16), 3)).astype(np.uint8)
        picture = coarse.repeat(16, 0).repeat(16, 1)[:height, :width]
        Image.fromarray(picture).save(folder / f"p{number}.png")
    (folder / "p3b.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def model():
    model = random_model(classes=ClassMap.voc(["person", "cat"]))
    model.picture_size = 64
    return model


@pytest.fixture
def threads(request):
    before = get_num_threads()
    mf.set_num_threads(request.param)
    yield
    mf.set_num_threads(before)


@pytest.mark.parametrize(
    "options, threads",
    [("", 1), ("", 2), ("--mirror --scales 0.7,1.3", 2), ("--size 40", 5), ("--own-size", 2)],
    indirect=["threads"],
)
def test_as_the_long_way(options, threads, photos, model, call, tmp_path):
    file = saved(model, tmp_path / "m.safetensors")
    answer = call(f"predict {photos} --model {file} --out {tmp_path}/out {options}").failed(
        "p3b.jpg", "1 of 7 pictures"
    )
    names = [f"p{number}" for number in range(6)]
    assert [line.split(":")[0] for line in answer.out.splitlines()] == [str(photos / f"{name}.png") for name in names]
    for name in names:
        picture = read_picture(photos / f"{name}.png")
        longer = max(picture.shape[:2])
        size = longer if "own" in options else 40 if "40" in options else 64
        scales = [scale * size / longer for scale in ((0.7, 1.3) if "mirror" in options else (1,))]
        if "own" not in options and "40" not in options and abs(longer - 64) <= 6.4:
            scales = [scale * longer / size for scale in scales]  # near enough to what the model knows
        labels = probabilities_in_full(model, picture, "mirror" in options, scales).argmax(0).astype(np.uint8)
        np.testing.assert_array_equal(read_labels(tmp_path / "out" / f"{name}.png"), VALUES[labels])
        found = np.asarray(Image.open(tmp_path / "out" / f"{name}_overlay.png"))
        np.testing.assert_array_equal(found, overlay_in_full(picture, labels))


def test_probabilities_are_those_of_the_softmax(photos, model, call, tmp_path):
    file = saved(model, tmp_path / "m.safetensors")
    call(
        f"predict {photos}/p0.png {photos}/p2.png --model {file} --out {tmp_path}/out --size 50 --confidence --probabilities"
    ).worked()
    for name in ("p0", "p2"):
        picture = read_picture(photos / f"{name}.png")
        expected = probabilities_in_full(model, picture, False, [50 / max(picture.shape[:2])])
        with np.load(tmp_path / "out" / f"{name}_probabilities.npz") as found:
            np.testing.assert_array_equal(found["probabilities"], expected.astype(np.float16))
        np.testing.assert_array_equal(read_labels(tmp_path / "out" / f"{name}.png"), VALUES[expected.argmax(0)])
        image = np.asarray(Image.open(tmp_path / "out" / f"{name}_confidence.png"))
        np.testing.assert_array_equal(image, np.asarray(confidence_picture(expected.max(0))))


def test_a_second_run_writes_the_same_bytes(photos, model, call, tmp_path):
    file = saved(model, tmp_path / "m.safetensors")
    for out in ("one", "two"):
        call(f"predict {photos} --model {file} --out {tmp_path}/{out}").failed("p3b.jpg")
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / out).iterdir()} for out in ("one", "two"))
    assert one == two and len(one) == 12


def many(folder, count):
    """A folder of so many small pictures."""
    folder.mkdir()
    for number in range(count):
        Image.fromarray(np.full((60, 80, 3), number % 256, np.uint8)).save(folder / f"n{number:03}.png")
    return folder


def whole_results(out):
    """How many files lie in `out`, each read to its end and with its mark; nothing half written is among them."""
    files = sorted(out.iterdir())
    for file in files:
        assert file.suffix == ".png", file
        assert mark_of(file.read_bytes())
        read_picture(file)
    return len(files)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason=needs.POSIX)
def test_ctrl_c_leaves_whole_files_and_a_sentence(model, tmp_path):
    file, photos = saved(model, tmp_path / "m.safetensors"), many(tmp_path / "in", 400)
    command = [sys.executable, "-u", "-m", "minifcn", "predict", photos, "--model", file, "--out", tmp_path / "out"]
    with heard("SIGINT"):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(5):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.strip().endswith("minifcn predict: stopped") and "Traceback" not in err
    assert 10 <= whole_results(tmp_path / "out") < 800
    assert len(out.splitlines()) < 395


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason=needs.POSIX)
def test_a_reader_that_leaves_ends_it(model, tmp_path):
    file, photos = saved(model, tmp_path / "m.safetensors"), many(tmp_path / "in", 400)
    command = [sys.executable, "-u", "-m", "minifcn", "predict", photos, "--model", file, "--out", tmp_path / "out"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 1 and err == ""
    assert whole_results(tmp_path / "out") < 800


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason=needs.LINUX)
def test_memory_holds_two_large_pictures_and_little_else(model, tmp_path):
    """Six million pixels are 18 MB as an array and 24 as Pillow keeps them; the overlay is never whole."""
    file, rng = saved(model, tmp_path / "m.safetensors"), np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (20, 30, 3)).astype(np.uint8))
    for count in (1, 5):
        (tmp_path / f"in{count}").mkdir()
        for number in range(count):
            coarse.resize((3000, 2000), Image.Resampling.BICUBIC).save(tmp_path / f"in{count}" / f"{number}.jpg")
    coarse.save(tmp_path / "small.jpg")

    def peak(inputs):
        code = (
            "import sys; from minifcn.cli.main import main; assert main(sys.argv[1:]) == 0; "
            "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"  # kB
        )
        words = ["predict", inputs, "--model", file, "--out", tmp_path / "out", "--device", "cpu"]
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=True
        )
        return int(done.stdout.splitlines()[-1]) / 1024

    small, one, five = peak(tmp_path / "small.jpg"), peak(tmp_path / "in1"), peak(tmp_path / "in5")
    assert one < small + 75 and five < small + 140, (small, one, five)
