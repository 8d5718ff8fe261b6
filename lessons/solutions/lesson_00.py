"""Answers to the exercises of lesson 00."""

import numpy as np


def labels_of_scores(scores):
    return scores.argmax(axis=1)  # the axis of the classes goes, the others stay


def share_of_class(labels, label):
    counting = labels[labels != 255]
    return (counting == label).mean() if counting.size else 0.0  # the mean of nothing would be NaN


def label_each_pixel(picture, classify, side):
    height, width, _ = picture.shape
    frame = side // 2
    framed = np.pad(picture, ((frame, frame), (frame, frame), (0, 0)))
    labels = np.zeros((height, width), int)
    for h in range(height):
        for w in range(width):
            # the frame has moved everything by side // 2, so the window around (h, w) begins at (h, w)
            labels[h, w] = classify(framed[h : h + side, w : w + side])
    return labels


SOLUTIONS = {
    "labels_of_scores": labels_of_scores,
    "share_of_class": share_of_class,
    "label_each_pixel": label_each_pixel,
}
