"""From one network to another: what is copied, reshaped, widened, expanded, left, dropped, and what the new one answers untrained."""

import numpy as np
import pytest

from minifcn import ops
from minifcn.models import FCN, Classifier, fully_convolutional, heat_map, parameter_groups, transplant

from .nets import PADDINGS, network, picture


def coarse_scores(model, x):
    return model.score_fr(model.backbone(x)["drop7"]).data


@pytest.mark.parametrize("padding", PADDINGS)
def test_coarse_scores_stay_through_32s_16s_8s_4s(padding):
    x = picture(1, 3, 45, 37)
    coarsest = network(32, 3, padding=padding, biases=True)
    expected, before = coarse_scores(coarsest, x), coarsest.state_dict()
    model = coarsest
    for stride, source in ((16, "pool4"), (8, "pool3"), (4, "pool2")):
        finer = network(stride, 3, seed=stride, scores=False, padding=padding)
        report = transplant(model, finer)
        np.testing.assert_array_equal(coarse_scores(finer, x), expected)
        assert set(report.left) == {
            f"score_{source}.weight",
            f"score_{source}.bias",
            "upscore.weight",
            f"upscore_{stride}s.weight",
        }
        assert (getattr(finer, f"score_{source}").weight.data == 0).all()
        assert set(report.copied) | set(report.left) == {name for name, _ in finer.named_parameters()}
        model = finer
    assert all(np.array_equal(array, before[name]) for name, array in coarsest.state_dict().items())


def test_the_finer_network_owns_its_arrays():
    source, model = network(32, 3), network(16, 3, scores=False)
    transplant(source, model)
    for name, parameter in dict(source.named_parameters()).items():
        if not name.startswith("upscore"):
            assert not np.shares_memory(parameter.data, dict(model.named_parameters())[name].data)


@pytest.mark.parametrize("padding", PADDINGS)
def test_new_16s_is_the_same_scores_upsampled_in_two_steps(padding):
    source, model = network(32, 3, padding=padding, biases=True), network(16, 3, scores=False, padding=padding)
    transplant(source, model)
    x = picture(1, 3, 70, 51)
    around, crop = ((0, 0), 27) if padding == "paper" else ((1, 8), 0)
    scores = ops.conv_transpose2d(coarse_scores(source, x), model.upscore_16s.weight, None, 2, around[0], groups=3)
    if padding == "same":  # odd maps: the join keeps what both have, 70 -> pool4 of 5 rows, 51 -> 4 columns
        scores = scores[:, :, :5, :4]
    expected = ops.crop_like(ops.conv_transpose2d(scores, model.upscore.weight, None, 16, around[1], groups=3), x, crop)
    np.testing.assert_array_equal(model(x).data, expected.data)
    assert np.abs(expected.data - source(x).data).max() > 1e-3  # another kernel: two steps are not one


def from_coarse(model, coarse, size):
    """The end of a network with padding "paper" whose skips say nothing: upsampled step by step, then cropped."""
    scores = coarse
    for skip in model.skips:
        scores = skip.up(scores)
    offset = {32: 19, 16: 27, 8: 31}[model.architecture["stride"]]
    return model.upscore(scores).data[:, :, offset : offset + size, offset : offset + size]


def paper_models():
    return [network(stride, 1, dtype=np.float64, padding="paper") for stride in (32, 16, 8)]


def test_constants_and_ramps_come_out_alike_inside():
    ramp = np.broadcast_to(np.arange(9.0)[:, None] - 2 * np.arange(9.0), (1, 1, 9, 9)).copy()
    for coarse in (np.full((1, 1, 9, 9), 1.5), ramp):
        one, *others = [from_coarse(model, coarse, 250)[0, 0] for model in paper_models()]
        inside = slice(60, 180)
        assert np.ptp(one[inside, inside]) > 1 or np.ptp(coarse) == 0
        for other in others:
            np.testing.assert_allclose(other[inside, inside], one[inside, inside], rtol=1e-6, atol=1e-5)


def test_an_impulse_comes_out_flatter_but_in_the_same_place():
    """Along one axis the peak is 0.75 in two steps and 63/64 in one; the largest difference is 0.234."""
    coarse = np.zeros((1, 1, 9, 9))
    coarse[0, 0, 4, 4] = 1
    maps = [from_coarse(model, coarse, 250)[0, 0] for model in paper_models()]
    for found, peak in zip(maps, (63 / 64, 0.75, 0.75), strict=True):
        assert found.max() == pytest.approx(peak**2, rel=1e-6)
        middle = (found.sum(1) * np.arange(250)).sum() / found.sum()
        assert middle == pytest.approx(32 * 4 + 112.5 - 100, abs=1e-4)
    lines = [found.sum(0) / 32 for found in maps]
    for line in lines[1:]:
        assert np.abs(line - lines[0]).max() == pytest.approx(0.234375, abs=1e-5)


