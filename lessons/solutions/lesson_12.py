"""Answers to the exercises of lesson 12."""

import numpy as np

import minifcn as mf


def first_loss(labels, classes, reduction):
    count = int((labels != 255).sum())
    if reduction == "sum":
        return count * np.log(classes)
    return np.log(classes) if count else 0.0  # every pixel costs the same, so the mean is one pixel's


def full_surgery(old, new):
    copied, reshaped = [], []
    for name in old.keys() & new.keys():
        source, target = old[name], new[name]
        matrix = 2 in (source.ndim, target.ndim)
        if source.shape == target.shape:
            copied.append(name)
        elif matrix and source.size == target.size and len(source) == len(target):
            reshaped.append(name)
        else:
            continue
        target[...] = source.reshape(target.shape)  # into the array that the network has
    written = {*copied, *reshaped}
    left = [name for name in new if name not in written]
    dropped = [name for name in old if name not in written]
    order = list(new).index
    return sorted(copied, key=order), sorted(reshaped, key=order), left, dropped


def training(model, x, labels, steps, rate):
    losses = []
    for _ in range(steps):
        model.zero_grad()  # backward adds to what is there
        loss = mf.ops.softmax_cross_entropy(model(x), labels)  # 255 counts nothing
        loss.backward()
        losses.append(loss.item())
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data -= rate * parameter.grad
    return losses


SOLUTIONS = {"first_loss": first_loss, "full_surgery": full_surgery, "training": training}
