"""The training loop, to be read: what `loop.py` does on a CPU without options, and the same weights to the bit (a test holds both together).

`loop.py` and `steps.py` add what a long run needs: pictures decoded ahead, several batches a step, class weights, processes that share a batch,
a GPU that is not waited for, and a sentence when a loss is no number.
"""

from collections.abc import Iterator

from minifcn import backend, ops
from minifcn.autodiff.engine import Tensor
from minifcn.data import VOID, Batches
from minifcn.models import FCN
from minifcn.nn.optim import Optimiser


def train(model: FCN, batches: Batches, optimiser: Optimiser, *, steps: int, seed: int = 0) -> Iterator[float]:
    """Run `steps` steps and yield the loss of each: the mean over the pixels that are not void. The rate falls from `optimiser.lr` to 0.

    >>> import minifcn as mf, numpy as np
    >>> class Stripes:
    ...     def __len__(self): return 4
    ...     def labels(self, i): return np.repeat(np.eye(2, dtype=np.uint8)[i % 2], 32)[None].repeat(64, 0)
    ...     def picture(self, i): return np.repeat(200 * self.labels(i)[..., None], 3, 2)
    >>> model = mf.models.fcn8s(backbone="tiny", width=2, num_classes=2)
    >>> optimiser = mf.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    >>> losses = list(train(model, Batches(Stripes(), batch=2, size=64, seed=0), optimiser, steps=3))
    >>> len(losses), round(losses[0], 4)  # ln 2: the score layers start at zero
    (3, 0.6931)
    """
    model.train()
    first_rate = optimiser.lr
    for step in range(steps):
        pictures, labels = batches.at(step)  # uint8 (N, S, S, 3) and (N, S, S)
        backend.manual_seed((2, seed, step))  # what dropout draws follows from the step
        optimiser.lr = first_rate * (1 - step / steps) ** 0.9

        optimiser.zero_grad()
        scores = model(Tensor(model.preprocessing(pictures)))  # (N, classes, S, S)
        loss = ops.softmax_cross_entropy(scores, labels, reduction="sum") * (1 / max(1, (labels != VOID).sum()))
        loss.backward()
        optimiser.step()
        yield loss.item()
    model.eval()