def test_another_number_of_classes_leaves_the_score_layers():
    source, model = network(32, 3, biases=True), network(16, 5, seed=4, biases=True)
    before = model.state_dict()
    report = transplant(source, model)
    assert all(name.startswith("backbone.") for name in report.copied)
    assert all(name.startswith(("score_", "upscore")) for name in report.left)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, source.state_dict()[name] if name in report.copied else before[name])


def test_the_report_reads_as_a_sentence():
    source = network(32, 3)
    count = len(list(source.parameters()))
    text = str(transplant(source, network(16, 3)))
    # all but the kernel of 32x
    assert text.startswith(f"copied {count - 1} parameters; dropped upscore.weight; left as they start: ")
    for name in ("upscore_16s.weight", "score_pool4.weight", "score_pool4.bias", "upscore.weight"):
        assert name in text
    same = transplant(network(8, 3), network(8, 3, seed=1))
    assert str(same) == f"copied {count + 6} parameters; left as they start: none"


def test_scores_of_more_classes_begin_with_the_old_ones():
    source, model = network(16, 3, biases=True), network(16, 5, seed=4, biases=True)
    before = model.state_dict()
    report = transplant(source, model, expand_scores=True)
    assert report.expanded == ["score_fr.weight", "score_fr.bias", "score_pool4.weight", "score_pool4.bias"]
    assert "expanded score_fr.weight" in str(report)
    for name in report.expanded:
        found, old = model.state_dict()[name], source.state_dict()[name]
        np.testing.assert_array_equal(found[:3], old)
        np.testing.assert_array_equal(found[3:], before[name][3:])
    x = picture(1, 3, 40, 33)
    # without any upsampling in between: the first classes answer as they did
    np.testing.assert_array_equal(coarse_scores(model, x)[:, :3], coarse_scores(source, x))
    fewer = transplant(network(32, 5), network(32, 3), expand_scores=True)
    assert fewer.dropped == ["score_fr.weight", "score_fr.bias", "upscore.weight"]


