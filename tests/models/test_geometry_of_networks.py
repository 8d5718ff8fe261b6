"""Geometry of whole networks against what the networks do: shapes of real runs, gradients, and runs that fail."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import kernels, nn, ops
from minifcn.models import FCN, Classifier, HeatMap, LateFusion, MultiHead, geometry
from minifcn.models.geometry import Field
from minifcn.models.trunks.backbones import vgg
from minifcn.nn.initialisers import undrawn

from .nets import PADDINGS, STRIDES, network, picture, vgg16


def captured(model, x, monkeypatch):
    """{layer name: output} of the model's own forward, seen by wrapping the forward of every layer."""
    made = {}
    named = [*model.backbone.named_layers()]
    named += [(name, part) for name, part in model.named_children() if name != "backbone"]
    for name, layer in named:

        def forward(*inputs, name=name, run=layer.forward):
            made[name] = run(*inputs)
            return made[name]

        monkeypatch.setattr(layer, "forward", forward)
    with mf.no_grad():
        made["score"] = model(x)
    monkeypatch.undo()
    return {name: y.data for name, y in made.items()}


@pytest.mark.parametrize("size", [(1, 1), (33, 64), (47, 31)])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(
    "backbone, stride", [("tiny", 32), ("tiny", 8), ("tiny", 4), ("squeezenet", 4), ("googlenet", 16)]
)
def test_sizes_and_maps_are_those_of_a_real_run(monkeypatch, backbone, stride, padding, size):
    model = network(stride, 2, padding=padding, at_once=stride == 8)
    if backbone != "tiny":
        model = FCN(backbone, stride, 2, padding=padding).eval()
    x = picture(1, 3, *size)
    made = captured(model, x, monkeypatch)
    sizes = geometry.sizes(model, size)
    with mf.no_grad():
        maps = geometry.run_all(model, x)
    assert set(maps) == set(sizes) >= set(made)
    assert {name for name in set(sizes) - set(made) if "." not in name} == {
        f"fuse_{skip.source}" for skip in model.skips
    }
    for name, y in maps.items():
        assert y.shape[2:] == sizes[name], name
    for name, y in made.items():
        np.testing.assert_array_equal(maps[name].data, y, err_msg=name)


def test_sizes_of_the_reference_at_500_375_333_and_224(monkeypatch):
    """Caffe's numbers: conv1, the pools, fc6, then each upsampling before and after its crop."""
    model = vgg16(monkeypatch, 8)
    names = ["conv1_1", *(f"pool{i}" for i in range(1, 6)), "fc6", "upscore_16s", "upscore_8s", "upscore"]
    for side, expected in {
        500: (698, 349, 175, 88, 44, 22, 16, 34, 70, 568),
        375: (573, 287, 144, 72, 36, 18, 12, 26, 54, 440),
        333: (531, 266, 133, 67, 34, 17, 11, 24, 50, 408),
        224: (422, 211, 106, 53, 27, 14, 8, 18, 38, 312),
    }.items():
        sizes = geometry.sizes(model, (side, 1))
        assert tuple(sizes[name][0] for name in names) == expected
        assert sizes["score"] == (side, 1)


def test_fields_of_every_map_of_vgg16_fcn_8s(monkeypatch):
    """By hand. Twice as large, a cell is made of 2 coarse ones in a row; of 2 of those, 3; the last upsampling adds no more."""
    fields = geometry.fields(vgg16(monkeypatch, 8))
    expected = {
        "pool3": (44, 8), "pool4": (100, 16), "pool5": (212, 32), "fc6": (404, 32), "drop7": (404, 32), "score_fr": (404, 32),
        "upscore_16s": (404 + 32, 16), "score_pool4": (100, 16), "fuse_pool4": (436, 16), "upscore_8s": (404 + 64, 8),
        "score_pool3": (44, 8), "fuse_pool3": (468, 8), "upscore": (468, 1), "score": (468, 1),
    }  # fmt: skip
    assert {name: (fields[name].size, fields[name].stride) for name in expected} == expected
    assert fields["score"].centre == 0 and fields["upscore"].centre == -31
    assert (
        fields["fuse_pool4"].centre == 12.5 - 1.5 * 16
    )  # upscore_16s, which is not cropped: fc6 less half a kernel of cells


