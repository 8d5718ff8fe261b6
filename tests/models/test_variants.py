"""Max fusion, four channels, two streams, two heads; classifiers and their errors."""

import numpy as np
import pytest

import minifcn as mf
from minifcn import ops
from minifcn.models import Classifier, HeatMap, LateFusion, MultiHead, joint_loss
from minifcn.weights import WeightsError

from .nets import network, picture


def test_max_fusion_takes_the_larger_score():
    model = network(16, 3, fusion="max")
    x = picture(1, 3, 64, 64)
    maps = model.backbone(x)
    coarse = model.upscore_16s(model.score_fr(maps["drop7"])).data
    finer = model.score_pool4(maps["pool4"]).data
    larger = np.where(coarse > finer, coarse, finer)
    assert (larger != coarse).any() and (larger != finer).any()
    expected = ops.crop_like(model.upscore(larger), x, model.offset)
    np.testing.assert_array_equal(model(x).data, expected.data)


def test_max_fusion_sends_the_gradient_one_way():
    """Each cell's gradient goes to the larger score alone: "gradient switching", footnote 6."""
    model = network(16, 3, fusion="max")
    maps = model.backbone(picture(1, 3, 64, 64))
    coarse = mf.Tensor(model.upscore_16s(model.score_fr(maps["drop7"])).data, requires_grad=True)
    finer = mf.Tensor(model.score_pool4(maps["pool4"]).data, requires_grad=True)
    ops.maximum(coarse, finer).sum().backward()
    np.testing.assert_array_equal(coarse.grad, coarse.data > finer.data)
    np.testing.assert_array_equal(finer.grad, coarse.data <= finer.data)


def test_two_streams_are_averaged():
    colour, depth = network(32, 3, biases=True), network(8, 3, seed=1, in_channels=1)
    both = LateFusion(colour, depth)
    x = picture(2, 4, 40, 37)
    expected = (colour(x[:, :3]).data + depth(x[:, 3:]).data) / 2
    np.testing.assert_allclose(both(x).data, expected, rtol=1e-5, atol=1e-6)
    names = [name for name, _ in both.named_parameters()]
    assert "first.backbone.conv1_1.weight" in names and "second.score_pool3.bias" in names


