"""Every parameter of a whole network against central differences, through the loss; and against PyTorch."""

import numpy as np
import pytest
from twins import MISSING, F, torch

import minifcn as mf
from minifcn.ops import softmax_cross_entropy
from minifcn.ops.convolution import ConvTranspose2d

from .nets import PADDINGS, network, picture


def problem(stride, padding, height, width, **options):
    model = network(stride, 3, dtype=np.float64, padding=padding, biases=True, learn_upsampling=True, **options)
    x = picture(2, 3, height, width, dtype=np.float64)
    labels = np.random.default_rng(5).integers(0, 3, (2, height, width))
    labels[:, :1] = 255
    return model, x, labels


@pytest.mark.parametrize(
    "stride, padding, height, width, directions",
    [
        (32, "same", 21, 18, 30),
        (16, "same", 21, 18, 30),
        (8, "same", 21, 18, 30),
        (4, "same", 9, 7, 30),
        (8, "paper", 3, 2, 5),
    ],
)
def test_gradient_of_picture_and_every_parameter_through_the_loss(stride, padding, height, width, directions):
    """Large arrays along random directions. `minifcn gradcheck --model fcn8s --directions 0` takes every element."""
    model, x, labels = problem(stride, padding, height, width)
    report = mf.gradcheck(
        lambda x: softmax_cross_entropy(model(x), labels, reduction="sum"), x, parameters=model, directions=directions
    )
    names = [name for name, _ in model.named_parameters()]
    assert list(report.inputs) == [0, *names]
    for name, found in report.inputs.items():
        assert np.abs(found.analytic).max() > 0, f"{name} was compared with nothing"


def test_a_wrong_gradient_deep_in_a_network_is_found_by_name(monkeypatch):
    model, x, labels = problem(8, "same", 21, 18)
    right = ConvTranspose2d.backward
    monkeypatch.setattr(
        ConvTranspose2d, "backward", lambda self, grad: (right(self, grad)[0], 1.001 * right(self, grad)[1])
    )
    with pytest.raises(mf.GradcheckError) as caught:
        mf.gradcheck(lambda x: softmax_cross_entropy(model(x), labels), x, parameters=model, directions=10)
    wrong = [line for line in str(caught.value).splitlines() if line.startswith("  parameter")]
    assert [line.split(":")[0].split()[1] for line in wrong] == [
        "upscore_16s.weight",
        "upscore_8s.weight",
        "upscore.weight",
    ]
    assert str(caught.value).count("off by a factor 1.0010") == 3


def test_gradients_of_a_batch_are_the_sum_of_its_pictures():
    model, x, labels = problem(8, "same", 21, 18)
    softmax_cross_entropy(model(x), labels, reduction="sum").backward()
    together = [p.grad for p in model.parameters()]
    model.zero_grad()
    for index in (0, 1):
        one = slice(index, index + 1)
        softmax_cross_entropy(model(x[one]), labels[one], reduction="sum").backward()
    for parameter, expected in zip(model.parameters(), together, strict=True):
        np.testing.assert_allclose(parameter.grad, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())


def twin(x, p, padding, at_once):
    """FCN-8s over tiny in PyTorch, written out with the reference's numbers."""
    paper = padding == "paper"
    maps = {}
    for stage in range(1, 6):
        for name in dict.fromkeys(key.rpartition(".")[0] for key in p if key.startswith(f"backbone.conv{stage}_")):
            around = 100 if paper and name == "backbone.conv1_1" else 1
            x = F.relu(F.conv2d(x, p[name + ".weight"], p[name + ".bias"], padding=around))
        x = maps[stage] = F.max_pool2d(x, 2, 2, ceil_mode=True)
    x = F.relu(F.conv2d(x, p["backbone.fc6.weight"], p["backbone.fc6.bias"], padding=0 if paper else 3))
    x = F.relu(F.conv2d(x, p["backbone.fc7.weight"], p["backbone.fc7.bias"]))
    scores = F.conv2d(x, p["score_fr.weight"], p["score_fr.bias"])
    for stage, up, offset, scale in ((4, "upscore_16s", 5, 0.01), (3, "upscore_8s", 9, 0.0001)):
        scores = F.conv_transpose2d(scores, p[up + ".weight"], stride=2, padding=0 if paper else 1, groups=3)
        finer = maps[stage] * scale if at_once else maps[stage]
        finer = F.conv2d(finer, p[f"score_pool{stage}.weight"], p[f"score_pool{stage}.bias"])
        if paper:
            finer = finer[:, :, offset : offset + scores.shape[2], offset : offset + scores.shape[3]]
        else:
            scores = scores[:, :, : finer.shape[2], : finer.shape[3]]
        scores = scores + finer
    scores = F.conv_transpose2d(scores, p["upscore.weight"], stride=8, padding=0 if paper else 4, groups=3)
    return scores[:, :, 31:, 31:] if paper else scores


@pytest.mark.skipif(torch is None, reason=MISSING)
@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
def test_scores_and_gradients_of_8s_against_pytorch(padding, at_once):
    height, width = 43, 52
    model, x, labels = problem(8, padding, height, width, at_once=at_once)
    x = mf.Tensor(x, requires_grad=True)
    scores = model(x)
    loss = softmax_cross_entropy(scores, labels)
    p = {name: torch.tensor(array, requires_grad=True) for name, array in model.state_dict().items()}
    other_x = torch.tensor(x.data, requires_grad=True)
    other = twin(other_x, p, padding, at_once)[:, :, :height, :width]
    other_loss = F.cross_entropy(other, torch.from_numpy(labels), ignore_index=255)
    np.testing.assert_allclose(scores.data, other.detach().numpy(), rtol=1e-9, atol=1e-9)
    assert loss.item() == pytest.approx(other_loss.item(), rel=1e-9)
    loss.backward()
    other_loss.backward()
    for name, parameter in [*model.named_parameters(), ("picture", x)]:
        expected = (other_x if name == "picture" else p[name]).grad.numpy()
        assert np.abs(expected).max() > 0, name
        np.testing.assert_allclose(
            parameter.grad, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max(), err_msg=name
        )
