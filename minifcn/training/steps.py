"""One step of a training: what it is given moves the weights, and the losses come back, unread."""

from typing import Any

from minifcn import backend
from minifcn.autodiff.engine import Tensor
from minifcn.backend import Share
from minifcn.kernels import threads
from minifcn.models import FCN
from minifcn.nn.optim import Optimiser
from minifcn.training.objective import summed_loss, weight_of
from minifcn.training.processes.group import Group
from minifcn.training.recipes import Recipe
from minifcn.training.supply import Array, Batch


class Steps:
    """Takes one step a call, on the batch that it is given, and returns the loss of each of its parts, where the parameters are.

    Nothing here waits for a GPU. Once a loss was not finite, this step and all after it leave the weights as they are (`good`): the host
    need not know at once to be able to say later what they were.
    """

    def __init__(
        self, model: FCN, optimiser: Optimiser, recipe: Recipe, seed: int, group: Group, share: Share | None
    ) -> None:
        self.model, self.optimiser, self.seed, self.group, self.share = model, optimiser, seed, group, share
        first = next(model.parameters())
        self.weight = weight_of(recipe, first)
        self.good = backend.module_of(first.device).ones((), bool)  # whether all losses so far were finite

    def __call__(self, batch: Batch) -> list[Array]:
        backend.manual_seed(self.random_of(batch))
        return self.compute(batch)

    def random_of(self, batch: Batch) -> tuple[int, ...]:
        """The seed of what is random in the network."""
        return (2, self.seed, batch.number)

    def compute(self, batch: Batch, rates: Array | None = None) -> list[Array]:
        """The step itself. `rates`: what the optimiser multiplies by, where it is not to work that out by itself.

        BLAS is held once for all of it. What asks for the step, and its callbacks, run outside with all of BLAS's threads.
        """
        with threads.held():
            return self.held(batch, rates)

    def held(self, batch: Batch, rates: Array | None) -> list[Array]:
        self.optimiser.zero_grad()
        losses = []
        for pictures, labels in zip(batch.pictures, batch.labels, strict=True):
            with backend.sharing(self.share):
                loss = loss_of_part(self.model, pictures, labels, self.weight) * batch.factor
            loss.backward()
            losses.append(loss.data)
        losses = self.group.add_up(self.optimiser.parameters(), losses)
        for value in losses:
            self.good &= backend.array_module(value).isfinite(value)
        self.optimiser.step(only_if=self.good, rates=rates)
        return losses


def loss_of_part(model: FCN, pictures: Any, labels: Any, weight: Any) -> Tensor:
    """The summed loss of pictures uint8 (N, H, W, 3) with labels uint8 (N, H, W), on the model's device."""
    values = model.preprocessing(pictures).astype(next(model.parameters()).dtype, copy=False)
    # a GPU's labels were looked at before they went up
    return summed_loss(model(Tensor(values)), labels, weight, check=backend.device_of(labels) == "cpu")


def read(losses: list[list[Array]]) -> list[float]:
    """The loss of each step from those of its parts, all brought from the device at once."""
    parts = len(losses[0])
    xp = backend.array_module(losses[0][0])
    values = backend.to_device(xp.stack([part for step in losses for part in step]), "cpu").tolist()
    return [sum(values[i : i + parts]) for i in range(0, len(values), parts)]
