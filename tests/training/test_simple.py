"""The training loop to be read is the one that runs: same losses, same weights, to the bit."""

import numpy as np
import pytest

from minifcn.nn.optim import SGD, Adam
from minifcn.training import simple, train
from minifcn.training.recipes import Recipe

from .shared import Pictures
from .test_loop import batches, fresh, optimiser_for, weights


@pytest.mark.parametrize("kind", [SGD, Adam])
@pytest.mark.parametrize("arch", ["fcn32s", "fcn8s-atonce"])
def test_the_same_weights_to_the_bit_as_the_full_loop(kind, arch):
    """With dropout, and with a batch in which a picture is void throughout."""
    found = []
    for run in ("simple", "full"):
        model, data = fresh(arch), batches(Pictures())
        optimiser = optimiser_for(model, kind)
        if run == "simple":
            losses = list(simple.train(model, data, optimiser, steps=6, seed=4))
        else:
            losses = [step.loss for step in train(model, data, optimiser, Recipe(lr=optimiser.lr), steps=6, seed=4)]
        found.append((losses, weights(model)))
    (mine, my_weights), (theirs, their_weights) = found
    assert mine == theirs and len(set(mine)) > 1
    for name, array in my_weights.items():
        np.testing.assert_array_equal(array, their_weights[name], err_msg=name)


def test_it_trains_and_then_leaves_the_model_as_for_use():
    model = fresh(dropout=0.0)
    before = weights(model)
    list(simple.train(model, batches(), optimiser_for(model), steps=2))
    assert not model.training
    assert any((before[name] != array).any() for name, array in weights(model).items())
