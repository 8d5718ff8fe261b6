"""A model in one file: built again with weights, class names and preprocessing; refused where anything is amiss."""

import json
import os

import numpy as np
import pytest

import minifcn as mf
from minifcn.models import FCN, Backbone, Preprocessing, load, save
from minifcn.models.saving import model_header
from minifcn.weights import WeightsError, load_arrays, save_arrays

PICTURE = np.random.default_rng(1).standard_normal((1, 3, 29, 34)).astype(np.float32)


def model(seed=0, **options):
    mf.manual_seed(seed)
    made = FCN("tiny", **dict(dict(stride=8, num_classes=3, width=2), **options))
    rng = np.random.default_rng(seed)
    for parameter in made.parameters():
        parameter.data[...] += 0.1 * rng.standard_normal(parameter.shape).astype(np.float32)
    return made


@pytest.mark.parametrize(
    "options",
    [
        dict(),
        dict(stride=32, padding="paper"),
        dict(stride=4, num_classes=1),
        dict(at_once=True, learn_upsampling=True),
        dict(class_names=["sky", "sea", "Küste"], preprocessing=Preprocessing("bgr", (1.0, 2.5, 3.0), 0.25)),
        dict(classes={"values": [0, 7, 9], "others": "void"}),
    ],
)
def test_round_trip(tmp_path, options):
    made = model(**options)
    save(made, tmp_path / "m.safetensors")
    mf.manual_seed(99)
    again = load(tmp_path / "m.safetensors")
    assert again.architecture == made.architecture
    assert (again.class_names, again.preprocessing, again.classes) == (
        made.class_names,
        made.preprocessing,
        made.classes,
    )
    before, after = made.state_dict(), again.state_dict()
    assert list(before) == list(after)
    assert all(np.array_equal(before[name], after[name]) and before[name].dtype == after[name].dtype for name in before)
    assert [p.requires_grad for p in again.parameters()] == [p.requires_grad for p in made.parameters()]
    np.testing.assert_array_equal(again(PICTURE).data, made(PICTURE).data)


def test_a_loaded_model_is_in_eval_mode(tmp_path):
    made = model()
    made.backbone.drop6.p = made.backbone.drop7.p = 0.5
    assert made.training
    save(made, tmp_path / "m")
    assert made.training  # saving changes nothing
    again = load(str(tmp_path / "m"))
    assert not any(module.training for module in again.modules())