def test_field_of_takes_any_name_and_follows_only_what_it_needs():
    model = FCN("tiny", 4, 2, width=1, padding="paper")
    for name, field in geometry.fields(model).items():
        assert geometry.field_of(model, name) == field
    assert geometry.field_of(model.backbone, "pool3") == geometry.field_of(model, "pool3")
    layers = {"fine": nn.Conv2d(1, 1, 3, 2), "strange": nn.Conv2d(1, 1, (3, 1))}
    assert geometry.field_of(layers, "fine") == Field().window(3, 2)


class Ways(nn.Module):
    """As Fire and Inception name their parts: a stem, then ways side by side."""

    stem, ways = ("squeeze",), (("narrow",), ("pool", "wide"))

    def __init__(self):
        self.squeeze, self.narrow, self.wide = (
            nn.Conv2d(3, 2, 1),
            nn.Conv2d(2, 2, 3, padding=1),
            nn.Conv2d(2, 2, 5, padding=2),
        )
        self.pool = nn.MaxPool2d(3, 1, 1)
        self.window = nn.Conv2d(1, 1, 7, padding=3).window

    def forward(self, x):
        x = ops.relu(self.squeeze(x))
        return ops.concat([ops.relu(self.narrow(x)), ops.relu(self.wide(self.pool(x)))], 1)


def test_parts_of_parts_have_names_with_dots():
    layers = [nn.Conv2d(1, 3, 3, 2), nn.Sequential(nn.ReLU(), Ways(), nn.Sequential(nn.MaxPool2d(2)), nn.Sequential())]
    assert list(geometry.sizes(layers, (21, 22))) == [
        "0", "1.0", "1.1.squeeze", "1.1.relu_squeeze", "1.1.narrow", "1.1.relu_narrow", "1.1.pool", "1.1.wide", "1.1.relu_wide", "1.1",
        "1.2.0", "1.2", "1.3", "1",
    ]  # fmt: skip
    fields = geometry.fields(nn.Sequential(*layers))
    sizes = {
        name: fields[name].size
        for name in ("1.1.relu_squeeze", "1.1.narrow", "1.1.pool", "1.1.wide", "1.1", "1.2", "1")
    }
    assert sizes == {
        "1.1.relu_squeeze": 3,
        "1.1.narrow": 7,
        "1.1.pool": 7,
        "1.1.wide": 15,
        "1.1": 15,
        "1.2": 17,
        "1": 17,
    }
    x = picture(1, 1, 21, 22)
    maps = geometry.run_all(layers, x)
    np.testing.assert_array_equal(maps["1"].data, layers[1](layers[0](x)).data)
    wide = ops.concat([maps["1.1.relu_narrow"], maps["1.1.relu_wide"]], 1)
    np.testing.assert_array_equal(wide.data, maps["1.1"].data)


def test_several_heads_on_one_trunk():
    both = MultiHead("tiny", 8, {"semantic": 2, "geometric": 3}, width=1)
    alone = FCN("tiny", 8, 3, width=1)
    sizes = geometry.sizes(both, (37, 70))
    for name in ("upscore_16s", "fuse_pool3", "score"):
        assert geometry.field_of(both, f"heads.geometric.{name}") == geometry.field_of(alone, name)
        assert sizes[f"heads.semantic.{name}"] == geometry.sizes(alone, (37, 70))[name]
    x = picture(1, 3, 37, 70)
    np.testing.assert_array_equal(geometry.run_to(both, "heads.semantic.score", x).data, both(x)["semantic"].data)
    fused = LateFusion(alone, FCN("tiny", 8, 3, width=1))
    with pytest.raises(ValueError, match=r"geometry: cannot follow LateFusion; .* give one: model.first"):
        geometry.fields(fused)


def test_a_classifier_that_slides_and_one_that_does_not():
    sliding = HeatMap("tiny", 5, width=1).eval()
    x = picture(1, 3, 260, 300)
    assert geometry.sizes(sliding, (260, 300))["classifier"] == sliding(x).shape[2:]
    np.testing.assert_array_equal(geometry.run_to(sliding, "classifier", x).data, sliding(x).data)
    with pytest.raises(ValueError, match=r"geometry: fc6 is fully connected: .* make the network convolutional first"):
        geometry.sizes(Classifier("tiny", 5, width=1), (224, 224))


def test_a_join_by_the_larger_score():
    model = network(16, 2)
    model.fusion = "max"
    maps = geometry.run_all(model, picture(1, 3, 64, 96))
    expected = np.maximum(maps["upscore_16s"].data, maps["score_pool4"].data)
    np.testing.assert_array_equal(maps["fuse_pool4"].data, expected)


