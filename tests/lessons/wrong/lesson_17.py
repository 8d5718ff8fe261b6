"""Wrong answers to the exercises of lesson 17, and words of the hint that each must get."""

import numpy as np


def count(labels, predictions, classes):
    matrix = np.zeros((classes, classes), int)
    counts = labels != 255
    np.add.at(matrix, (labels[counts], predictions[counts]), 1)
    return matrix


def table_exchanged(labels, predictions, classes):
    return count(labels, predictions, classes).T


def table_void_as_background(labels, predictions, classes):
    return count(np.where(labels == 255, 0, labels), predictions, classes)


def table_void_as_last(labels, predictions, classes):
    return count(np.minimum(labels, classes - 1), predictions, classes)


def table_forgets_void(labels, predictions, classes):
    pairs = labels.astype(int).ravel() * classes + predictions.ravel()
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def table_forgets_void_in_a_loop(labels, predictions, classes):
    matrix = np.zeros((classes, classes), int)
    for truth, guess in zip(labels.ravel(), predictions.ravel(), strict=True):
        matrix[truth, guess] += 1
    return matrix


def table_keeps_a_row_for_void(labels, predictions, classes):
    return count(np.where(labels == 255, classes, labels), predictions, classes + 1)


def table_assigns(labels, predictions, classes):
    matrix = np.zeros((classes, classes), int)
    counts = labels != 255
    matrix[labels[counts], predictions[counts]] += 1
    return matrix


def table_of_shares(labels, predictions, classes):
    matrix = count(labels, predictions, classes)
    return matrix / matrix.sum()


def table_of_present(labels, predictions, classes):
    matrix = count(labels, predictions, classes)
    present = (matrix.sum(0) + matrix.sum(1)) > 0
    return matrix[np.ix_(present, present)][:, :-1]


def table_overflows(labels, predictions, classes):
    counts = labels != 255
    pairs = labels[counts] * np.uint8(classes) + predictions[counts]  # 13 · 21 does not fit in 8 bits
    matrix = np.zeros(classes**2, int)
    np.add.at(matrix, pairs[pairs < 200], 1)
    return matrix.reshape(classes, classes)


def table_in_place(labels, predictions, classes):
    matrix = count(labels, predictions, classes)
    labels[labels == 255] = 0
    return matrix


def parts(matrix):
    return np.diag(matrix), matrix.sum(1), matrix.sum(0), matrix.sum(1) + matrix.sum(0) - np.diag(matrix)


def four(matrix, **changes):
    correct, true, _, union = parts(matrix)
    shown, present = true > 0, union > 0
    iu = correct[present] / union[present]
    found = {
        "pixel": correct.sum() / true.sum(),
        "accuracy": (correct[shown] / true[shown]).mean(),
        "iu": iu.mean(),
        "weighted": (true[present] * iu).sum() / true.sum(),
    } | changes
    return tuple(found.values())


def scores_divide_by_zero(matrix):
    correct, _, _, union = parts(matrix)
    return four(matrix, iu=(correct / union).mean())


def scores_per_cent(matrix):
    return tuple(100 * value for value in four(matrix))


def scores_drop_by_truth(matrix):
    correct, true, _, union = parts(matrix)
    return four(matrix, iu=(correct[true > 0] / union[true > 0]).mean())


def scores_absent_zero(matrix):
    correct, _, _, union = parts(matrix)
    return four(matrix, iu=(correct / np.maximum(union, 1)).mean())


def scores_absent_one(matrix):
    correct, _, _, union = parts(matrix)
    return four(matrix, iu=np.where(union > 0, correct / np.maximum(union, 1), 1).mean())


def scores_union_too_large(matrix):
    correct, true, predicted, union = parts(matrix)
    present = union > 0
    return four(matrix, iu=(correct[present] / (true + predicted)[present]).mean())


def scores_dice(matrix):
    correct, true, predicted, union = parts(matrix)
    present = union > 0
    return four(matrix, iu=(2 * correct[present] / (true + predicted)[present]).mean())


def scores_precision(matrix):
    correct, _, predicted, _ = parts(matrix)
    return four(matrix, accuracy=(correct / np.maximum(predicted, 1)).mean())


def scores_accuracy_of_absent(matrix):
    correct, true, _, _ = parts(matrix)
    return four(matrix, accuracy=(correct / np.maximum(true, 1)).mean())


def scores_weighted_by_guess(matrix):
    correct, _, predicted, union = parts(matrix)
    return four(matrix, weighted=(predicted * correct / np.maximum(union, 1)).sum() / predicted.sum())


def scores_three(matrix):
    return four(matrix)[:3]


def coarse(labels, factor, choose, whole_only=False):
    result = labels.copy()
    for y in range(0, labels.shape[0], factor):
        for x in range(0, labels.shape[1], factor):
            block = labels[y : y + factor, x : x + factor]
            if whole_only and block.shape != (factor, factor):
                continue
            result[y : y + factor, x : x + factor] = choose(block)
    return result


def vote(block, nothing=255):
    votes = np.bincount(block[block != 255])
    return votes.argmax() if votes.size else nothing


