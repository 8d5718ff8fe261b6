"""minifcn summary, gradcheck and demo."""

import json
import re
import shlex

import pytest
from training.helpers import STAGES, Killed, arrays_of, listing, random_model, saved, stop_at

from minifcn import Function
from minifcn.cli.commands import demo
from minifcn.models import build
from minifcn.ops import OPERATIONS, Operation
from minifcn.ops.pooling import MaxPool2d

from .conftest import SMALL


def table(out):
    """Layer name -> the cells of its row, without the heading."""
    rows = out.split("\n\n")[0].splitlines()
    assert rows[0].startswith("layer") and set(rows[1]) == {"-"}
    return {row.split()[0]: row for row in rows[2:]}


def number_after(word, out):
    line = next(line for line in out.splitlines() if line.startswith(word))
    return line.split()[1].replace(",", "")


def test_the_reference_in_numbers(call):
    answer = call("summary fcn32s --backbone vgg16 --padding paper --size 500x500").worked()
    rows = table(answer.out)
    # 13 convolutions and fc6, fc7 with a ReLU each, 5 pools, 2 dropouts; score_fr, upscore and the crop
    assert len(rows) == 2 * 15 + 5 + 2 + 3
    assert "4096 x 16 x 16" in rows["fc6"] and " 404 " in rows["fc6"] and "102,764,544" in rows["fc6"]
    assert "21 x 544 x 544" in rows["upscore"] and "21 x 500 x 500" in rows["score"]
    # the paper's 134M, and 21 bilinear kernels of 64x64 that are not trained
    assert int(number_after("parameters", answer.out)) == 134_346_581 + 21 * 64 * 64
    assert "134,346,581 trained" in answer.out and "output 19" in answer.out


def test_fcn8s_has_the_crops_of_the_reference(call):
    answer = call("summary fcn8s --padding paper --size 375x500").worked()
    assert "pool4 5, pool3 9, output 31" in answer.out
    rows = table(answer.out)
    assert "21 x 54 x 70" in rows["upscore_8s"] or "21 x 54 x 70" in rows["fuse_pool3"]
    assert "21 x 375 x 500" in rows["score"]


@pytest.mark.parametrize(
    "backbone, says",
    [
        (
            "googlenet",
            "22 convolutions in a row, 5,995,077 parameters without upsampling, receptive field 715 (907 with",
        ),
        (
            "squeezenet32",
            "18 convolutions in a row, 733,269 parameters without upsampling, receptive field 239, largest",
        ),
    ],
)
def test_table_1_at_the_end_and_not_one_random_number_drawn(backbone, says, call, monkeypatch):
    def drawn():
        raise AssertionError("a summary needs no weights")

    monkeypatch.setattr("minifcn.backend.random_generator", drawn)
    out = call(f"summary fcn32s --backbone {backbone}").worked().out
    assert says in out.splitlines()[-1] and out.splitlines()[-1].endswith("stride 32")


@pytest.mark.parametrize("arch, skips", [("fcn32s", 0), ("fcn16s", 1), ("fcn8s", 2), ("fcn4s", 3), ("fcn8s-atonce", 2)])
def test_a_row_a_layer(arch, skips, call):
    rows = table(call(f"summary {arch} --backbone tiny --width 4 --size 375x500").worked().out)
    # the trunk, then score_fr, upscore and the crop; a skip adds its upsampling, its scores and the sum
    trunk = [name for name in rows if name.startswith(("conv", "relu", "pool", "fc", "drop"))]
    assert len(rows) == len(trunk) + 3 + 3 * skips
    assert trunk == build(arch, backbone="tiny", width=4).backbone.order
    assert sum(name.startswith("fuse_") for name in rows) == skips


@pytest.mark.parametrize("size", ["1x1", "1X7", "33x65"])
def test_any_size(size, call):
    out = call(f"summary fcn8s --backbone tiny --size {size} --num-classes 3").worked().out
    height, width = size.lower().split("x")
    assert f"3 x {height} x {width}" in table(out)["score"]


def test_parameters_are_those_of_the_saved_file(call, tmp_path):
    arrays = arrays_of(saved(random_model("fcn16s", width=3), tmp_path / "my.safetensors"))
    out = call(f"summary {tmp_path}/my.safetensors --size 64x64").worked().out
    assert int(number_after("parameters", out)) == sum(array.size for array in arrays.values())


def test_a_model_file_as_network(call, tmp_path):
    path = saved(random_model("fcn16s", width=3), tmp_path / "my.safetensors")
    out = call(f"summary {path} --size 40x50").worked().out
    assert "4 x 40 x 50" in table(out)["score"] and "3 x 40 x 50" in table(out)["conv1_1"]


@pytest.mark.parametrize("name", ["fcn64s", "vgg16", "FCN8s"])
def test_an_unknown_network_says_which_there_are(name, call):
    call(f"summary {name}").failed(name, "fcn32s, fcn16s, fcn8s")