def test_averaging_after_the_upsampling_is_averaging_before_it():
    colour, depth = network(32, 3, biases=True), network(32, 3, seed=1, in_channels=1, biases=True)
    x = picture(1, 4, 70, 45)
    coarse = [
        stream.score_fr(stream.backbone(part)["drop7"]).data for stream, part in ((colour, x[:, :3]), (depth, x[:, 3:]))
    ]
    before = ops.crop_like(colour.upscore(0.5 * coarse[0] + 0.5 * coarse[1]), x, colour.offset).data
    np.testing.assert_allclose(LateFusion(colour, depth)(x).data, before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stride", [32, 8])
def test_two_heads_share_a_trunk(stride):
    mf.manual_seed(0)
    model = MultiHead("tiny", stride, {"semantic": 5, "geometric": 3}, width=2)
    rng = np.random.default_rng(0)
    for name, parameter in model.named_parameters():
        if ".score_" in name:
            parameter.data[...] = rng.standard_normal(parameter.shape)
    x, labels = (
        picture(2, 3, 40, 33),
        {"semantic": rng.integers(0, 5, (2, 40, 33)), "geometric": rng.integers(0, 3, (2, 40, 33))},
    )
    scores = model(x)
    assert {name: s.shape for name, s in scores.items()} == {"semantic": (2, 5, 40, 33), "geometric": (2, 3, 40, 33)}
    joint_loss(scores, labels).backward()
    joint = {name: p.grad.copy() for name, p in model.named_parameters() if p.requires_grad}
    apart = dict.fromkeys(joint, 0)
    for head in scores:  # one loss alone, then the other: the trunk's gradients add up, a head has its own alone
        model.zero_grad()
        ops.softmax_cross_entropy(model(x)[head], labels[head]).backward()
        for name, p in model.named_parameters():
            if p.grad is not None:
                apart[name] = apart[name] + p.grad
                assert not name.startswith("heads.") or name.startswith(f"heads.{head}.")
    for name, gradient in joint.items():
        np.testing.assert_allclose(gradient, apart[name], rtol=1e-3, atol=1e-5, err_msg=name)
    assert all(abs(gradient).max() > 0 for name, gradient in joint.items() if name.endswith("weight"))


def test_a_trunk_that_was_trained_can_be_given_to_two_heads():
    trained = network(8, 3, biases=True)
    model = MultiHead(trained.backbone, 8, {"semantic": 4, "geometric": 2})
    assert model.backbone.conv1_1.weight is trained.backbone.conv1_1.weight


def tiny_classifier(classes=4):
    return Classifier("tiny", classes, width=1)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: network(16, 3, fusion="mean"), "FCN: fusion is 'mean'; expected one of sum, max"),
        (lambda: LateFusion(network(32, 3), network(32, 4)), "LateFusion: classes .* both streams must score the same"),
        (
            lambda: LateFusion(network(32, 3), network(32, 3))(picture(1, 4, 9, 9)),
            r"LateFusion: input has 4 channels \(1, 4, 9, 9\); the streams take 3 \+ 3",
        ),
        (lambda: LateFusion(network(32, 3), network(32, 3))(np.zeros((6, 9, 9))), r"LateFusion: input has shape \(6, 9, 9\)"),
        (lambda: MultiHead("tiny", 32, {}), "MultiHead: no heads; give for example"),
        (lambda: MultiHead("tiny", 64, {"a": 2}, width=1), "stride is 64; this backbone has maps of stride 32, 16, 8, 4"),
        (lambda: joint_loss({"a": 0}, {"b": 0}), r"joint_loss: scores for \['a'\], labels for \['b'\]"),
        (lambda: Classifier("resnet"), "Classifier: unknown backbone 'resnet'; choose one of tiny, vgg16, alexnet"),
        (
            lambda: tiny_classifier()(picture(1, 3, 64, 48)),
            "Classifier: pictures are 64x48, tiny was trained on 224x224; resize them, or make it convolutional",
        ),
        (lambda: HeatMap("tiny", 4, width=1)(np.zeros((3, 9, 9))), r"HeatMap: input has shape \(3, 9, 9\)"),
        (lambda: mf.nn.Linear(4, 2)(np.zeros((3, 5), np.float32)), r"Linear: input has shape \(3, 5\); expected \(N, 4\)"),
    ],
)  # fmt: skip
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("model", [tiny_classifier, lambda: MultiHead("tiny", 32, {"a": 2}, width=1)])
def test_only_an_fcn_is_saved_whole(tmp_path, model):
    with pytest.raises(WeightsError, match=r"save: .*only an FCN can be built again from a file; .*state_dict"):
        mf.models.save(model(), tmp_path / "m.safetensors")


def test_a_linear_layer_is_a_matrix_product():
    layer = mf.nn.Linear(4, 2)
    layer.bias.data[...] = [1, 2]
    x = picture(3, 4)
    np.testing.assert_allclose(layer(x).data, x @ layer.weight.data.T + np.array([1, 2]), rtol=1e-5)
    assert [name for name, _ in mf.nn.Linear(4, 2, bias=False).named_parameters()] == ["weight"]


def test_a_classifier_learns_to_tell_bright_from_dark():
    mf.manual_seed(0)
    classifier = tiny_classifier(2)
    x = np.stack([np.full((3, 224, 224), value, np.float32) for value in (-1, 1)]) + 0.1 * picture(2, 3, 224, 224)
    optimiser = mf.optim.SGD(classifier.parameters(), 0.05)
    losses = []
    for _ in range(8):
        optimiser.zero_grad()
        loss = ops.softmax_cross_entropy(classifier(x), np.array([0, 1]))
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
