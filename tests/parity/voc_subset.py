"""The recipe voc-subset trained by PyTorch: the same network, first weights, batches, rates and scores, for the README's comparison.

cd tests; python -m parity.voc_subset --data ROOT --trunk squeezenet_v1.1.npz --epochs 10 --seed 0     mean IU, to be held against minifcn's
cd tests; python -m parity.voc_subset --data ROOT --trunk squeezenet_v1.1.npz --turns 12               seconds a step, both in turns
"""

import argparse
import os
import time

import numpy as np
from models import in_pytorch
from twins import MISSING, F, torch

from minifcn import backend
from minifcn.cli.training.config import PRESETS
from minifcn.data import ClassMap, VOCFolder
from minifcn.models import FCN, parameter_groups, transplant
from minifcn.pretrained import load_pretrained
from minifcn.training.fit import batches_of
from minifcn.training.objective import divisor
from minifcn.training.processes.group import ALONE
from minifcn.training.recipes import VOC_SUBSET as RECIPE
from minifcn.training.scoring.metrics import confusion, scores
from minifcn.training.steps import Steps
from minifcn.training.supply import Batch


def network(trunk: str, classes: ClassMap, seed: int) -> FCN:
    """Ours, as `minifcn train` begins: PyTorch starts from its numbers."""
    backend.manual_seed((1, seed, 0))
    model = FCN("squeezenet-fc", 4, len(classes.names), class_names=classes.names)
    transplant(load_pretrained(trunk), model)
    return model


class Twin:
    """The same network with the same weights, and its Adam, in PyTorch."""

    def __init__(self, model: FCN) -> None:
        self.model = model
        self.p = {
            name: torch.from_numpy(q.data.copy()).requires_grad_(q.requires_grad)
            for name, q in model.named_parameters()
        }
        names = {id(q): name for name, q in model.named_parameters()}
        groups = [
            {"params": [self.p[names[id(q)]] for q in group["params"]], "factor": group["lr_multiplier"]}
            for group in parameter_groups(model, RECIPE.bias_factor, RECIPE.head_factor)
        ]
        self.optimiser = torch.optim.Adam(groups, RECIPE.lr)

    def scores(self, pictures, dropout=0.0):
        x = torch.from_numpy(np.ascontiguousarray(self.model.preprocessing(pictures)))
        return in_pytorch.scores(x, self.p, "squeezenet-fc", "same", 4, dropout=dropout)

    def step(self, pictures, labels, rate):
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["factor"]
        loss = F.cross_entropy(
            self.scores(pictures, dropout=self.model.backbone.drop6.p),
            torch.from_numpy(labels.astype(np.int64)),
            ignore_index=255,
        )
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.item()


def in_turns(model, twin, batches, turns):
    """Both take a step on each batch; the first two warm up. Prints the median seconds and their ratio."""
    optimiser = RECIPE.optimiser(model.train())
    take_step = Steps(model, optimiser, RECIPE, 0, ALONE, None)

    def our_step(step, pictures, labels, rate):
        optimiser.lr = rate
        (loss,) = take_step(Batch(step, [pictures], [labels], 1 / divisor([labels], RECIPE)))
        return loss.item()

    spent = {"minifcn": [], "PyTorch": []}
    for step, (pictures, labels) in enumerate(batches.iterate(0, turns + 2)):
        rate = RECIPE.rate(step, turns + 2)
        for name, act in (
            ("minifcn", lambda: our_step(step, pictures, labels, rate)),  # noqa: B023
            ("PyTorch", lambda: twin.step(pictures, labels, rate)),  # noqa: B023
        ):
            start = time.perf_counter()
            loss = act()
            spent[name].append(time.perf_counter() - start)
            print(f"step {step + 1}  {name}  loss {loss:.4f}  {spent[name][-1]:.3f} s", flush=True)
    ours, theirs = (float(np.median(seconds[2:])) for seconds in spent.values())
    print(f"minifcn {ours:.3f} s, PyTorch {theirs:.3f} s a step, ratio {ours / theirs:.2f}; median of {turns}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--trunk", required=True)
    parser.add_argument("--train-split", default="trainaug")
    parser.add_argument("--val-split", default="val")
    parser.add_argument("--epochs", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--turns", type=int)
    options = parser.parse_args()
    if torch is None:
        parser.exit(1, f"{MISSING}\n")
    torch.set_num_threads(len(os.sched_getaffinity(0)))  # twins.py, for its tiny pictures, takes one
    torch.manual_seed(options.seed)
    preset = PRESETS["voc-subset"]
    classes = ClassMap.voc(preset["classes"], preset["others"])
    train_set = VOCFolder(options.data, options.train_split, classes)
    model = network(options.trunk, classes, options.seed)
    twin = Twin(model)
    batches = batches_of(train_set, RECIPE, options.seed, model.preprocessing.fill)
    if options.turns:
        return in_turns(model, twin, batches, options.turns)
    steps = round(options.epochs * len(train_set) / RECIPE.batch)
    spent = []
    for step, (pictures, labels) in enumerate(batches.iterate(0, steps)):
        start = time.perf_counter()
        loss = twin.step(pictures, labels, RECIPE.rate(step, steps))
        spent.append(time.perf_counter() - start)
        if step % 50 == 0:
            print(f"step {step + 1}/{steps}  loss {loss:.4f}  {np.median(spent):.3f} s a step", flush=True)
    val_set = VOCFolder(options.data, options.val_split, classes)
    matrix = np.zeros((len(classes.names),) * 2, np.int64)
    with torch.inference_mode():
        for i in range(len(val_set)):
            found = twin.scores(val_set.picture(i))[0].argmax(0).numpy()
            matrix += confusion(val_set.labels(i), found, len(classes.names))
    result = scores(matrix, classes.names)
    print(f"seed {options.seed}: mean IU {100 * result['mean_iu']:.2f}, {np.median(spent):.3f} s a step, {steps} steps")


if __name__ == "__main__":
    main()
