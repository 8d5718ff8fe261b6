"""The recipe voc-subset trained by PyTorch: the same network, first weights, batches, rates and scores, for the README's comparison.

cd tests; python -m parity.voc_subset --data ROOT --trunk squeezenet_v1.1.npz --epochs 10 --seed 0
"""

import argparse
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from models import in_pytorch

from minifcn import backend
from minifcn.cli.train import PRESETS
from minifcn.data import ClassMap, VOCFolder
from minifcn.models import FCN, parameter_groups, transplant
from minifcn.models.pretrained import load_pretrained
from minifcn.training.fit import batches_of
from minifcn.training.metrics import confusion, scores
from minifcn.training.recipes import VOC_SUBSET


def network(trunk: str, classes: ClassMap, seed: int) -> FCN:
    """Ours, as `minifcn train` begins: PyTorch starts from its numbers."""
    backend.manual_seed((1, seed, 0))
    model = FCN("squeezenet-fc", 4, len(classes.names), class_names=classes.names)
    transplant(load_pretrained(trunk), model)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--trunk", required=True)
    parser.add_argument("--train-split", default="trainaug")
    parser.add_argument("--val-split", default="val")
    parser.add_argument("--epochs", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))  # twins.py, for its tiny pictures, takes one
    classes = ClassMap.voc(PRESETS["voc-subset"]["classes"])
    train_set = VOCFolder(options.data, options.train_split, classes)
    model = network(options.trunk, classes, options.seed)
    p = {name: torch.from_numpy(q.data.copy()).requires_grad_(q.requires_grad) for name, q in model.named_parameters()}
    names = {id(q): name for name, q in model.named_parameters()}
    recipe = VOC_SUBSET
    groups = [
        {"params": [p[names[id(q)]] for q in group["params"]], "factor": group["lr_multiplier"]}
        for group in parameter_groups(model, recipe.bias_factor, recipe.head_factor)
    ]
    optimiser = torch.optim.Adam(groups, recipe.lr)
    steps = round(options.epochs * len(train_set) / recipe.batch)
    batches = batches_of(train_set, recipe, options.seed, model.preprocessing.fill)
    torch.manual_seed(options.seed)
    spent = []
    for step, (pictures, labels) in enumerate(batches.iterate(0, steps)):
        start = time.perf_counter()
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate(step, steps) * group["factor"]
        x = torch.from_numpy(np.ascontiguousarray(model.preprocessing(pictures)))
        found = in_pytorch.scores(x, p, "squeezenet-fc", "same", 4, dropout=0.3)
        loss = F.cross_entropy(found, torch.from_numpy(labels.astype(np.int64)), ignore_index=255)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        spent.append(time.perf_counter() - start)
        if step % 50 == 0:
            print(f"step {step + 1}/{steps}  loss {loss.item():.4f}  {np.median(spent):.3f} s a step", flush=True)
    val_set = VOCFolder(options.data, options.val_split, classes)
    matrix = np.zeros((len(classes.names),) * 2, np.int64)
    with torch.inference_mode():
        for i in range(len(val_set)):
            x = torch.from_numpy(np.ascontiguousarray(model.preprocessing(val_set.picture(i))))
            found = in_pytorch.scores(x, p, "squeezenet-fc", "same", 4)[0].argmax(0).numpy()
            matrix += confusion(val_set.labels(i), found, len(classes.names))
    result = scores(matrix, classes.names)
    print(f"seed {options.seed}: mean IU {100 * result['mean_iu']:.2f}, {np.median(spent):.3f} s a step, {steps} steps")


if __name__ == "__main__":
    main()