def test_gradcheck_all_operations(call):
    answer = call("gradcheck --cases 1").worked()
    for name in OPERATIONS:
        assert f"\n{name} " in answer.out
    assert "FAILED" not in answer.out


def test_gradcheck_of_some(call):
    answer = call("gradcheck relu conv2d --cases 2 --seed 3").worked()
    assert [line.split()[:2] for line in answer.out.splitlines()[1:]] == [["relu", "2"], ["conv2d", "2"]]


def test_gradcheck_prints_error_and_tolerance_as_parts_of_one_scale(call, monkeypatch):
    tiny = Operation("tiny", lambda x: x * x * 1e-20, OPERATIONS["neg"].sample)
    monkeypatch.setitem(OPERATIONS, "tiny", tiny)
    lines = call("gradcheck tiny relu --cases 2").worked().out.splitlines()
    assert lines[0].split()[3:] == ["worst", "relative", "error", "tolerance", "scale", "step", "seconds"]
    for line, scale in zip(lines[1:], (1e-20, 1), strict=True):
        words = line.split()
        assert 0 < float(words[3]) < float(words[4]) < 1e-5  # error and tolerance
        assert 0.1 * scale < float(words[5]) < 20 * scale


def test_gradcheck_of_none_such(call):
    answer = call("gradcheck relu conv9d")
    assert answer.status == 2 and "unknown operation conv9d: did you mean conv2d? Choose one of relu," in answer.err


def test_gradcheck_of_a_network(call):
    answer = call("gradcheck --model fcn32s fcn8s --directions 3").worked()
    rows = [line.split() for line in answer.out.splitlines()[1:]]
    assert [row[:2] for row in rows] == [["fcn32s", "1"], ["fcn8s", "1"]]
    for name, row in zip(("fcn32s", "fcn8s"), rows, strict=True):
        model = build(name, backbone="tiny", width=1, num_classes=3)
        sizes = [20 * 18 * 3, *(parameter.size for parameter in model.parameters())]
        assert int(row[2]) == sum(size if size <= 3 else 3 for size in sizes)
        assert 0 < float(row[3]) < 1e-6
    wrong = call("gradcheck --model fcn64s")
    assert wrong.status == 2 and "fcn64s" in wrong.err and "fcn8s" in wrong.err


def test_gradcheck_of_a_network_with_a_wrong_gradient_fails(call, monkeypatch):
    right = MaxPool2d.backward
    monkeypatch.setattr(MaxPool2d, "backward", lambda self, grad: 1.01 * right(self, grad))
    answer = call("gradcheck --model fcn16s --directions 2")
    assert answer.status == 1 and "FAILED" in answer.out and "fcn16s over tiny, seed 0" in answer.out
    assert "parameter backbone.conv1_1.weight: " in answer.out and "right: parameter" in answer.out


@pytest.mark.parametrize("ending", ["png", "SVG"])
def test_gradcheck_draws_u_curves(ending, call, tmp_path):
    file = tmp_path / f"u.{ending}"
    assert str(file) in call(f"gradcheck relu conv2d --cases 1 --plot {file}").worked().out
    head = file.read_bytes()[:4]
    assert head == (b"\x89PNG" if ending == "png" else b"<svg")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_gradcheck_says_what_it_cannot_draw(call, tmp_path):
    wrong = call("gradcheck relu --plot u.gif")
    assert wrong.status == 2 and "u.gif" in wrong.err and ".png" in wrong.err
    call(f"gradcheck --model fcn8s --plot {tmp_path / 'u.png'}").failed("--plot", "name some operations")


class WrongSquare(Function):
    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, grad):
        return 2.001 * self.x * grad


def test_gradcheck_finds_a_wrong_operation_and_names_it(call, monkeypatch):
    wrong = Operation("wrong_square", lambda x: WrongSquare()(x), OPERATIONS["neg"].sample)
    monkeypatch.setitem(OPERATIONS, "wrong_square", wrong)
    answer = call("gradcheck wrong_square relu --cases 3")
    assert answer.status == 1
    assert "wrong_square" in answer.out and "FAILED" in answer.out and "case 0 of seed 0" in answer.out
    assert "relu" in answer.out  # the others are checked all the same
    relu = next(line for line in answer.out.splitlines() if line.startswith("relu"))
    assert "FAILED" not in relu


@pytest.fixture
def small_demo(small_synthetic, no_shipped, monkeypatch):
    monkeypatch.setattr(demo, "OPTIONS", f"--data synthetic --arch staged {SMALL}")


def test_the_demo_works_and_says_when_it_is_finished(call, small_demo, tmp_path):
    out = tmp_path / "my demo"
    answer = call("demo --out", out).worked()
    assert answer.out.startswith("minifcn train --data synthetic")
    assert list(json.loads((out / "metrics.json").read_text())) == list(STAGES)
    assert (out / "report.html").exists() and (out / "data" / "class_names.txt").exists()
    before = listing(out)
    again = call("demo --out", out).worked()
    assert "finished" in again.out and listing(out) == before


