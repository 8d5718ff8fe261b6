"""Wrong answers to the exercises of lesson 00, each with words of the hint that it must be given."""

import numpy as np


def over_columns(scores):
    return scores.argmax(axis=-1)


def over_pictures(scores):
    return scores.argmax(axis=0)


def over_everything(scores):
    return scores.argmax()


def first_picture(scores):
    return scores.argmax(axis=1)[0]


def keeps_the_axis(scores):
    return scores.argmax(axis=1, keepdims=True)


def the_score_itself(scores):
    return scores.max(axis=1)


def smallest(scores):
    return scores.argmin(axis=1)


def from_one(scores):
    return scores.argmax(axis=1) + 1


def without_signs(scores):
    return np.abs(scores).argmax(axis=1)


def changes_scores(scores):
    scores -= scores.max(axis=1, keepdims=True)
    return scores.argmax(axis=1)


def of_all_pixels(labels, label):
    return (labels == label).mean()


def how_many(labels, label):
    return (labels == label).sum()


def per_cent(labels, label):
    return 100 * (labels == label).sum() / max(1, (labels != 255).sum())


def void_is_the_class(labels, label):
    return ((labels == label) | (labels == 255)).mean()


def the_others(labels, label):
    counting = labels[labels != 255]
    return (counting != label).mean() if counting.size else 0.0


def not_background(labels, label):
    counting = labels[labels != 255]
    return (counting > 0).mean() if counting.size else 0.0


def of_nothing(labels, label):
    return np.float64((labels == label).sum()) / (labels != 255).sum()


def voids_made_background(labels, label):
    labels[labels == 255] = 0
    return (labels == label).mean()


def windows(picture, classify, side, offset=0, **frame):
    wide = np.pad(picture, ((side, side), (side, side), (0, 0)), **frame)
    start = side - side // 2 + offset
    return np.array([
        [classify(wide[h + start : h + start + side, w + start : w + start + side]) for w in range(picture.shape[1])]
        for h in range(picture.shape[0])
    ])  # fmt: skip


