"""Wrong answers to the exercises of lesson 07, each with words of the hint that it must be given."""

import numpy as np


def naive(scores):
    return scores - np.log(np.exp(scores).sum(1, keepdims=True))


def log_of_softmax(scores):
    exponentials = np.exp(scores - scores.max(1, keepdims=True))
    return np.log(exponentials / exponentials.sum(1, keepdims=True))


def one_largest(scores):
    shifted = scores - scores.max()
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def last_axis(scores):
    return scores - np.log(np.exp(scores).sum(3, keepdims=True))


def only_softmax(scores):
    return np.exp(right(scores))


def no_logarithm(scores):
    return scores - scores.max(1, keepdims=True)


def right(scores):
    shifted = scores - scores.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def in_place(scores):
    scores -= scores.max(1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(1, keepdims=True))


def in_float64(scores):
    return right(scores.astype(float))


def loss(scores, labels, divisor=None, gradient_divisor=None, void=255, logs=right, clean=True, one=1):
    counts = labels != void
    number = max(counts.sum(), 1) if divisor is None else divisor(counts)
    logs = logs(np.where(counts[:, None], scores, 0) if clean else scores)
    at = np.where(counts, labels % 255, 0)[:, None]
    losses = -np.take_along_axis(logs, at, 1)[:, 0]
    difference = np.exp(logs) - one * (np.arange(scores.shape[1])[:, None, None] == at)
    if clean:
        losses, gradient = np.where(counts, losses, 0), np.where(counts[:, None], difference, 0)
    else:
        losses, gradient = counts * losses, counts[:, None] * difference
    return losses.sum() / number, gradient / (number if gradient_divisor is None else gradient_divisor(counts))


def summed(scores, labels):
    return loss(scores, labels, lambda counts: 1)


def over_all_pixels(scores, labels):
    return loss(scores, labels, lambda counts: counts.size)


def over_pictures(scores, labels):
    return loss(scores, labels, lambda counts: len(counts))


def void_forgotten(scores, labels):
    exponentials = np.exp(scores - scores.max(1, keepdims=True))
    softmax = exponentials / exponentials.sum(1, keepdims=True)
    right = np.take_along_axis(softmax, labels[:, None].astype(int), 1)
    one_hot = np.arange(scores.shape[1])[:, None, None] == labels[:, None]
    return -np.log(right).mean(), (softmax - one_hot) / labels.size


def mean_of_means(scores, labels):
    each = [loss(scores[i : i + 1], labels[i : i + 1]) for i in range(len(scores))]
    return np.mean([value for value, _ in each]), np.concatenate([gradient for _, gradient in each]) / len(each)


def void_is_class_0(scores, labels):
    return loss(scores, labels, void=-1)


def gradient_of_sum(scores, labels):
    return loss(scores, labels, gradient_divisor=lambda counts: 1)


def gradient_at_void(scores, labels):
    value, gradient = loss(scores, labels)
    logs = right(scores)
    return value, np.where((labels == 255)[:, None], np.exp(logs) / max((labels != 255).sum(), 1), gradient)


def no_one_hot(scores, labels):
    return loss(scores, labels, one=0)


def divides_by_nothing(scores, labels):
    return loss(scores, labels, lambda counts: counts.sum())


def multiplies_with_zero(scores, labels):
    return loss(scores, labels, clean=False)


def overflows(scores, labels):
    return loss(scores, labels, logs=naive)


def only_loss(scores, labels):
    return loss(scores, labels)[0]


def each_by_itself(parts):
    return [loss(*part)[1] for part in parts]


def mean_of_parts(parts):
    return [loss(*part)[1] / len(parts) for part in parts]


def sums_of_parts(parts):
    return [summed(*part)[1] for part in parts]


def all_pixels(parts):
    total = sum(labels.size for _, labels in parts)
    return [summed(*part)[1] / total for part in parts]


