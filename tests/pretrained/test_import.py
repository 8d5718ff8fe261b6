"""From a file of somebody's to a network of ours: every tensor where it belongs, the same scores, and a word about everything else."""

import json
import re

import needs
import numpy as np
import pytest
from twins import torch

import minifcn as mf
from minifcn.models import FCN, HeatMap, Preprocessing, load, transplant
from minifcn.models.classifier_files import load_classifier, save_classifier
from minifcn.pretrained import import_file, load_pretrained, load_start
from minifcn.pretrained.names import TABLES
from minifcn.pretrained.spelling import spelled
from minifcn.weights import WeightsError, load_arrays, save_arrays

from . import in_torch, stand_ins

needs_torch = pytest.mark.skipif(torch is None, reason=needs.PYTORCH)
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("alexnet", "vgg16")]  # 61 and 138 M numbers
OURS = {
    "vgg16": "vgg16",
    "alexnet": "alexnet-torchvision",
    "googlenet": "googlenet-torchvision",
    "squeezenet": "squeezenet",
}


def saved(state, path, form):
    """The state, with views, channels-last tensors and shared storages among it where the format keeps them."""
    if form == "safetensors":
        from safetensors.torch import save_file

        save_file({name: value.contiguous() for name, value in state.items()}, path)
        return path
    odd = dict(state)
    weights = [name for name, value in state.items() if value.ndim == 4]
    odd[weights[0]] = state[weights[0]].to(memory_format=torch.channels_last)
    odd[weights[1]] = torch.cat([state[weights[1]], state[weights[1]]])[
        : len(state[weights[1]])
    ]  # a slice of a larger storage
    whole = torch.cat([state[name].flatten() for name in weights[2:4]])  # two in one storage
    first, second = (state[name] for name in weights[2:4])
    odd[weights[2]] = whole[: first.numel()].view(first.shape)
    odd[weights[3]] = whole[first.numel() :].view(second.shape)
    torch.save(odd, path, _use_new_zipfile_serialization=form == "zip")
    return path


@needs_torch
@pytest.mark.parametrize("name", ["squeezenet", "googlenet", *SLOW])
def test_torchvision_s_networks_score_as_in_pytorch(name, tmp_path):
    network = in_torch.random_twin(name)
    x = in_torch.pictures(224)
    with torch.no_grad():
        expected = network(torch.from_numpy(x)).numpy()
    for form in ("old",) if name == "googlenet" else ("zip", "old", "safetensors"):
        done = import_file(saved(network.state_dict(), tmp_path / f"{name}.pth", form))
        assert isinstance(done.network, HeatMap) and done.network.name == OURS[name]
        with mf.no_grad():
            scores = done.network(x).data
        found = scores.mean((2, 3)) if name == "squeezenet" else scores.reshape(1, -1)
        np.testing.assert_allclose(found, expected, atol=1e-4)
        if name == "googlenet":
            continue  # its convolutions have batch norm in them
        parameters = done.network.state_dict()
        theirs = list(network.state_dict().values())
        assert len(parameters) == len(theirs)
        for (ours, value), other in zip(parameters.items(), theirs, strict=True):
            np.testing.assert_array_equal(value.reshape(other.shape), other.numpy(), err_msg=ours)


