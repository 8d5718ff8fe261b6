"""Wrong answers to the exercises of lesson 19, and words of the hint that each must get."""

import numpy as np


def labels_unchanged(stored, classes):
    return np.where((stored < 0) | (stored > classes), 255, stored).astype(np.uint8)


def labels_minus_one(stored, classes):
    return stored.astype(int) - 1


def labels_clipped(stored, classes):
    return np.clip(stored.astype(int) - 1, 0, classes - 1).astype(np.uint8)


def labels_by_the_clock(stored, classes):
    return stored.astype(np.uint8) - np.uint8(1)


def labels_unbounded(stored, classes):
    return np.where(stored < 1, 255, stored.astype(int) - 1).astype(np.uint8)


def labels_wide(stored, classes):
    return np.where((stored < 1) | (stored > classes), 255, stored.astype(int) - 1)


def labels_in_place(stored, classes):
    outside = (stored < 1) | (stored > classes)
    stored -= 1
    stored[outside] = 0
    return np.where(outside, 255, stored).astype(np.uint8)


def channels_zero(weight, extra):
    return np.concatenate([weight, np.zeros((len(weight), extra, *weight.shape[2:]), weight.dtype)], 1)


def channels_sum(weight, extra):
    return np.concatenate([weight, np.repeat(weight.sum(1, keepdims=True), extra, 1)], 1)


def channels_first(weight, extra):
    return np.concatenate([np.repeat(weight.mean(1, keepdims=True), extra, 1), weight], 1)


def channels_of_outputs(weight, extra):
    mean = np.repeat(weight.mean(0, keepdims=True), len(weight), 0)[:, :1]
    return np.concatenate([weight, np.repeat(mean, extra, 1)], 1)


def channels_flat(weight, extra):
    mean = np.broadcast_to(weight.mean((1, 2, 3), keepdims=True), (len(weight), extra, *weight.shape[2:]))
    return np.concatenate([weight, mean], 1)


def channels_copied(weight, extra):
    return np.concatenate([weight, np.repeat(weight[:, -1:], extra, 1)], 1)


def channels_double(weight, extra):
    return np.concatenate([weight, np.repeat(weight.mean(1, keepdims=True, dtype=float), extra, 1)], 1)


def channels_shared(weight, extra):
    return np.concatenate([weight, np.repeat(weight.mean(1, keepdims=True), extra, 1)], 1) if extra else weight


def one_head(features, matrix, labels, divide_by=None, void_slope=False):
    known = labels != 255
    scores = features @ matrix.T
    scores = scores - scores.max(1, keepdims=True)
    chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    rows, right = np.arange(len(labels)), np.where(known, labels, 0)
    each = -np.log(chances[rows, right] + 1e-300) * known
    count = divide_by or max(known.sum(), 1)
    chances[rows, right] -= 1
    if not void_slope:
        chances *= known[:, None]
    return each.sum() / count, chances @ matrix / count


def added(features, heads, labels, **options):
    parts = [one_head(features, heads[name], labels[name], **options) for name in heads]
    return sum(loss for loss, _ in parts), sum(slope for _, slope in parts)


def joint_void_forgotten(features, heads, labels):
    loss, gradient = 0.0, np.zeros_like(features)
    for name, matrix in heads.items():
        scores = features @ matrix.T
        chances = np.exp(scores - scores.max(1, keepdims=True))
        chances /= chances.sum(1, keepdims=True)
        right = np.arange(len(scores)), labels[name]
        loss -= np.log(chances[right]).mean()
        chances[right] -= 1
        gradient += chances @ matrix / len(scores)
    return loss, gradient


def joint_averaged(features, heads, labels):
    loss, slope = added(features, heads, labels)
    return loss / len(heads), slope / len(heads)


def joint_over_all_pixels(features, heads, labels):
    return added(features, heads, labels, divide_by=len(features))


def joint_summed(features, heads, labels):
    return added(features, heads, labels, divide_by=1)


def joint_first_head(features, heads, labels):
    name = next(iter(heads))
    return one_head(features, heads[name], labels[name])