@pytest.mark.parametrize("value", [np.nan, -np.inf])
@pytest.mark.parametrize("half", [False, True])
def test_what_load_would_refuse_takes_no_earlier_model_s_place(value, half, tmp_path):
    save(model(), tmp_path / "m")
    before = (tmp_path / "m").read_bytes()
    wrong = model()
    next(iter(wrong.parameters())).data.flat[3] = value
    with pytest.raises(WeightsError, match=r"^save: \S+ holds NaN or infinity \(1 of \d+ numbers\)"):
        save(wrong, tmp_path / "m", half=half)
    assert (tmp_path / "m").read_bytes() == before


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        save(model(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert model_header(model())["format"] == 1


def test_training_goes_on_from_a_loaded_model(tmp_path):
    save(model(), tmp_path / "m")
    again = load(tmp_path / "m").train()
    labels = np.zeros((1, 29, 34), int)
    mf.ops.softmax_cross_entropy(again(PICTURE), labels).backward()
    before = again.score_fr.weight.data.copy()
    mf.optim.SGD(again.parameters(), lr=0.1).step()
    assert not np.array_equal(before, again.score_fr.weight.data)


def test_sizes_given_as_numpy_integers_can_be_saved(tmp_path):
    """`num_classes=labels.max() + 1` is a natural thing to write, and training ends with save."""
    save(model(num_classes=np.int64(3), width=np.int32(2)), tmp_path / "m")
    assert load(tmp_path / "m").architecture["num_classes"] == 3


def test_a_mean_worked_out_with_numpy_can_be_saved(tmp_path):
    mean = np.full((4, 3), 7.5, np.float32).mean(0)
    save(model(preprocessing=Preprocessing("rgb", tuple(mean), np.float32(0.5))), tmp_path / "m")
    assert load(tmp_path / "m").preprocessing == Preprocessing("rgb", (7.5, 7.5, 7.5), 0.5)


def test_a_float64_model_predicts_the_same_after_loading(tmp_path):
    made = model().astype(np.float64)
    save(made, tmp_path / "m")
    x = PICTURE.astype(np.float64)
    np.testing.assert_array_equal(load(tmp_path / "m")(x).data, made(x).data)


def test_a_backbone_of_ones_own_cannot_be_saved(tmp_path):
    own = FCN(Backbone({"pool": mf.nn.MaxPool2d(2, ceil_mode=True)}, {2: "pool"}, {"pool": 3}), 2, 2)
    with pytest.raises(
        WeightsError, match="save: this model was built on a backbone of your own; only named backbones"
    ):
        save(own, tmp_path / "m")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_killed_save_leaves_the_old_model(tmp_path, monkeypatch, step):
    path = tmp_path / "best.safetensors"
    save(model(), path)
    expected = load(path)(PICTURE).data

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, step, killed)
    with pytest.raises(KeyboardInterrupt):
        save(model(seed=5), path)
    monkeypatch.undo()
    np.testing.assert_array_equal(load(path)(PICTURE).data, expected)
    assert [found.name for found in tmp_path.glob("*.safetensors")] == ["best.safetensors"]


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        load(tmp_path / "none")
    (tmp_path / "m").write_bytes(b"nothing of use")
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        load(tmp_path / "m")


def test_a_safetensors_file_from_elsewhere(tmp_path):
    save_arrays(tmp_path / "f", {"features.0.weight": np.zeros((2, 3, 3, 3), np.float32)})
    with pytest.raises(WeightsError, match=r"a safetensors file, but not a minifcn model \(format None, expected 1\)"):
        load(tmp_path / "f")
    save_arrays(tmp_path / "f", {"x": np.zeros(1)}, model_header(model()) | {"format": 2})
    with pytest.raises(WeightsError, match=r"not a minifcn model \(format 2, expected 1\)"):
        load(tmp_path / "f")


HEADERS = {
    "a list": lambda h: [1, 2],
    "no names": lambda h: {k: v for k, v in h.items() if k != "class_names"},
    "no preprocessing": lambda h: {k: v for k, v in h.items() if k != "preprocessing"},
    "a backbone of the future": lambda h: h | {"architecture": h["architecture"] | {"backbone": "resnet"}},
    "an option of the future": lambda h: h | {"architecture": h["architecture"] | {"attention": True}},
    "an architecture that is none": lambda h: h | {"architecture": 3},
    "too few names": lambda h: h | {"class_names": ["one"]},
}


@pytest.mark.parametrize("change", HEADERS)
def test_a_header_that_does_not_fit_is_a_weights_error_with_the_name_of_the_file(tmp_path, change):
    """`load` raises WeightsError, so that a command can say it in a line; anything else would be a traceback."""
    made, path = model(), tmp_path / "odd.safetensors"
    save_arrays(path, made.state_dict(), HEADERS[change](model_header(made)))
    with pytest.raises(WeightsError, match=r"odd\.safetensors"):
        load(path)


CANNOT_PREDICT = {
    "NaN": (lambda s, h: s["score_fr.bias"].fill(np.nan), r"score_fr\.bias holds NaN or infinity \(3 of 3 numbers\)"),
    "inf": (lambda s, h: s["backbone.conv1_1.weight"].put(5, np.inf), r"conv1_1\.weight holds NaN or infinity \(1 of"),
    "integers": (lambda s, h: s.update({"score_fr.bias": np.ones(3, np.int32)}), r"score_fr\.bias holds int32 numbers"),
    "booleans": (lambda s, h: s.update({"score_fr.bias": np.ones(3, bool)}), r"score_fr\.bias holds bool numbers"),
    "scale 0": (lambda s, h: h["preprocessing"].update(scale=0), "scale is 0; expected a finite number above 0"),
    "scale NaN": (lambda s, h: h["preprocessing"].update(scale=float("nan")), "scale is nan"),
    "scale text": (lambda s, h: h["preprocessing"].update(scale="1"), "scale is '1'"),
    "two means": (lambda s, h: h["preprocessing"].update(mean=[1.0, 2.0]), r"mean is \[1\.0, 2\.0\]; expected three finite"),
    "a mean of NaN": (lambda s, h: h["preprocessing"].update(mean=[1.0, 2.0, float("inf")]), "mean is"),
    "channels": (lambda s, h: h["preprocessing"].update(channels="hsv"), "channels is 'hsv'; expected rgb or bgr"),
    "names": (lambda s, h: h.update(classes={"names": ["a", "b", "x"]}), "class_names are a, b, c, but classes names a, b, x"),
    "values": (lambda s, h: h.update(classes={"values": [0, 1]}), r"label values \[0, 1\] for 3 classes"),
    "values twice": (lambda s, h: h.update(classes={"values": [0, 1, 1]}), r"label values \[0, 1, 1\] for 3 classes"),
    "void": (lambda s, h: h.update(classes={"values": [0, 1, 255]}), "expected one each, 0 to 254"),
    "a name twice": (lambda s, h: h.update(class_names=["a", "b", "a"]), "class_names has 'a' twice"),
    "a number as name": (lambda s, h: h.update(class_names=["a", "b", 3]), "expected a list of texts"),
    "size": (lambda s, h: h.update(picture_size=-1), "picture_size is -1; expected a number of pixels above 0, or none"),
}  # fmt: skip


@pytest.mark.parametrize("fault", CANNOT_PREDICT)
def test_a_model_that_cannot_predict_is_refused_by_name(tmp_path, fault):
    made = model(class_names=["a", "b", "c"])
    state, header = made.state_dict(), json.loads(json.dumps(model_header(made)))
    change, words = CANNOT_PREDICT[fault]
    change(state, header)
    save_arrays(tmp_path / "bad.safetensors", state, header)
    with pytest.raises(WeightsError, match=rf"bad\.safetensors: this model cannot predict: .*{words}"):
        load(tmp_path / "bad.safetensors")


ARRAYS = {
    "one is missing": lambda s: {k: v for k, v in s.items() if k != "score_fr.bias"},
    "one too many": lambda s: s | {"extra": np.zeros(1, np.float32)},
    "another shape": lambda s: s | {"score_fr.bias": np.zeros(4, np.float32)},
}


@pytest.mark.parametrize("change", ARRAYS)
def test_arrays_that_do_not_fit_are_a_weights_error_with_the_name_of_the_file(tmp_path, change):
    made, path = model(), tmp_path / "odd.safetensors"
    save_arrays(path, ARRAYS[change](made.state_dict()), model_header(made))
    with pytest.raises(WeightsError, match=r"odd\.safetensors"):
        load(path)


def test_the_header_says_what_the_model_is(tmp_path):
    save(model(class_names=["a", "b", "c"]), tmp_path / "m")
    header = load_arrays(tmp_path / "m")[1]
    assert header["architecture"] == dict(
        backbone="tiny",
        stride=8,
        num_classes=3,
        padding="same",
        width=2,
        in_channels=3,
        at_once=False,
        learn_upsampling=False,
        fusion="sum",
    )
    assert header["class_names"] == ["a", "b", "c"]
    assert header["preprocessing"] == {"channels": "rgb", "mean": [122.68, 116.67, 104.01], "scale": 1 / 64}


UNFIT = {
    "names of another count": (dict(class_names=("a",)), "class_names has 1 names for 3 classes; expected one a class"),
    "names in one word": (dict(class_names="abc"), "class_names is 'abc'; expected a list of texts"),
    "numbers for names": (dict(class_names=[1, 2, 3]), r"class_names is \[1, 2, 3\]; expected a list of texts"),
    "a name twice": (dict(class_names=("a", "b", "a")), "class_names has 'a' twice"),
    "no preprocessing": (dict(preprocessing=None), "model.preprocessing is None; expected a Preprocessing"),
    "a mean of two": (
        dict(preprocessing=Preprocessing(mean=(1, 2))),
        r"preprocessing: mean is \[1, 2\]; expected three",
    ),
    "half a pixel": (dict(picture_size=64.5), "picture_size is 64.5; expected a number of pixels above 0"),
    "no bits": (dict(picture_bits=0), "picture_bits is 0; expected 8 to 16"),
    "other classes": (dict(classes={"names": ["x", "y", "z"]}), "class_names are a, b, c, but classes names x, y, z"),
}


@pytest.mark.parametrize("case", UNFIT.values(), ids=UNFIT)
def test_what_load_would_refuse_is_not_written(case, tmp_path):
    """It was, and whoever closed Python after that had lost the network."""
    changes, message = case
    model = FCN("tiny", 32, 3, width=1, class_names=("a", "b", "c"))
    for name, value in changes.items():
        setattr(model, name, value)
    with pytest.raises(WeightsError, match=f"save: {message}"):
        save(model, tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


def test_numpys_numbers_and_arrays_are_kept_as_pythons(tmp_path):
    model = FCN("tiny", 32, 3, width=1)
    model.class_names, model.picture_size = np.array(["a", "b", "c"]), np.int64(64)
    model.preprocessing = Preprocessing("rgb", np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.25, 0.125]))
    save(model, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    assert (again.class_names, again.picture_size) == (("a", "b", "c"), 64)
    picture = np.full((2, 2, 3), 9, np.uint8)
    np.testing.assert_array_equal(again.preprocessing(picture), model.preprocessing(picture))
    np.testing.assert_array_equal(again.preprocessing(picture)[0, :, 0, 0], [4, 7 / 4, 6 / 8])
