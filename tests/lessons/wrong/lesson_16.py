"""Wrong answers to the exercises of lesson 16, and words of the hint that each must get."""

import numpy as np


def pixels_of(kept, cell, labels):
    return kept.repeat(cell, 1).repeat(cell, 2)[:, : labels.shape[1], : labels.shape[2]]


def void_wrong_way(labels, kept, cell):
    return np.where(pixels_of(kept, cell, labels), np.uint8(255), labels)


def void_as_background(labels, kept, cell):
    return np.where(pixels_of(kept, cell, labels), labels, np.uint8(0))


def void_in_place(labels, kept, cell):
    labels[~pixels_of(kept, cell, labels)] = 255
    return labels


def void_as_floats(labels, kept, cell):
    return np.where(pixels_of(kept, cell, labels), labels, 255.0)


def void_without_last_row(labels, kept, cell):
    result = labels.copy()
    for n, i, j in np.argwhere(~kept):
        if (i + 1) * cell <= labels.shape[1]:
            result[n, i * cell : (i + 1) * cell, j * cell : (j + 1) * cell] = 255
    return result


def void_tiled(labels, kept, cell):
    h, w = labels.shape[1:]
    return np.where(np.tile(kept, (1, cell, cell))[:, :h, :w], labels, np.uint8(255))


def weights(label_maps, classes, everywhere=False, void=False, middle=np.median, absent=False):
    pixels, labelled = np.zeros(classes), np.zeros(classes)
    for labels in label_maps:
        counts = np.bincount(labels[labels != 255].ravel(), minlength=classes)
        total = labels.size if void else counts.sum()
        pixels += counts
        labelled += total if everywhere else np.where(counts > 0, total, 0)
    frequency = pixels / np.maximum(labelled, 1)
    present = pixels > 0
    result = np.ones(classes)
    if present.any():
        result[present] = middle(frequency if absent else frequency[present]) / frequency[present]
    return result


def weights_over_all(label_maps, classes):
    return weights(label_maps, classes, everywhere=True)


def weights_with_void(label_maps, classes):
    return weights(label_maps, classes, void=True)


def weights_mean(label_maps, classes):
    return weights(label_maps, classes, middle=np.mean)


def weights_upside_down(label_maps, classes):
    return 1 / weights(label_maps, classes)


def weights_with_absent(label_maps, classes):
    return weights(label_maps, classes, absent=True)


def weights_absent_zero(label_maps, classes):
    result = weights(label_maps, classes)
    result[[not any((each == k).any() for each in label_maps) for k in range(classes)]] = 0
    return result


def weights_inverse(label_maps, classes):
    return weights(label_maps, classes, middle=lambda values: 1.0)


def cut(x, kept, labels, size, starts):
    places = np.argwhere(kept)
    pieces = []
    for n, i, j in places:
        y, z = starts(i, j)
        y, z = min(max(0, y), x.shape[2] - size), min(max(0, z), x.shape[3] - size)
        pieces.append(x[n, :, y : y + size, z : z + size])
    return np.stack(pieces), labels[kept]


def patches_without_stride(x, labels, kept, size, stride):
    return cut(x, kept, labels, size, lambda i, j: (i, j))


def patches_of_all(x, labels, kept, size, stride):
    return cut(x, np.ones_like(kept), labels, size, lambda i, j: (stride * i, stride * j))


def patches_not_kept(x, labels, kept, size, stride):
    return cut(x, ~kept, labels, size, lambda i, j: (stride * i, stride * j))


def patches_by_column(x, labels, kept, size, stride):
    pieces = [
        (x[n, :, stride * i : stride * i + size, stride * j : stride * j + size], labels[n, i, j])
        for n in range(len(x))
        for j in range(kept.shape[2])
        for i in range(kept.shape[1])
        if kept[n, i, j]
    ]
    return np.stack([piece for piece, _ in pieces]), np.array([label for _, label in pieces])


def patches_all_labels(x, labels, kept, size, stride):
    pieces, _ = cut(x, kept, labels, size, lambda i, j: (stride * i, stride * j))
    return pieces, labels.ravel()[: len(pieces)]


def patches_alone(x, labels, kept, size, stride):
    return cut(x, kept, labels, size, lambda i, j: (stride * i, stride * j))[0]


def weights_void_forgotten(label_maps, classes):
    pixels, labelled = np.zeros(classes), np.zeros(classes)
    for labels in label_maps:
        counts = np.bincount(labels.ravel(), minlength=classes)
        pixels += counts
        labelled += np.where(counts > 0, counts.sum(), 0)
    return np.median(pixels / labelled) / (pixels / labelled)


def cells_wide_numbers(labels, kept, cell):
    h, w = labels.shape[1:]
    return np.where(kept.repeat(cell, 1).repeat(cell, 2)[:, :h, :w], labels, 255 + 0 * labels.astype(int))


def patches_exchanged(x, labels, kept, size, stride):
    cut = [x[n, :, stride * j : stride * j + size, stride * i : stride * i + size] for n, i, j in np.argwhere(kept)]
    return np.stack(cut), labels[kept]


WRONG = [
    ("void_cells", void_wrong_way, "the wrong way round"),
    ("void_cells", void_as_background, "became class 0"),
    ("void_cells", void_in_place, "make a copy"),
    ("void_cells", void_as_floats, "expected integers"),
    ("void_cells", void_without_last_row, "the last row of squares"),
    ("void_cells", void_tiled, "belongs to the square"),
    ("median_frequency", weights_over_all, "over the pictures that show it"),
    ("median_frequency", weights_with_void, "void pixels are counted"),
    ("median_frequency", weights_void_forgotten, "you forgot void"),
    ("median_frequency", weights_mean, "take the median"),
    ("median_frequency", weights_upside_down, "upside down"),
    ("median_frequency", weights_with_absent, "absent classes took part"),
    ("median_frequency", weights_absent_zero, "never occurs has weight 1"),
    ("median_frequency", weights_inverse, "up to a factor"),
    ("patches", patches_without_stride, "a step of one cell is `stride` pixels"),
    ("patches", patches_of_all, "those of kept cells only"),
    ("patches", patches_not_kept, "that were not kept"),
    ("patches", patches_by_column, "in another order"),
    ("patches", patches_all_labels, "the labels are not"),
    ("patches", patches_alone, "expected (patches, labels)"),
    ("void_cells", cells_wide_numbers, "uint8 comes in and int64 goes out"),
    ("patches", patches_exchanged, "exchanged"),
]
