"""Wrong answers to the exercises of lesson 12, and words of the hint that each must get."""

import numpy as np

import minifcn as mf


def loss_counts_void(labels, classes, reduction):
    return np.log(classes) * (labels.size if reduction == "sum" else 1)


def loss_mean_over_all(labels, classes, reduction):
    total = (labels != 255).sum() * np.log(classes)
    return total if reduction == "sum" else total / labels.size


def loss_base_2(labels, classes, reduction):
    count = (labels != 255).sum()
    return np.log2(classes) * (count if reduction == "sum" else min(count, 1))


def loss_never_sums(labels, classes, reduction):
    return np.log(classes) if (labels != 255).any() else 0.0


def loss_negative(labels, classes, reduction):
    count = (labels != 255).sum()
    return -np.log(classes) * (count if reduction == "sum" else min(count, 1))


def operate(old, new, fits):
    copied, reshaped = [], []
    for name in old:
        if name in new and old[name].shape == new[name].shape:
            copied.append(name)
        elif name in new and old[name].size == new[name].size and fits(old[name], new[name]):
            reshaped.append(name)
        else:
            continue
        new[name][...] = old[name].reshape(new[name].shape)
    written = {*copied, *reshaped}
    return copied, reshaped, [n for n in new if n not in written], [n for n in old if n not in written]


def right_fit(a, b):
    return 2 in (a.ndim, b.ndim) and len(a) == len(b)


def surgery_by_size(old, new):
    return operate(old, new, lambda a, b: True)


def surgery_other_rows(old, new):
    return operate(old, new, lambda a, b: a.ndim == 2)


def surgery_replaces(old, new):
    arrays = {name: array.copy() for name, array in new.items()}
    result = operate(old, arrays, right_fit)
    new.update(arrays)
    return result


def surgery_writes_nothing(old, new):
    return operate(old, {name: array.copy() for name, array in new.items()}, right_fit)


def surgery_all_copied(old, new):
    copied, reshaped, left, dropped = operate(old, new, right_fit)
    return copied + reshaped, [], left, dropped


def surgery_without_fc7(old, new):
    return operate(old, new, lambda a, b: right_fit(a, b) and b.shape[2:] != (1, 1))


def surgery_drops_only_unknown(old, new):
    copied, reshaped, left, _ = operate(old, new, right_fit)
    return copied, reshaped, left, [name for name in old if name not in new]


def surgery_transposed(old, new):
    result = operate(old, new, right_fit)
    new["fc6.weight"][...] = (
        old["fc6.weight"].reshape(6, 2, 3, 4).transpose(0, 3, 1, 2)
    )  # channels were taken for the fastest
    return result


def train(model, x, labels, steps, rate, forget=True, sign=-1, everything=False, late=False, reduction="mean"):
    losses = []
    for parameter in model.parameters() if everything else ():
        parameter.requires_grad = True
    for _ in range(steps):
        if forget:
            model.zero_grad()
        loss = mf.ops.softmax_cross_entropy(model(x), labels, reduction=reduction)
        loss.backward()
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data += sign * rate * parameter.grad
        losses.append(mf.ops.softmax_cross_entropy(model(x), labels).item() if late else loss.item())
    return losses


def train_piles_up(model, x, labels, steps, rate):
    return train(model, x, labels, steps, rate, forget=False)


def train_uphill(model, x, labels, steps, rate):
    return train(model, x, labels, steps, rate, sign=1)


def train_everything(model, x, labels, steps, rate):
    return train(model, x, labels, steps, rate, everything=True)


def train_notes_late(model, x, labels, steps, rate):
    return train(model, x, labels, steps, rate, late=True)


def train_sum(model, x, labels, steps, rate):
    return train(model, x, labels, steps, rate, reduction="sum")


def train_stands_still(model, x, labels, steps, rate):
    return train(model, x, labels, steps, rate, sign=0)


def train_forgets_last_step(model, x, labels, steps, rate):
    losses = train(model, x, labels, steps - 1, rate)
    return [*losses, mf.ops.softmax_cross_entropy(model(x), labels).item()]


def loss_of_nothing(labels, classes, reduction):
    count = int((labels != 255).sum())
    if reduction == "sum":
        return count * np.log(classes)
    with np.errstate(all="ignore"):
        return count * np.log(classes) / np.float64(count)


def train_void_as_class_0(model, x, labels, steps, rate):
    losses = []
    for _ in range(steps):
        model.zero_grad()
        loss = mf.ops.softmax_cross_entropy(model(x), np.where(labels == 255, 0, labels))
        loss.backward()
        losses.append(loss.item())
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data -= rate * parameter.grad
    return losses


WRONG = [
    ("first_loss", loss_counts_void, "void pixels cost nothing"),
    ("first_loss", loss_mean_over_all, "the mean divides by the pixels that count"),
    ("first_loss", loss_base_2, "natural logarithm"),
    ("first_loss", loss_never_sums, "the loss of one pixel"),
    ("first_loss", loss_negative, "the sign"),
    ("full_surgery", surgery_by_size, "they mean other things"),
    ("full_surgery", surgery_other_rows, "the rows are the outputs"),
    ("full_surgery", surgery_replaces, "other arrays into the dictionary"),
    ("full_surgery", surgery_writes_nothing, "did not write it"),
    ("full_surgery", surgery_all_copied, "belongs to the reshaped"),
    ("full_surgery", surgery_without_fc7, "a 1 x 1 convolution"),
    ("full_surgery", surgery_drops_only_unknown, "dropped are the names of `old`"),
    ("full_surgery", surgery_transposed, "reshape keeps their order"),
    ("training", train_piles_up, "gradients pile up"),
    ("training", train_uphill, "uphill"),
    ("training", train_everything, "a parameter that does not learn"),
    ("training", train_notes_late, "note each loss after its step"),
    ("training", train_sum, "take the mean"),
    ("training", train_stands_still, "the weights do not move"),
    ("training", train_forgets_last_step, "the last weights are not"),
    ("first_loss", loss_of_nothing, "nothing counts, so do not divide"),
    ("training", train_void_as_class_0, "before any step"),
]