def coarse_void_votes(labels, factor):
    return coarse(labels, factor, lambda block: np.bincount(block.ravel()).argmax())


def coarse_void_is_zero(labels, factor):
    return coarse(labels, factor, lambda block: vote(block, 0))


def coarse_highest(labels, factor):
    def choose(block):
        votes = np.bincount(block[block != 255])
        return len(votes) - 1 - votes[::-1].argmax() if votes.size else 255

    return coarse(labels, factor, choose)


def coarse_first_pixel(labels, factor):
    return coarse(labels, factor, lambda block: block[0, 0])


def coarse_whole_blocks(labels, factor):
    return coarse(labels, factor, vote, whole_only=True)


def coarse_small(labels, factor):
    return coarse(labels, factor, vote)[::factor, ::factor][:1, :1]


def coarse_median(labels, factor):
    return coarse(labels, factor, lambda block: np.sort(block.ravel())[block.size // 2])


def pairs_of(labels, predictions, classes, kind):
    counts = labels != 255
    pairs = labels[counts].astype(kind) * kind(classes) + predictions[counts].astype(kind)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def table_of_hits(labels, predictions, classes):
    return np.diag(np.diag(pairs_of(labels, predictions, classes, int)))


def table_of_row_shares(labels, predictions, classes):
    whole = pairs_of(labels, predictions, classes, int)
    return whole / np.maximum(whole.sum(1, keepdims=True), 1)


def table_in_uint8(labels, predictions, classes):
    return pairs_of(labels, predictions, classes, np.uint8)


def scores_in_another_order(matrix):
    correct, true, predicted = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    union = true + predicted - correct
    shown, present = true > 0, union > 0
    iu = correct[present] / union[present]
    weighted = (true[present] * iu).sum() / true.sum()
    return correct.sum() / true.sum(), iu.mean(), (correct[shown] / true[shown]).mean(), weighted


def coarse_by(labels, factor, choose):
    result = labels.copy()
    for y in range(0, labels.shape[0], factor):
        for x in range(0, labels.shape[1], factor):
            result[y : y + factor, x : x + factor] = choose(labels[y : y + factor, x : x + factor])
    return result


def coarse_middle(labels, factor):
    return coarse_by(
        labels, factor, lambda block: block[min(factor // 2, len(block) - 1), min(factor // 2, block.shape[1] - 1)]
    )


def coarse_keeps_void(labels, factor):
    def choose(block):
        votes = np.bincount(block[block != 255])
        return votes.argmax() if votes.size else 255

    return np.where(labels == 255, 255, coarse_by(labels, factor, choose)).astype(np.uint8)


WRONG = [
    ("confusion", table_exchanged, "rows are the true classes"),
    ("confusion", table_void_as_background, "void was counted as class 0"),
    ("confusion", table_void_as_last, "void was counted as the last class"),
    ("confusion", table_forgets_void, "you forgot void"),
    ("confusion", table_forgets_void_in_a_loop, "you forgot void"),
    ("confusion", table_keeps_a_row_for_void, "void is no class"),
    ("confusion", table_assigns, "you assign where pairs repeat"),
    ("confusion", table_of_shares, "those are shares"),
    ("confusion", table_of_present, "a row and a column too"),
    ("confusion", table_overflows, "overflows in uint8"),
    ("confusion", table_in_place, "you changed the labels"),
    ("four_scores", scores_divide_by_zero, "you divide by zero"),
    ("four_scores", scores_per_cent, "in per cent"),
    ("four_scores", scores_drop_by_truth, "you drop it"),
    ("four_scores", scores_absent_zero, "you count it as 0"),
    ("four_scores", scores_absent_one, "you count it as 1"),
    ("four_scores", scores_union_too_large, "the right pixels are in both sums"),
    ("four_scores", scores_dice, "the Dice score"),
    ("four_scores", scores_precision, "mean precision"),
    ("four_scores", scores_accuracy_of_absent, "has no accuracy and leaves the mean"),
    ("four_scores", scores_weighted_by_guess, "weight by true ones"),
    ("four_scores", scores_three, "expected four numbers"),
    ("coarse_labels", coarse_void_votes, "void has a vote in yours"),
    ("coarse_labels", coarse_void_is_zero, "a block of void alone stays void"),
    ("coarse_labels", coarse_highest, "take the lower"),
    ("coarse_labels", coarse_first_pixel, "the block's first pixel"),
    ("coarse_labels", coarse_whole_blocks, "which are cut off, are wrong"),
    ("coarse_labels", coarse_small, "expected that of the labels"),
    ("coarse_labels", coarse_median, "becomes its most frequent class"),
    ("confusion", table_of_hits, "only the pixels that are right"),
    ("confusion", table_of_row_shares, "the table holds shares"),
    ("confusion", table_in_uint8, "overflows in uint8"),
    ("four_scores", scores_in_another_order, "another of the four"),
    ("coarse_labels", coarse_middle, "middle pixel"),
    ("coarse_labels", coarse_keeps_void, "only where the whole block is void"),
]