def open_up(model):
    """Positive weights and average pools: what a cell can see, it does see."""
    for name, parameter in model.named_parameters():
        if "upscore" not in name:
            parameter.data[...] = 0 if name.endswith("bias") else 1 / parameter[0].size
    for name in model.backbone.order if hasattr(model, "backbone") else ():
        if name.startswith("pool"):
            options = {k: v for k, v in getattr(model.backbone, name).options.items() if k != "dilation"}
            setattr(model.backbone, name, nn.AvgPool2d(**options))
    return model.astype(np.float64)


def seen_by_gradient(model, name, size, channels, cell):
    x = mf.Tensor(np.ones((1, channels, *size)), requires_grad=True)
    y = geometry.run_to(model, name, x)
    grad = np.zeros(y.shape)
    grad[0, :, cell[0], cell[1]] = 1
    y.backward(grad)
    return np.zeros(size, bool) if x.grad is None else x.grad[0].any(0)


def box(rows, columns, size):
    mask = np.zeros(size, bool)
    mask[rows.start : rows.stop, columns.start : columns.stop] = True
    return mask


ODD = {
    "floor, then padding": [nn.Conv2d(1, 1, 3, 2), nn.Conv2d(1, 1, 5, padding=3), nn.AvgPool2d(2, 2, ceil_mode=True)],
    "not square": [nn.Conv2d(1, 1, (3, 2), (1, 2), (2, 0)), nn.AvgPool2d((1, 3), (2, 1)), nn.Conv2d(1, 1, (2, 1))],
    "up and down": [nn.Conv2d(1, 1, 3, 3), nn.ConvTranspose2d(1, 1, 5, 2, 1, 1), nn.Conv2d(1, 1, 2, padding="same")],
    "nested": [nn.Sequential(nn.Conv2d(1, 1, 2, 2), nn.ReLU()), nn.ConvTranspose2d(1, 1, 3, 3)],
}


