"""What stands still while the rest of a network learns."""

import pytest

from minifcn.models import FCN
from minifcn.models.surgery import freeze

from .nets import network, picture


@pytest.mark.parametrize("learns", ["all", "heads", "scores"])
def test_what_is_frozen_gets_no_gradient(learns):
    model = FCN("squeezenet-fc", 16, 3, learn_upsampling=True)
    freeze(model, learns)
    for name, parameter in model.named_parameters():
        if name.startswith("score"):
            parameter.data[...] = 0.01  # zero scores would send no gradient further down
    model(picture(1, 3, 32, 32)).sum().backward()
    learned = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    scores = {"score_fr", "score_fire9", "upscore_16s", "upscore"}
    added = {"backbone.fc6_reduce", "backbone.fc6", "backbone.fc7"}
    layers = {name.rpartition(".")[0] for name in learned}
    if learns == "all":
        assert layers > scores | added | {"backbone.conv1", "backbone.fire9.expand3x3"}
    else:
        assert layers == (scores if learns == "scores" else scores | added)


def test_fixed_kernels_stay_fixed_whatever_learns():
    model = network(16, 3)
    for learns in ("all", "heads", "scores"):
        freeze(model, learns)
        assert not model.upscore.weight.requires_grad and model.score_fr.weight.requires_grad


def test_freeze_says_what_it_knows():
    with pytest.raises(ValueError, match="freeze: learns is 'trunk'; choose one of all, heads, scores"):
        freeze(network(32, 3), "trunk")
