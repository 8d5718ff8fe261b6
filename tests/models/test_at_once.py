"""The at-once network scales pool4 by 0.01 and pool3 by 0.0001 before their score layers, as the reference does."""

import numpy as np
import pytest

from minifcn import ops

from .nets import network, picture


def by_hand(model, x, scale4, scale3):
    """FCN-8s with padding "paper", written out with the reference's numbers."""
    maps = model.backbone(x)
    p = dict(model.named_parameters())

    def score(name, features):
        return ops.conv2d(features, p[f"{name}.weight"], p[f"{name}.bias"])

    def up(name, scores, stride):
        return ops.conv_transpose2d(scores, p[f"{name}.weight"], stride=stride, groups=scores.shape[1])

    scores = up("upscore_16s", score("score_fr", maps["drop7"]), 2)
    scores = scores + ops.crop_like(score("score_pool4", maps["pool4"] * scale4), scores, 5)
    scores = up("upscore_8s", scores, 2)
    scores = scores + ops.crop_like(score("score_pool3", maps["pool3"] * scale3), scores, 9)
    return ops.crop_like(up("upscore", scores, 8), x, 31)


@pytest.mark.parametrize("at_once, scale4, scale3", [(True, 0.01, 0.0001), (False, 1.0, 1.0)])
def test_scales_by_an_explicit_composition(at_once, scale4, scale3):
    model = network(8, 3, dtype=np.float64, padding="paper", at_once=at_once, biases=True)
    for name, parameter in model.named_parameters():
        if name.startswith("score_pool"):
            parameter.data *= 50  # so that a wrong scale shows
    x = picture(1, 3, 22, 27, dtype=np.float64)
    expected = by_hand(model, x, scale4, scale3).data
    np.testing.assert_allclose(model(x).data, expected, rtol=1e-12, atol=1e-12)
    for wrong in ((scale4 * 2, scale3), (scale4, scale3 * 2)):
        assert np.abs(by_hand(model, x, *wrong).data - expected).max() > 1e-8


@pytest.mark.parametrize("padding", ["same", "paper"])
def test_scaling_the_map_is_scaling_the_weights_but_not_the_bias(padding):
    scaled = network(8, 3, dtype=np.float64, padding=padding, at_once=True, biases=True)
    plain = network(8, 3, dtype=np.float64, padding=padding)
    plain.load_state_dict(scaled.state_dict())
    plain.score_pool4.weight.data *= 0.01
    plain.score_pool3.weight.data *= 0.0001
    x = picture(2, 3, 40, 25, dtype=np.float64)
    np.testing.assert_allclose(scaled(x).data, plain(x).data, rtol=1e-12, atol=1e-13)


def test_scales_are_no_parameters_and_only_joined_maps_have_one():
    names = [set(dict(network(8, 3, at_once=flag).named_parameters())) for flag in (True, False)]
    assert names[0] == names[1]
    assert {skip.source: skip.scale for skip in network(8, 3, at_once=True).skips} == {"pool4": 0.01, "pool3": 0.0001}
    assert {skip.scale for skip in network(8, 3).skips} == {1.0}
    x = picture(1, 3, 20, 20)
    np.testing.assert_array_equal(network(32, 3, at_once=True)(x).data, network(32, 3)(x).data)
