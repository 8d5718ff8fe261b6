"""Every parameter of a whole network against central differences, through the loss; and against PyTorch."""

import numpy as np
import pytest
from twins import MISSING, F, torch

import minifcn as mf
from minifcn.ops import softmax_cross_entropy

from .nets import PADDINGS, network, picture

STEP = 1e-6


def problem(stride, padding, height, width, **options):
    model = network(stride, 3, dtype=np.float64, padding=padding, biases=True, learn_upsampling=True, **options)
    x = picture(2, 3, height, width, dtype=np.float64)
    labels = np.random.default_rng(5).integers(0, 3, (2, height, width))
    labels[:, :2] = 255
    return model, x, labels


def some_elements(array, count, rng):
    """Places of the array: its largest gradient, and some drawn."""
    largest = np.unravel_index(np.abs(array).argmax(), array.shape)
    return {largest} | {tuple(rng.integers(0, array.shape)) for _ in range(count)}


@pytest.mark.parametrize(
    "stride, padding, height, width",
    [(32, "same", 37, 34), (16, "same", 37, 34), (8, "same", 37, 34), (8, "paper", 25, 22)],
)
def test_gradient_of_every_parameter_by_central_differences(stride, padding, height, width):
    model, x, labels = problem(stride, padding, height, width)
    softmax_cross_entropy(model(x), labels).backward()
    rng, checked = np.random.default_rng(3), 0
    for name, parameter in model.named_parameters():
        largest = np.abs(parameter.grad).max()
        assert largest > 0, name
        for place in some_elements(parameter.grad, 1, rng):
            start, losses = parameter.data[place], []
            for value in (start + STEP, start - STEP):
                parameter.data[place] = value
                with mf.no_grad():
                    losses.append(softmax_cross_entropy(model(x), labels).item())
            parameter.data[place] = start
            slope = (losses[0] - losses[1]) / (2 * STEP)
            assert parameter.grad[place] == pytest.approx(slope, rel=1e-4, abs=1e-4 * largest + 1e-9), (name, place)
            checked += 1
    assert checked >= len(list(model.parameters()))


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