def test_the_demo_has_a_folder_of_its_own(call, small_demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call("demo").worked()
    assert [path.name for path in tmp_path.iterdir()] == ["minifcn-demo"]


def test_a_stopped_demo_goes_on(call, small_demo, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_at(patch, "fcn16s", 1, Killed())
        with pytest.raises(Killed):
            call("demo --out", tmp_path / "demo")
    answer = call("demo --out", tmp_path / "demo").worked()
    assert "resumed from step " in answer.out and (tmp_path / "demo" / "report.html").exists()


def test_the_demo_of_another_seed_is_not_the_finished_one(call, small_demo, tmp_path):
    call("demo --out", tmp_path / "demo").worked()
    call("demo --seed 1 --out", tmp_path / "demo").failed("seed")


def test_the_demo_leaves_a_folder_of_other_things_alone(call, small_demo, tmp_path):
    (tmp_path / "thesis.tex").write_text("all my work")
    call("demo --out", tmp_path).failed("not empty")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_command_that_the_demo_prints_can_be_pasted(call, small_demo, tmp_path):
    answer = call("demo --out", tmp_path / "my demo").worked()
    assert shlex.split(answer.out.splitlines()[0])[-1] == str(tmp_path / "my demo")


def test_summary_draws_the_architecture(call, tmp_path):
    path = tmp_path / "net.svg"
    answer = call(f"summary fcn8s --backbone tiny --width 4 --padding paper --size 375x500 --draw {path}").worked()
    assert answer.out.rstrip().endswith(f"drawn          {path}")
    rows, svg = table(answer.out), path.read_text(encoding="utf-8")
    for name in ("score_fr", "score_pool4", "upscore_16s", "fuse_pool4", "fuse_pool3", "upscore"):
        size = re.search(r"\d+ x \d+ x \d+", rows[name]).group().replace(" x ", "×")
        assert re.search(rf">{name}</text>(\n<text[^>]*>[^<]*</text>)?\n<text[^>]*>{size}</text>", svg), name
    assert "FCN-8s over tiny, padding paper" in svg and "21×375×500" in svg


@pytest.mark.parametrize(
    "name, says", [("net.pdf", "'net.pdf' ends neither in .svg nor in .png"), ("nowhere/net.svg", "there is no folder")]
)
def test_summary_refuses_to_draw_before_it_prints(name, says, call, tmp_path):
    answer = call(f"summary fcn8s --backbone tiny --draw {tmp_path / name}")
    answer.failed(says)
    assert answer.out == "" and not list(tmp_path.iterdir())


def test_a_summary_of_a_run_s_folder_says_which_file(call, tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path)
    call("summary run").failed("run: a folder; give a file in it, such as run/best.safetensors")


@pytest.mark.parametrize(
    "words, said",
    [
        ("summary voc7 --width 3", "--width says what network to build, and voc7 holds one; leave it out"),
        ("summary voc7 --padding same", "--padding says what network to build"),
        ("summary voc7 --num-classes 2", "--num-classes says what network to build"),
        ("summary voc7 --backbone tiny", "--backbone says what network to build"),
        ("weights show voc7 --as vgg16", "--as says how import makes a model, and show makes none; leave it out"),
        ("weights show voc7 --flip", "--flip says how import makes a model"),
        ("weights show voc7 --ignore a b", "--ignore says how import makes a model"),
        ("weights show voc7 --out there.safetensors", "--out says how import makes a model"),
        ("gradcheck --model fcn32s --cases 3", "--cases is about operations, and only networks are named"),
        ("gradcheck relu --directions 0", "--directions is about networks, and none is named"),
        ("download --from there.zip", "--from is a copy of one of these: add its NAME"),
        (
            "lessons --start there --only 1",
            "--only is about lessons that are run, and --start copies all and runs none",
        ),
        ("lessons --start there --seconds 5", "--seconds is about lessons that are run"),
        ("paper --list --quick", "--quick says how to measure, and --list measures nothing"),
        ("paper --list --out there", "--out says how to measure, and --list measures nothing"),
    ],
)
def test_options_that_would_change_nothing_are_refused(words, said, call):
    call(words).failed(said)


def test_the_same_options_where_they_count(call):
    assert "fcn32s" in call("gradcheck --model fcn32s --directions 1").worked().out
    assert call("gradcheck relu --cases 2").worked().out.split("relu")[1].split()[0] == "2"
    out = call("summary fcn32s --backbone tiny --width 3 --num-classes 2 --size 32x32").worked().out
    assert "3 x 32 x 32" in out.split("conv1_1")[1].splitlines()[0] and "2 x 32 x 32" in out