def joint_void_of_any(features, heads, labels):
    void = np.logical_or.reduce([labels[name] == 255 for name in heads])
    return added(features, heads, {name: np.where(void, 255, labels[name]) for name in heads})


def joint_void_has_gradient(features, heads, labels):
    return added(features, heads, labels, void_slope=True)


def joint_gradient_of_last(features, heads, labels):
    return added(features, heads, labels)[0], one_head(features, heads[max(heads)], labels[max(heads)])[1]


def joint_gradient_averaged(features, heads, labels):
    loss, slope = added(features, heads, labels)
    return loss, slope / len(heads)


def joint_gradient_not_divided(features, heads, labels):
    return added(features, heads, labels)[0], added(features, heads, labels, divide_by=1)[1]


def joint_overflows(features, heads, labels):
    loss, slope = 0.0, np.zeros_like(features)
    for name, matrix in heads.items():
        known = labels[name] != 255
        if known.any():
            with np.errstate(all="ignore"):
                powers = np.exp(features[known] @ matrix.T)
                chances = powers / powers.sum(1, keepdims=True)
                right = np.arange(known.sum()), labels[name][known]
                loss -= np.log(chances[right]).mean()
            chances[right] -= 1
            slope[known] += chances @ matrix / known.sum()
    return loss, slope


def joint_by(features, heads, labels, skip=True):
    loss, gradient = 0.0, np.zeros_like(features)
    for name, matrix in heads.items():
        known = labels[name] != 255
        if skip and not known.any():
            continue
        scores = features[known] @ matrix.T
        if len(scores):
            scores = scores - scores.max(1, keepdims=True)
        chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        right = np.arange(len(scores)), labels[name][known]
        loss -= np.log(chances[right]).sum() / np.float64(len(scores))
        chances[right] -= 1
        gradient[known] += chances @ matrix / len(scores)
    return loss, gradient


def joint_mean_of_nothing(features, heads, labels):
    with np.errstate(all="ignore"):
        return joint_by(features, heads, labels, skip=False)


WRONG = [
    ("labels_from_one", labels_unchanged, "nothing is subtracted"),
    ("labels_from_one", labels_minus_one, "0 means not labelled and became -1"),
    ("labels_from_one", labels_clipped, "0 means not labelled and became 0"),
    ("labels_from_one", labels_by_the_clock, "goes round the clock"),
    ("labels_from_one", labels_unbounded, "is beyond the 33 classes"),
    ("labels_from_one", labels_wide, "label maps are uint8"),
    ("labels_from_one", labels_in_place, "you change the array"),
    ("more_channels", channels_zero, "the new channels are zero"),
    ("more_channels", channels_sum, "divide by how many there are"),
    ("more_channels", channels_first, "come first"),
    ("more_channels", channels_of_outputs, "axis 0"),
    ("more_channels", channels_flat, "flat"),
    ("more_channels", channels_copied, "copy of one old channel"),
    ("more_channels", channels_double, "keep the type"),
    ("more_channels", channels_shared, "memory of the old weights"),
    ("joint_gradient", joint_averaged, "average over the heads"),
    ("joint_gradient", joint_void_forgotten, "you forgot void"),
    ("joint_gradient", joint_over_all_pixels, "you divide by all pixels"),
    ("joint_gradient", joint_summed, "the sum over the pixels"),
    ("joint_gradient", joint_first_head, "only one head counts"),
    ("joint_gradient", joint_void_of_any, "its own void"),
    ("joint_gradient", joint_void_has_gradient, "sends no gradient"),
    ("joint_gradient", joint_gradient_of_last, "only one head's gradient arrives"),
    ("joint_gradient", joint_gradient_averaged, "is averaged over the heads"),
    ("joint_gradient", joint_gradient_not_divided, "not divided by the number of labelled pixels"),
    ("joint_gradient", joint_overflows, "scores of several hundred overflow"),
    ("joint_gradient", joint_mean_of_nothing, "has no labelled pixel"),
]