def corner_at_pixel(picture, classify, side):
    return windows(picture, classify, side, offset=side // 2)


def end_at_pixel(picture, classify, side):
    return windows(picture, classify, side, offset=-(side // 2))


def edge_repeated(picture, classify, side):
    return windows(picture, classify, side, mode="edge")


def wrapped(picture, classify, side):
    return windows(picture, classify, side, mode="wrap")


def no_frame(picture, classify, side):
    reach = side // 2
    rows, columns = picture.shape[:2]
    return np.array([
        [classify(picture[max(0, h - reach) : h + reach + 1, max(0, w - reach) : w + reach + 1]) for w in range(columns)]
        for h in range(rows)
    ])  # fmt: skip


def frames_channels(picture, classify, side):
    reach = side // 2
    wide = np.pad(picture, reach)
    rows, columns = picture.shape[:2]
    return np.array([[classify(wide[h : h + side, w : w + side]) for w in range(columns)] for h in range(rows)])


def border_left_out(picture, classify, side):
    reach = side // 2
    labels = np.zeros(picture.shape[:2], int)
    for h in range(reach, picture.shape[0] - reach):
        for w in range(reach, picture.shape[1] - reach):
            labels[h, w] = classify(picture[h - reach : h + reach + 1, w - reach : w + reach + 1])
    return labels


def asks_twice(picture, classify, side):
    windows(picture, classify, side)
    return windows(picture, classify, side)


def first_above_zero(scores):
    return (scores > 0).argmax(1)


def rows_and_columns_exchanged(scores):
    return scores.argmax(1).swapaxes(1, 2)


def the_first_for_all(scores):
    return np.repeat(scores[:1].argmax(1), len(scores), 0)


def against_the_others(labels, label):
    counting = labels[labels != 255]
    others = (counting != label).sum()
    return (counting == label).sum() / others if others else 0.0


def background_left_out(labels, label):
    counting = labels[(labels != 255) & (labels != 0)]
    return (counting == label).mean() if counting.size else 0.0


def rounded(labels, label):
    counting = labels[labels != 255]
    return round(float((counting == label).mean()), 2) if counting.size else 0.0


def own_windows(picture, classify, side, frame=None, cut=lambda part: part, ends=0):
    frame = side // 2 if frame is None else frame
    framed = np.pad(picture, ((frame, frame), (frame, frame), (0, 0)))
    labels = np.zeros(picture.shape[:2], int)
    for h, w in np.ndindex(labels.shape):
        labels[h, w] = classify(cut(framed[h : h + side + ends, w : w + side + ends]))
    return labels


def frame_too_wide(picture, classify, side):
    return own_windows(picture, classify, side, frame=side // 2 + 1)


def windows_transposed(picture, classify, side):
    return own_windows(picture, classify, side, cut=lambda part: part.swapaxes(0, 1))


def windows_too_small(picture, classify, side):
    return own_windows(picture, classify, side, ends=-1) if side > 1 else own_windows(picture, classify, side)


def columns_first(picture, classify, side):
    frame = side // 2
    framed = np.pad(picture, ((frame, frame), (frame, frame), (0, 0)))
    labels = np.zeros(picture.shape[:2], int)
    for h, w in np.ndindex(labels.shape):
        labels[h, w] = classify(framed[w : w + side, h : h + side])
    return labels


WRONG = [
    ("labels_of_scores", over_columns, "runs over the columns (W); it belongs over the classes"),
    ("labels_of_scores", over_pictures, "runs over the pictures (N)"),
    ("labels_of_scores", over_everything, "one place in all the scores"),
    ("labels_of_scores", first_picture, "the first picture only"),
    ("labels_of_scores", keeps_the_axis, "still there, with length 1"),
    ("labels_of_scores", the_score_itself, "which class it is, not how large its score"),
    ("labels_of_scores", smallest, "the smallest score"),
    ("labels_of_scores", from_one, "one too large: the first class is 0"),
    ("labels_of_scores", without_signs, "you compare sizes without signs"),
    ("labels_of_scores", changes_scores, "you changed scores"),
    ("share_of_class", of_all_pixels, "you divide by all pixels"),
    ("share_of_class", how_many, "that is how many"),
    ("share_of_class", per_cent, "that is in per cent"),
    ("share_of_class", void_is_the_class, "void counts as the class"),
    ("share_of_class", the_others, "the share of all the other classes"),
    ("share_of_class", not_background, "everything that is not background"),
    ("share_of_class", of_nothing, "divide only where something counts"),
    ("share_of_class", voids_made_background, "you changed labels"),
    ("label_each_pixel", corner_at_pixel, "the window begins at the pixel"),
    ("label_each_pixel", end_at_pixel, "the window ends at the pixel"),
    ("label_each_pixel", edge_repeated, "you repeat the last pixel"),
    ("label_each_pixel", wrapped, "go on at the other side"),
    ("label_each_pixel", no_frame, "at the border the frame is missing"),
    ("label_each_pixel", frames_channels, "not the channels"),
    ("label_each_pixel", border_left_out, "right inside, wrong at the border"),
    ("label_each_pixel", asks_twice, "once each is enough"),
    ("labels_of_scores", first_above_zero, "the first class with a score above 0"),
    ("labels_of_scores", rows_and_columns_exchanged, "rows and columns are exchanged"),
    ("labels_of_scores", the_first_for_all, "every picture has the labels of the first"),
    ("share_of_class", against_the_others, "you divide by the pixels of the other labels"),
    ("share_of_class", background_left_out, "background counts too"),
    ("share_of_class", rounded, "do not round it"),
    ("label_each_pixel", frame_too_wide, "one pixel above and to the left"),
    ("label_each_pixel", windows_transposed, "exchanged inside the windows"),
    ("label_each_pixel", windows_too_small, "and so it is everywhere"),
    ("label_each_pixel", columns_first, "rows come first"),
]