@needs_torch
def test_what_becomes_of_batch_norm_and_the_auxiliary_classifiers(tmp_path):
    network = in_torch.random_twin("googlenet")
    torch.save(network.state_dict(), tmp_path / "g.pth")
    done = import_file(tmp_path / "g.pth")
    state = {name: value.double().numpy() for name, value in network.state_dict().items()}
    weight = state["inception4b.branch3.1.conv.weight"]
    factor = state["inception4b.branch3.1.bn.weight"] / np.sqrt(state["inception4b.branch3.1.bn.running_var"] + 1e-3)
    bias = state["inception4b.branch3.1.bn.bias"] - state["inception4b.branch3.1.bn.running_mean"] * factor
    layer = done.network.backbone.inception_4b.conv3x3b
    np.testing.assert_allclose(layer.weight.data, weight * factor[:, None, None, None], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(layer.bias.data, bias, rtol=1e-5, atol=1e-7)
    lines = "\n".join(done.lines())
    assert (
        "inception4b.branch3.1.conv.weight, inception4b.branch3.1.bn.weight, inception4b.branch3.1.bn.running_var 64x24x3x3 -> backbone"
        in lines
    )
    assert (
        "aux1.conv.conv.weight: left, an auxiliary classifier" in lines
        and "conv1.bn.num_batches_tracked: left, a counter" in lines
    )
    placed = {name for move in done.moves for name in move.theirs}
    assert placed | done.left.keys() == set(state) and not placed & done.left.keys()
    # torchvision prepares the pictures of this one as TensorFlow does
    assert done.network.preprocessing == ("rgb", (127.5, 127.5, 127.5), 1 / 127.5)


def squeezenet_arrays():
    """torchvision's SqueezeNet by hand: {name: array}."""
    rng = np.random.default_rng(3)
    places = dict(zip(range(2, 10), (3, 4, 6, 7, 9, 10, 11, 12), strict=True))
    arrays = {}
    for name, _, shape in stand_ins.squeezenet():
        if shape is None:
            continue
        if name.startswith("fire"):
            part = name.split("/")[1].replace("squeeze1x1", "squeeze")
            theirs = f"features.{places[int(name[4])]}.{part}"
        else:
            theirs = {"conv1": "features.0", "conv10": "classifier.1"}[name]
        arrays[f"{theirs}.weight"] = rng.standard_normal(shape, np.float32)
        arrays[f"{theirs}.bias"] = rng.standard_normal(shape[0], np.float32)
    return arrays


def named(tmp_path, change=None, name="m.safetensors"):
    arrays = squeezenet_arrays()
    arrays = (change(arrays) or arrays) if change else arrays
    save_arrays(tmp_path / name, arrays)
    return tmp_path / name


def test_half_precision_is_widened_and_double_is_rounded(tmp_path):
    def change(arrays):
        arrays["features.0.weight"] = arrays["features.0.weight"].astype(np.float16)
        arrays["features.0.bias"] = arrays["features.0.bias"].astype(np.float64) / 3

    done = import_file(named(tmp_path, change))
    first = done.network.backbone.conv1
    np.testing.assert_array_equal(
        first.weight.data, squeezenet_arrays()["features.0.weight"].astype(np.float16).astype(np.float32)
    )
    assert first.weight.dtype == np.float32
    assert str(done.moves[0]) == "features.0.weight 64x3x3x3 -> backbone.conv1.weight 64x3x3x3: copied, widened"
    assert str(done.moves[1]) == "features.0.bias 64 -> backbone.conv1.bias 64: copied, rounded"


@needs_torch
def test_bfloat16_and_float8_in_safetensors(tmp_path):
    from safetensors.torch import save_file

    state = {name: torch.from_numpy(array).bfloat16() for name, array in squeezenet_arrays().items()}
    save_file(state, tmp_path / "m.safetensors")
    found = import_file(tmp_path / "m.safetensors").network.state_dict()
    np.testing.assert_array_equal(found["backbone.conv1.weight"], state["features.0.weight"].float().numpy())
    state["features.0.weight"] = state["features.0.weight"].to(torch.float8_e4m3fn)
    save_file(state, tmp_path / "m.safetensors")
    with pytest.raises(
        WeightsError,
        match=r"features\.0\.weight holds F8_E4M3 numbers, which NumPy does not have; save it as F16, BF16 or F32",
    ):
        import_file(tmp_path / "m.safetensors")


@pytest.mark.parametrize("prefix", ["module.", "state_dict.", "model.module."])
def test_what_stands_before_the_names_is_found(prefix, tmp_path):
    done = import_file(named(tmp_path, lambda arrays: {prefix + name: array for name, array in arrays.items()}))
    np.testing.assert_array_equal(done.network.backbone.conv1.bias.data, squeezenet_arrays()["features.0.bias"])


def test_two_networks_in_one_file_are_not_mixed_up(tmp_path):
    def change(arrays):
        return {f"model.{name}": array for name, array in arrays.items()} | {
            f"ema.{name}": 2 * array for name, array in arrays.items()
        }

    path = named(tmp_path, change)
    with pytest.raises(
        WeightsError,
        match=r"holds several networks, under '(ema|model)\.' and '(ema|model)\.'; say which with --prefix",
    ):
        import_file(path)
    done = import_file(path, prefix="ema.", ignore=["model.*"])
    np.testing.assert_array_equal(done.network.backbone.conv1.bias.data, 2 * squeezenet_arrays()["features.0.bias"])
    assert set(done.left.values()) == {"as --ignore says"} and len(done.left) == 52


def test_leftovers_are_refused_unless_told(tmp_path):
    def change(arrays):
        arrays["optimizer.momentum"] = arrays["extra"] = np.ones(2, np.float32)

    path = named(tmp_path, change)
    with pytest.raises(
        WeightsError,
        match=r"also holds extra, optimizer\.momentum, for which torchvision's squeezenet has no place; where that may be left out: --ignore 'extra' 'optimizer\.momentum'$",
    ):
        import_file(path)
    with pytest.raises(WeightsError, match=r"also holds extra, for which"):
        import_file(path, ignore=["optimizer.*"])
    assert list(import_file(path, ignore=["optimizer.*", "extra"]).left) == ["extra", "optimizer.momentum"]


def test_the_advice_about_leftovers_can_be_followed(tmp_path):
    """A checkpoint of a training holds an optimiser's arrays, two for each of the network's: one pattern stands for them all."""

    def change(arrays):
        for name in list(arrays):
            arrays[f"optimizer.{name}.exp_avg"] = arrays[f"optimizer.{name}.step"] = np.ones(2, np.float32)
        arrays["best"] = np.ones(1, np.float32)

    path = named(tmp_path, change)
    with pytest.raises(WeightsError, match=r" and \d+ more, for which .*: --ignore .*'optimizer\.\*'") as caught:
        import_file(path)
    patterns = re.findall("'([^']+)'", str(caught.value).partition("--ignore ")[2])
    assert sorted(patterns) == ["best", "optimizer.*"]
    assert len(import_file(path, ignore=patterns).left) == 105


def drop(*names):
    return lambda arrays: [arrays.pop(name) for name in names] and None


def rename(old, new):
    return lambda arrays: {new if name == old else name: array for name, array in arrays.items()}


def put(name, value):
    return lambda arrays: arrays.update({name: value})


def poisoned(arrays):
    arrays["features.4.squeeze.weight"][3, 2] = np.nan
    arrays["features.4.squeeze.weight"][1, 1] = np.inf


FAULTS = {
    "one is missing": (drop("features.0.bias"), r"there is no bias of backbone\.conv1$"),
    "a layer is missing": (drop("features.3.squeeze.weight", "features.3.squeeze.bias"), r"not the whole of torchvision's squeezenet: there is no features\.3\.squeeze$"),
    "one is renamed": (rename("features.0.weight", "features.0.wheight"), r"there is no weight of backbone\.conv1$"),
    "another shape": (put("features.0.weight", np.ones((64, 3, 7, 7), np.float32)), r"features\.0\.weight is 64x3x7x7, which does not fit backbone\.conv1\.weight, 64x3x3x3, of torchvision's squeezenet"),
    "turned round": (put("features.3.squeeze.weight", np.ones((64, 16, 1, 1), np.float32)), "features.3.squeeze.weight is 64x16x1x1, which does not fit"),
    "numbers that are none": (poisoned, r"features\.4\.squeeze\.weight holds NaN or infinity \(2 of 2,048 numbers\), with which nothing can be predicted"),
    "whole numbers": (put("features.0.bias", np.ones(64, np.int32)), r"features\.0\.bias holds int32 numbers; expected one of float16, bfloat16, float32, float64"),
    "no classes": (put("classifier.1.weight", np.float32(1)), r"classifier has the shape a number, which is no number of classes"),
    "too large for float32": (put("features.0.bias", np.full(64, 1e300)), r"features\.0\.bias holds numbers that are too large for float32 \(64 of 64\)"),
    "other names": (lambda arrays: {f"layer{place}": array for place, array in enumerate(arrays.values())}, r"holds layer0, layer1, layer10 …, which are not the names of a network that is known here; known are vgg16, alexnet, squeezenet, googlenet, fcn32s, fcn16s, fcn8s, fcn8s-atonce as torchvision, timm, Caffe, Keras, the authors write them"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_does_not_fit_is_said_in_one_sentence(fault, tmp_path):
    change, words = FAULTS[fault]
    path = named(tmp_path, change)
    with pytest.raises(WeightsError, match=words) as error:
        import_file(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


def test_a_name_of_a_network_that_there_is_not(tmp_path):
    path = named(tmp_path)
    with pytest.raises(WeightsError, match=r"--as squezenet: no network of that name: did you mean squeezenet\?"):
        import_file(path, "squezenet")
    with pytest.raises(WeightsError, match=r"which are not the names of vgg16; known are vgg16"):
        import_file(path, "vgg16")
    assert import_file(path, "squeezenet").network.name == "squeezenet"


def test_flipped_colours_score_the_same(tmp_path):
    path = named(tmp_path)
    straight, turned = import_file(path).network, import_file(path, flip=True)
    assert straight.preprocessing.channels == "rgb" and turned.network.preprocessing.channels == "bgr"
    assert turned.network.preprocessing.mean == straight.preprocessing.mean[::-1] == (103.53, 116.28, 123.675)
    assert str(turned.moves[0]).endswith("copied, flipped")
    picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    with mf.no_grad():
        one, two = (network(network.preprocessing(picture)).data for network in (straight, turned.network))
    np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-5 * np.abs(one).max())


def test_each_colour_has_its_own_scale():
    pixel = np.array([[[200, 100, 50]]], np.uint8)
    found = import_preprocessing()(pixel).ravel()
    expected = [
        (200 / 255 - 0.485) / 0.229,
        (100 / 255 - 0.456) / 0.224,
        (50 / 255 - 0.406) / 0.225,
    ]  # as torchvision writes it
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def import_preprocessing():
    return next(table for table in TABLES if table.who == "torchvision").preprocessing


def test_what_the_file_of_a_classifier_says(tmp_path):
    source = named(tmp_path, name="theirs.safetensors")
    done = import_file(source)
    save_classifier(done.network, tmp_path / "ours.safetensors")
    header = load_arrays(tmp_path / "ours.safetensors")[1]
    assert header["classifier"] == {"backbone": "squeezenet", "num_classes": 1000, "width": None}
    assert header["preprocessing"] == {
        "channels": "rgb",
        "mean": [123.675, 116.28, 103.53],
        "scale": [1 / 58.395, 1 / 57.12, 1 / 57.375],
    }
    import hashlib

    digits = hashlib.sha256(source.read_bytes()).hexdigest()
    assert header["notes"]["source"] == f"theirs.safetensors, safetensors, SHA-256 {digits}" and done.sha256 == digits
    assert header["notes"]["trunk"].startswith("began from SqueezeNet v1.1")
    again = load_pretrained(tmp_path / "ours.safetensors")
    assert (
        again.preprocessing == done.network.preprocessing and again.notes == done.network.notes and not again.training
    )
    for name, array in done.network.state_dict().items():
        np.testing.assert_array_equal(again.state_dict()[name], array)


def test_a_classifier_is_no_model_and_a_model_no_classifier(tmp_path):
    save_classifier(import_file(named(tmp_path)).network, tmp_path / "c.safetensors")
    mf.models.save(FCN("tiny", 32, 2, width=2), tmp_path / "f.safetensors")
    with pytest.raises(
        WeightsError,
        match=r"c\.safetensors: a classifier, which names what a whole picture shows; an FCN starts from it with minifcn train --trunk",
    ):
        load(tmp_path / "c.safetensors")
    with pytest.raises(
        WeightsError,
        match=r"c\.safetensors: a classifier, and not a network that scores every pixel; start from it with --trunk",
    ):
        load_start(tmp_path / "c.safetensors")
    with pytest.raises(WeightsError, match=r"f\.safetensors: a network that scores every pixel, and not a classifier"):
        load_pretrained(tmp_path / "f.safetensors")
    with pytest.raises(WeightsError, match=r"f\.safetensors: a safetensors file, but no classifier of minifcn's"):
        load_classifier(tmp_path / "f.safetensors")
    with pytest.raises(WeightsError, match=r"f\.safetensors: a file of minifcn's own, which needs no import"):
        import_file(tmp_path / "f.safetensors")


def test_where_a_model_is_wanted_their_file_is_sent_to_import(tmp_path):
    (tmp_path / "v.pth").write_bytes(b"\x80\x02}.")
    with pytest.raises(
        WeightsError, match=r"v\.pth: another program's file; make a model of it: minifcn weights import .*v\.pth$"
    ):
        load(tmp_path / "v.pth")
    with pytest.raises(WeightsError, match=r"none\.pth: no such file"):
        load(tmp_path / "none.pth")
    with pytest.raises(
        WeightsError,
        match=r"m\.safetensors: a safetensors file, but not a minifcn model .*; of another program's weights minifcn weights import makes one",
    ):
        load(named(tmp_path))


HEADERS = {
    "another network": lambda h: h["classifier"].update(backbone="resnet"),
    "no preprocessing": lambda h: h.pop("preprocessing"),
    "a scale of 0": lambda h: h["preprocessing"].update(scale=[1.0, 0.0, 1.0]),
    "four scales": lambda h: h["preprocessing"].update(scale=[1.0, 1.0, 1.0, 1.0]),
    "no classes": lambda h: h["classifier"].update(num_classes=7),
}


@pytest.mark.parametrize("change", HEADERS)
def test_a_classifier_s_file_that_is_not_whole(change, tmp_path):
    save_classifier(import_file(named(tmp_path)).network, tmp_path / "c.safetensors")
    arrays, header = load_arrays(tmp_path / "c.safetensors")
    header = json.loads(json.dumps(header))
    HEADERS[change](header)
    save_arrays(tmp_path / "c.safetensors", arrays, header)
    with pytest.raises(WeightsError, match=r"c\.safetensors: "):
        load_pretrained(tmp_path / "c.safetensors")


def test_an_fcn_grows_from_an_imported_classifier(tmp_path):
    network = import_file(named(tmp_path)).network
    model = FCN("squeezenet-fc", 8, 7)
    report = transplant(network, model)
    assert len(report.copied) == 50
    np.testing.assert_array_equal(
        model.backbone.fire5.expand3x3.weight.data, squeezenet_arrays()["features.7.expand3x3.weight"]
    )


def test_preprocessing_can_be_said_by_hand(tmp_path):
    given = Preprocessing("bgr", (1.0, 2.0, 3.0), 0.5)
    assert import_file(named(tmp_path), preprocessing=given).network.preprocessing == given


def test_names_that_a_terminal_would_obey_are_refused(tmp_path):
    """A name with a line end or an escape in it, in whatever is said: one sentence, and no control characters."""
    path = named(tmp_path, put("\x1b[31mred\nline", np.ones(1, np.float32)))
    with pytest.raises(WeightsError, match=r"holds an array whose name is none, '\\x1b\[31mred\\nline'") as error:
        import_file(path)
    assert str(error.value).isprintable()


def test_a_name_from_pytorch_s_hub_that_the_checksum_does_not_bear_out_is_noted(tmp_path):
    path = named(tmp_path, name="squeezenet1_1-b8a52dc0.pth")
    done = import_file(path)
    assert done.lines()[-1].startswith("note: its name says that its SHA-256 begins with b8a52dc0, and it begins with ")


def test_timm_s_vgg16_and_vgg16_with_batch_norm_are_the_same_network():
    """Names and places alone, since the arrays are half a GB: those of torchvision's and timm's own source."""
    by_title = {}
    for table in TABLES:
        by_title.setdefault(table.title, []).append(table)
    plain, norm = by_title["torchvision's vgg16"]
    assert list(plain.layers)[:13] == [f"features.{n}" for n in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)]
    assert list(norm.layers)[:13] == [f"features.{n}" for n in (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40)]
    assert list(norm.norms.values()) == [f"features.{n + 1}" for n in (0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40)]
    timm = by_title["timm's vgg16"][0]
    assert list(timm.layers)[13:] == ["pre_logits.fc1", "pre_logits.fc2", "head.fc"]
    assert list(plain.layers.values()) == list(norm.layers.values()) == list(timm.layers.values())


def test_leftovers_are_refused_before_half_a_gb_is_copied(tmp_path, monkeypatch):
    from minifcn.pretrained import importing

    monkeypatch.setattr(importing, "fill", lambda *arguments: pytest.fail("the network was filled first"))
    with pytest.raises(WeightsError, match="also holds extra"):
        import_file(named(tmp_path, put("extra", np.ones(1, np.float32))))


def test_a_name_with_brackets_can_be_ignored(tmp_path):
    path = named(tmp_path, put("a[0]", np.ones(1, np.float32)))
    assert list(import_file(path, ignore=["a[0]"]).left) == ["a[0]"]


@needs_torch
@pytest.mark.slow
@pytest.mark.parametrize("who", ["torchvision", "timm"])
def test_vgg16_with_batch_norm(who, tmp_path):
    network = in_torch.random_twin("vgg16", norm=True)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.3, 2.0)
    state = network.state_dict()
    if who == "timm":
        names = {
            "classifier.0": ("pre_logits.fc1", 7),
            "classifier.3": ("pre_logits.fc2", 1),
            "classifier.6": ("head.fc", None),
        }
        for old, (new, side) in names.items():
            weight = state.pop(f"{old}.weight")
            state[f"{new}.weight"] = weight if side is None else weight.reshape(4096, -1, side, side)
            state[f"{new}.bias"] = state.pop(f"{old}.bias")
    torch.save(state, tmp_path / "v.pth")
    done = import_file(tmp_path / "v.pth")
    x = in_torch.pictures(224)
    with torch.no_grad():
        expected = network(torch.from_numpy(x)).numpy()
    with mf.no_grad():
        np.testing.assert_allclose(done.network(x).data.reshape(1, -1), expected, atol=1e-4 * np.abs(expected).max())


def test_every_table_fills_its_network_once():
    """Each layer of ours comes from one of theirs, and none is forgotten: held against the networks themselves."""
    from minifcn.models import build
    from minifcn.nn.initialisers import undrawn

    for table in TABLES:
        backbone, _, arch = table.network.partition(" ")
        with undrawn():
            network = build(arch, backbone, 21, padding="paper") if arch else HeatMap(backbone)
        layers = {name.rpartition(".")[0] for name, _ in network.named_parameters()}
        assert set(table.layers.values()) == layers and len(set(table.layers.values())) == len(table.layers), (
            table.title
        )


@pytest.mark.parametrize("name, expected", [
    ("conv1_1/W", ("conv1_1", "weight")), ("conv1_b", ("conv1", "bias")), ("loss3/classifier_w_0", ("loss3_classifier", "weight")),
    ("fc6.1", ("fc6", "bias")), ("a.running_var", ("a", "variance")), ("vgg0_conv0_weight", ("vgg0_conv0", "weight")), ("W", ("W", "")),
    ("lr", ("lr", "")),
])  # fmt: skip
def test_how_names_are_spelled(name, expected):
    assert spelled(name) == expected