def test_a_fourth_channel_starts_as_the_mean_of_the_other_three():
    source, model = network(8, 3, biases=True), network(8, 3, seed=2, in_channels=4)
    report = transplant(source, model)
    assert report.widened == ["backbone.conv1_1.weight"] and report.left == []
    kernels = model.backbone.conv1_1.weight.data
    np.testing.assert_array_equal(kernels[:, :3], source.backbone.conv1_1.weight.data)
    np.testing.assert_allclose(kernels[:, 3], source.backbone.conv1_1.weight.data.sum(1) / 3, rtol=1e-6)
    x = picture(1, 3, 20, 20)
    grey = np.concatenate([x, np.zeros_like(x[:, :1])], 1)  # a fourth channel of nothing changes nothing
    np.testing.assert_allclose(model(grey).data, source(x).data, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backbone", ["tiny", "squeezenet", "googlenet"])
def test_a_classifier_becomes_a_heat_map_that_answers_as_it_did(backbone):
    classifier = Classifier(backbone, 5, width=2 if backbone == "tiny" else None).eval()
    network, report = heat_map(classifier)
    network.eval()
    x = picture(2, 3, classifier.side, classifier.side)
    scores = network(x).data
    assert scores.shape[2:] == ((14, 14) if backbone == "squeezenet" else (1, 1))
    np.testing.assert_allclose(scores.mean((2, 3)), classifier(x).data, rtol=1e-4, atol=1e-4)
    assert report.left == report.dropped == []
    flat = {
        "tiny": ["backbone.fc6.weight", "backbone.fc7.weight", "classifier.weight"],
        "googlenet": ["classifier.weight"],
    }
    assert report.reshaped == flat.get(backbone, [])
    cells = {"tiny": (4, 3), "squeezenet": (18, 16), "googlenet": (3, 2)}  # of 300 x 260 pixels
    assert network(picture(1, 3, 300, 260)).shape[2:] == cells[backbone]


@pytest.mark.parametrize(
    "backbone, count",
    [("vgg16", 138_357_544), ("alexnet", 60_965_224), ("googlenet", 6_998_552), ("squeezenet", 1_235_496)],
)
def test_classifiers_have_the_published_number_of_parameters(monkeypatch, backbone, count):
    """1000 classes; GoogLeNet without its auxiliary classifiers."""
    monkeypatch.setattr("minifcn.nn.layers.he_normal", lambda shape: np.zeros(shape, np.float32))
    assert sum(p.size for p in Classifier(backbone).parameters()) == count


@pytest.mark.parametrize("backbone", ["alexnet", "vgg16"])
def test_the_large_classifiers_answer_alike_after_surgery(monkeypatch, backbone):
    """With weights of one value a layer: the whole way of AlexNet and VGG16, at the size they were trained on."""
    monkeypatch.setattr("minifcn.nn.layers.he_normal", lambda shape: np.full(shape, 2 / np.prod(shape[1:]), np.float32))
    classifier = Classifier(backbone, 3).eval()
    classifier.backbone.fc6.weight.data[0, ::7] *= 3
    network, report = heat_map(classifier)
    x = 1 + picture(1, 3, classifier.side, classifier.side)
    expected, found = classifier(x).data, network.eval()(x).data
    assert found.shape == (1, 3, 1, 1) and report.left == []
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(found[:, :, 0, 0], expected, rtol=1e-3)


def test_fc6_keeps_its_flat_order():
    """Cell by cell: a window of the picture's pool5 map, made flat channel by channel, times the matrix."""
    classifier = Classifier("tiny", 5, width=2)
    network, _ = heat_map(classifier)
    maps = picture(1, 16, 9, 8)  # pool5 of tiny, width 2, of a larger picture
    found = network.backbone.fc6(maps).data
    matrix = classifier.backbone.fc6.weight.data
    for row in range(3):
        for column in range(2):
            flat = maps[0, :, row : row + 7, column : column + 7].reshape(-1)
            np.testing.assert_allclose(found[0, :, row, column], matrix @ flat, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("padding", PADDINGS)
def test_a_classifier_becomes_an_fcn(padding):
    classifier = Classifier("tiny", 5, width=2)
    model, report = fully_convolutional(classifier, 8, 3, padding=padding)
    assert report.dropped == ["classifier.weight", "classifier.bias"]
    assert report.reshaped == ["backbone.fc6.weight", "backbone.fc7.weight"]
    assert all(name.startswith(("score_", "upscore")) for name in report.left)
    assert "reshaped backbone.fc6.weight, backbone.fc7.weight; dropped classifier.weight" in str(report)
    np.testing.assert_array_equal(model.backbone.fc6.weight.data.reshape(16, -1), classifier.backbone.fc6.weight.data)
    assert (model(picture(1, 3, 40, 50)).data == 0).all()  # the score layers start at zero


def groups_by_name(model, **options):
    names = {id(p): name for name, p in model.named_parameters()}
    return {
        names[id(p)]: (group["lr_multiplier"], group["decay_multiplier"])
        for group in parameter_groups(model, **options)
        for p in group["params"]
    }


def test_the_reference_s_multipliers():
    """lr_mult 1 and decay_mult 1 for weights, 2 and 0 for biases; upsampling kernels do not learn."""
    groups = groups_by_name(network(16, 3))
    assert all(factors == ((2, 0) if name.endswith("bias") else (1, 1)) for name, factors in groups.items())
    assert not any(name.startswith("upscore") for name in groups)
    assert groups_by_name(network(16, 3, learn_upsampling=True))["upscore.weight"] == (1, 1)


def test_alexnet_s_trunk_treats_its_biases_as_weights(monkeypatch):
    monkeypatch.setattr("minifcn.nn.layers.he_normal", lambda shape: np.zeros(shape, np.float32))
    groups = groups_by_name(FCN("alexnet", 32, 21))
    assert groups["backbone.conv1.bias"] == groups["backbone.fc7.bias"] == groups["score_fr.weight"] == (1, 1)
    assert groups["score_fr.bias"] == (2, 0)


def test_heads_may_learn_faster_than_the_trunk():
    groups = groups_by_name(network(16, 3), bias_factor=1, head_factor=10)
    assert groups["score_pool4.bias"] == groups["score_fr.weight"] == (10, 1)
    assert groups["backbone.conv1_1.weight"] == groups["backbone.fc6.bias"] == (1, 1)


def test_layers_that_were_added_to_a_trunk_learn_like_heads():
    groups = groups_by_name(FCN("squeezenet-fc", 32, 3), bias_factor=1, head_factor=10)
    assert groups["backbone.fc6.weight"] == groups["backbone.fc6_reduce.bias"] == groups["score_fr.weight"] == (10, 1)
    assert groups["backbone.fire9.expand3x3.weight"] == (1, 1)


def test_learned_kernels_travel_where_they_fit():
    source, model = network(16, 3, learn_upsampling=True), network(8, 3, learn_upsampling=True)
    source.upscore_16s.weight.data *= 2
    transplant(source, model)
    np.testing.assert_array_equal(model.upscore_16s.weight.data, source.upscore_16s.weight.data)
    assert model.upscore.weight.shape == (3, 1, 16, 16)


@pytest.mark.parametrize(
    "source, model, message",
    [
        (dict(stride=8), dict(stride=32), r"score_pool4\.weight \(3, 8, 1, 1\) -> nowhere"),
        (dict(stride=32, width=2), dict(stride=32), r"backbone\.conv1_1\.weight \(2, 3, 3, 3\) -> \(1, 3, 3, 3\)"),
    ],
)
def test_what_finds_no_place_is_an_error_and_nothing_is_written(source, model, message):
    source, model = network(**source, seed=1), network(**model)
    before = model.state_dict()
    with pytest.raises(ValueError, match="transplant: these parameters have no place in the new network: .*" + message):
        transplant(source, model)
    assert all(np.array_equal(array, before[name]) for name, array in model.state_dict().items())


def test_a_skip_that_finds_no_place_is_an_error_with_other_classes_too():
    """A coarser network has no place for the skips, whatever the number of classes; no silence about it."""
    with pytest.raises(ValueError, match="no place in the new network"):
        transplant(network(8, 5), network(32, 3))


def named_network(stride, names, **options):
    model = network(stride, len(names), biases=True, **options)
    model.class_names = tuple(names)
    return model


def test_loosely_classes_of_the_same_name_keep_their_scores_wherever_they_stand():
    old = named_network(16, ("background", "cat", "dog"))
    new = named_network(16, ("dog", "fish", "background", "bird"), seed=4)
    before = new.state_dict()
    report = transplant(old, new, loosely=True)
    assert report.matched == ["score_fr.weight", "score_fr.bias", "score_pool4.weight", "score_pool4.bias"]
    for name in report.matched:
        found, kept = new.state_dict()[name], old.state_dict()[name]
        np.testing.assert_array_equal(found[[0, 2]], kept[[2, 0]])
        np.testing.assert_array_equal(found[[1, 3]], before[name][[1, 3]])
    said = report.in_words("fcn16s")
    assert (
        "; the scores of dog, background too; new in fcn16s: those of the other classes" in said
        and "upscore" not in said
    )


def test_loosely_no_class_in_common_leaves_the_scores_new():
    report = transplant(named_network(16, ("a", "b", "c")), named_network(16, ("d", "e", "f"), seed=4), loosely=True)
    assert report.matched == [] and "new in fcn16s: score_fr, score_pool4" in report.in_words("fcn16s")


def test_loosely_the_new_network_may_be_coarser():
    report = transplant(network(8, 3), network(32, 3, seed=1), loosely=True)
    assert report.in_words("fcn32s").endswith("new in fcn32s: nothing; not used: score_pool4, score_pool3")
    with pytest.raises(ValueError, match="no place in the new network: backbone"):
        transplant(network(8, 3, width=2), network(32, 3), loosely=True)


def test_a_staged_run_is_told_what_is_new_and_not_what_was_dropped():
    said = transplant(network(32, 3), network(16, 3)).in_words("fcn16s")
    assert said.endswith("parameters carried over; new in fcn16s: score_pool4")


def test_an_error_names_three_parameters_and_the_trunk_and_counts_the_rest():
    with pytest.raises(ValueError) as caught:
        transplant(network(32, 3, width=2), network(32, 3))
    text = str(caught.value)
    assert text.count("backbone.") == 3 and " and 12 more; " in text and "(tiny)" in text and len(text) < 400


def test_what_is_no_network():
    model = FCN("tiny", 32, 2, width=1)
    for source, target in ((None, model), (model, None)):
        with pytest.raises(TypeError, match="transplant: got a NoneType; expected an FCN or a classifier"):
            transplant(source, target)
    with pytest.raises(TypeError, match="fully_convolutional: got a FCN; expected a Classifier"):
        fully_convolutional(model)