@pytest.mark.parametrize("layers", ODD.values(), ids=ODD)
def test_seen_is_where_the_gradient_is_not_zero_for_every_cell(layers):
    model, size = open_up(nn.Sequential(*layers)), (11, 14)
    name = str(len(layers) - 1)
    h, w = geometry.sizes(model, size)[name]
    for y in range(h):
        for x in range(w):
            found = seen_by_gradient(model, name, size, 1, (y, x))
            np.testing.assert_array_equal(
                found, box(*geometry.seen(model, name, y, x, size), size), err_msg=f"({y}, {x})"
            )


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(
    "name", ["conv2_1", "pool3", "fc6", "score_pool4", "upscore_16s", "fuse_pool4", "upscore_8s", "upscore", "score"]
)
def test_seen_is_where_the_gradient_is_not_zero_in_an_fcn(padding, name):
    model, size = open_up(network(8, 1, padding=padding)), (70, 41)
    h, w = geometry.sizes(model, size)[name]
    for y, x in [(0, 0), (h - 1, w - 1), (h // 2, w // 2), (h // 3, 2 * w // 3)]:
        found = seen_by_gradient(model, name, size, 3, (y, x))
        np.testing.assert_array_equal(found, box(*geometry.seen(model, name, y, x, size), size), err_msg=f"({y}, {x})")


@pytest.mark.parametrize("name", ["pool3", "pool4", "score"])
def test_other_pixels_change_nothing(name):
    """Random weights and maxima, as they come; the simple kernels, for faster ones round with their neighbours."""
    model, size, rng = network(8, 2, biases=True, width=4).eval(), (450, 40), np.random.default_rng(0)
    h, w = geometry.sizes(model, size)[name]
    cell = (h // 2, w // 2)
    rows, columns = geometry.seen(model, name, *cell, size)
    inside = box(rows, columns, size)
    assert 0 < inside.sum() < inside.size
    x = picture(1, 3, *size)
    with kernels.use("simple"), mf.no_grad():
        before, outside, changed = (
            geometry.run_to(model, name, np.where(mask, x, 9 * rng.standard_normal(x.shape).astype(np.float32))).data[
                0, :, cell[0], cell[1]
            ]
            for mask in (np.ones(size, bool), inside, ~inside)
        )
    np.testing.assert_array_equal(before, outside)
    assert (before != changed).any()


def test_seen_without_a_size_goes_beyond_the_picture(monkeypatch):
    model = vgg16(monkeypatch, 32)
    rows, columns = geometry.seen(model, "fc6", 0, 3)
    assert rows == range(-189, 215) and columns == range(-189 + 96, 215 + 96)  # 12.5 ± 201.5
    assert geometry.seen(model, "fc6", 0, 3, (500, 500)) == (range(215), range(311))
    assert geometry.seen(model, "pool1", 0, 0, (500, 500)) == (range(0), range(0))  # padding alone


REFERENCE = {32: [19], 16: [5, 27], 8: [5, 9, 31]}


def test_crops_by_name(monkeypatch):
    names = ["fuse_pool4", "fuse_pool3", "score"]
    for stride, numbers in REFERENCE.items():
        wanted = [*names[: len(numbers) - 1], "score"]
        assert geometry.crops(vgg16(monkeypatch, stride)) == dict(zip(wanted, numbers, strict=True))
    assert set(geometry.crops(FCN("tiny", 4, 2, width=1)).values()) == {0}


def padded_vgg(padding, stride):
    """VGG16's windows with another padding round the picture."""
    trunk = vgg((2, 2, 3, 3, 3), (1,) * 5, 1, 0.0, "paper")
    trunk.conv1_1 = nn.Conv2d(3, 1, 3, padding=padding)
    return FCN(trunk, stride, 2, padding="paper")


@pytest.mark.parametrize("stride", REFERENCE)
def test_crops_fit_for_every_height_with_the_slack_of_the_reference(stride):
    maps = geometry.maps_of(padded_vgg(100, stride))
    fits = [geometry.crops_fit(maps, height) for height in range(1, 1301)]
    assert all(fits)
    least = {name: min(fit.slack[name] for fit in fits) for name in fits[0].slack}
    expected = {"score": REFERENCE[stride][-1], "fuse_pool4": 4, "fuse_pool3": 6}
    assert least == {name: expected[name] for name in least}


@pytest.mark.parametrize("padding, first", [(81, 33), (90, 15), (96, 3), (97, 1), (100, 1)])
def test_crops_fit_where_a_run_succeeds(padding, first):
    """With less than 97 pixels small pictures give no cell of fc6: P pixels take H + 2 P - 192 > 2."""
    model = padded_vgg(padding, 32)
    for height in (1, 2, first - 1, first, first + 1, 33):
        if height < 1:
            continue
        x = np.zeros((1, 3, height, 33), np.float32)
        try:
            with mf.no_grad():
                ran = model(x).shape[2] == height
        except ValueError:
            ran = False
        assert bool(geometry.crops_fit(model, height)) == ran == (height >= first), height


def test_a_crop_that_does_not_reach_or_is_negative_does_not_fit():
    model = padded_vgg(100, 32)
    assert geometry.crops_fit(model, 500).slack == {"score": 25}  # 544 - 19 - 500
    model.offset = 19 + 26
    assert not geometry.crops_fit(model, 500) and geometry.crops_fit(model, 500).slack == {"score": -1}
    model.offset = -1
    assert not geometry.crops_fit(model, 500)


def test_least_padding_of_vgg16_for_each_stride():
    for stride, crop in {32: 81, 16: 73, 8: 69, 4: 67}.items():
        assert geometry.least_padding(padded_vgg(100, stride)) == (97, crop)
        assert geometry.least_padding(padded_vgg(crop, stride)) == (97, crop)  # however it is padded now
        assert padded_vgg(crop, stride).offset == 0
        with pytest.raises(ValueError, match="the maps start -1 cells apart"):
            padded_vgg(crop - 1, stride)


@pytest.mark.parametrize("backbone", ["tiny", "squeezenet"])
def test_least_padding_by_running_one_pixel(backbone):
    model = FCN(backbone, 16, 2, padding="paper", width=1 if backbone == "tiny" else None).eval()
    first, last = model.backbone.order[0], model.backbone.heads[max(model.backbone.heads)]
    layers = dict(model.backbone.named_layers())
    old = layers[first]
    runs = []
    for padding in range(100):
        layers[first] = nn.Conv2d(3, old.weight.shape[0], 3, old.options["stride"], padding)
        try:
            with mf.no_grad():
                runs.append(min(geometry.run_to(layers, last, np.zeros((1, 3, 1, 1), np.float32)).shape) > 0)
        except ValueError:
            runs.append(False)
    assert geometry.least_padding(model).one_pixel == runs.index(True) and all(runs[runs.index(True) :])


def test_least_padding_of_alexnet_by_running_one_pixel():
    with undrawn():
        model = FCN("alexnet", 32, 2, padding="paper").eval()
        assert geometry.least_padding(model) == (99, 82) and geometry.crops(model) == {"score": 18}
        for padding, runs in ((99, True), (98, False)):
            model.backbone.conv1 = nn.Conv2d(3, 96, 11, 4, padding)
            assert bool(geometry.crops_fit(model, 1)) == runs
            try:
                with mf.no_grad():
                    assert (
                        geometry.run_to(model, "fc6", np.zeros((1, 3, 1, 1), np.float32)).shape[2:] == (1, 1) and runs
                    )
            except ValueError:
                assert not runs


def test_errors_say_what_to_do():
    model = FCN("tiny", 16, 2, width=1)
    with pytest.raises(
        ValueError, match=r"geometry: no layer 'pool9': did you mean pool.* This network has conv1_1, relu1_1, pool1"
    ):
        geometry.field_of(model, "pool9")
    with pytest.raises(ValueError, match=r"geometry: no layer 'q'; this network has 0"):
        geometry.seen([nn.ReLU()], "q", 0, 0)
    with pytest.raises(
        ValueError, match=r"geometry: pool4 has 2x3 cells for a picture of \(32, 48\); there is no cell \(2, 0\)"
    ):
        geometry.seen(model, "pool4", 2, 0, (32, 48))
    with pytest.raises(
        ValueError,
        match=r"geometry: 1 would have 0x2 cells for a picture of 3x5; give a larger picture or more padding",
    ):
        geometry.sizes([nn.Conv2d(1, 1, 3), nn.MaxPool2d(2, 1)], (3, 5))
    with pytest.raises(ValueError, match=r"geometry: size is \(0, 4\); it must be at least 1"):
        geometry.sizes(model, (0, 4))
    short = padded_vgg(100, 32)
    short.offset = 60
    with pytest.raises(ValueError, match=r"geometry: score would have 484x484 cells for a picture of 500x500"):
        geometry.sizes(short, (500, 500))
    with pytest.raises(ValueError, match=r"geometry: cannot follow ReLU; expected an FCN, .* give one: model.first"):
        geometry.sizes(nn.ReLU(), (4, 4))

    class Block(nn.Module):
        def __init__(self):
            self.conv = nn.Conv2d(1, 1, 3)

    with pytest.raises(ValueError, match=r"geometry: Block is made of layers with windows .* self.window = "):
        Field().through([Block()])


def inputs_of_two(outer, inner, cells):
    """By listing them: which inputs of `inner` the first cells of `outer` look at, as (first, last)."""
    (k, s), (k1, s1) = outer, inner
    for cell in range(cells):
        middle = [cell * s + tap for tap in range(k)]
        inputs = {each * s1 + tap for each in middle for tap in range(k1)}
        yield min(inputs), max(inputs)


@pytest.mark.parametrize("inner", [(1, 1), (3, 1), (2, 2), (5, 3), (11, 4)])
@pytest.mark.parametrize("outer", [(1, 1), (3, 2), (7, 1), (4, 5)])
def test_compose_by_listing_the_pixels(inner, outer):
    kernel, stride = geometry.compose(outer, inner)
    assert list(inputs_of_two(outer, inner, 4)) == [(cell * stride, cell * stride + kernel - 1) for cell in range(4)]


def test_folded_takes_whole_trunks_dilation_and_layers_without_windows():
    assert geometry.folded(padded_vgg(100, 32).backbone.layers_to("drop7")) == (404, 32)
    assert geometry.folded([]) == (1, 1) and geometry.folded([nn.ReLU()]) == (1, 1)
    assert geometry.folded([nn.MaxPool2d(2), nn.Conv2d(1, 1, 3, dilation=2)]) == (10, 2)  # 2 + 4·2


@pytest.mark.parametrize("stride", STRIDES)
def test_place_is_the_middle_of_what_is_seen(stride):
    model = FCN("tiny", stride, 2, width=1, padding="paper")
    field = geometry.field_of(model, "fc6")
    rows, _ = geometry.seen(model, "fc6", 2, 0)
    assert field.place(2) == (rows[0] + rows[-1]) / 2 and len(rows) == field.size