def divided_twice(parts):
    total = max(sum((labels != 255).sum() for _, labels in parts), 1)
    return [loss(*part)[1] / total for part in parts]


def nan_when_void(parts):
    counts = [(labels != 255).sum() for _, labels in parts]
    return [
        divides_by_nothing(*part)[1] * (count / max(sum(counts), 1)) for part, count in zip(parts, counts, strict=True)
    ]


def one_array(parts):
    return loss(*parts[0])[1]


def in_parts(scores, outside=1, inside=1, logarithm=np.log, join=np.sum):
    """The logarithm of softmax; the largest score is taken off outside of the sum, inside, or both."""
    largest = scores.max(1, keepdims=True)
    return scores - outside * largest - logarithm(join(np.exp(scores - inside * largest), axis=1, keepdims=True))


def largest_off_inside_only(scores):
    return in_parts(scores, outside=0)


def largest_off_outside_only(scores):
    return in_parts(scores, inside=0)


def base_two(scores):
    return in_parts(scores, logarithm=np.log2)


def mean_of_exponentials(scores):
    return in_parts(scores, join=np.mean)


def logarithms_in_the_gradient(scores, labels):
    counts = labels != 255
    logs = in_parts(np.where(counts[:, None], scores, 0))
    right = np.where(counts, labels, 0)[:, None]
    one_hot = np.arange(scores.shape[1])[:, None, None] == right
    losses, count = -np.take_along_axis(logs, right, 1)[:, 0], max(counts.sum(), 1)
    return np.where(counts, losses, 0).sum() / count, np.where(counts[:, None], logs - one_hot, 0) / count


WRONG = [
    ("log_softmax", naive, "scores of 1000 overflow"),
    ("log_softmax", log_of_softmax, "do not take the logarithm of a softmax"),
    ("log_softmax", one_largest, "a largest score of its own"),
    ("log_softmax", last_axis, "your sum runs over columns"),
    ("log_softmax", only_softmax, "that is softmax"),
    ("log_softmax", no_logarithm, "the logarithm of the sum is missing"),
    ("log_softmax", in_place, "you changed scores"),
    ("log_softmax", in_float64, "float32 comes in"),
    ("mean_loss", summed, "that is the sum"),
    ("mean_loss", over_all_pixels, "you divide by all pixels"),
    ("mean_loss", over_pictures, "by the number of pictures"),
    ("mean_loss", mean_of_means, "a mean of the pictures' means"),
    ("mean_loss", void_forgotten, "you forgot void"),
    ("mean_loss", void_is_class_0, "void pixels count as class 0"),
    ("mean_loss", gradient_of_sum, "its gradient is divided by the number"),
    ("mean_loss", gradient_at_void, "a void pixel gets a gradient"),
    ("mean_loss", no_one_hot, "the 1 of the right class is not subtracted"),
    ("mean_loss", divides_by_nothing, "you divide by 0"),
    ("mean_loss", multiplies_with_zero, "choose with np.where"),
    ("mean_loss", overflows, "scores of 1000 give no finite loss"),
    ("mean_loss", only_loss, "expected two things"),
    ("gradients_in_parts", each_by_itself, "each part is divided by its own pixels"),
    ("gradients_in_parts", mean_of_parts, "a mean of the parts' means"),
    ("gradients_in_parts", sums_of_parts, "the gradient of the sum"),
    ("gradients_in_parts", all_pixels, "divided by all pixels"),
    ("gradients_in_parts", divided_twice, "divided twice"),
    ("gradients_in_parts", nan_when_void, "holds NaN"),
    ("gradients_in_parts", one_array, "expected a list of 1 gradients"),
    ("log_softmax", largest_off_inside_only, "inside the sum and not outside"),
    ("log_softmax", largest_off_outside_only, "outside and not inside the sum"),
    ("log_softmax", base_two, "to base 2"),
    ("log_softmax", mean_of_exponentials, "a mean over the channels"),
    ("mean_loss", logarithms_in_the_gradient, "the probabilities themselves"),
]
