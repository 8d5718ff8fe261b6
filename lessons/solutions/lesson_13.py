"""Answers to the exercises of lesson 13."""


def landing(layers):
    total, centre = 1, 0.0
    for kernel, stride, padding, dilation in layers:
        centre += (dilation * (kernel - 1) / 2 - padding) * total  # half cells count: the middle may lie between two
        total *= stride
    return total, centre


def crop_offset(finer, other):
    def place(layers):
        total, centre = 1.0, 0.0
        for kind, kernel, stride, padding in layers:
            middle = (kernel - 1) / 2 - padding
            if kind == "conv":
                centre += middle * total
                total *= stride
            else:  # what the convolution did, undone: in the other order
                total /= stride
                centre -= middle * total
        return total, centre

    (stride, mine), (their_stride, theirs) = place(finer), place(other)
    if stride != their_stride:
        raise ValueError(f"crop: strides {stride:g} and {their_stride:g}; upsample the coarser map first")
    offset = (theirs - mine) / stride
    if offset < 0 or offset != int(offset):
        raise ValueError(f"crop: the maps begin {offset:g} cells apart; expected a whole number from 0 on")
    return int(offset)


def least_padding(layers, height):
    def reaches(first_padding):
        rows = height
        for number, (kind, kernel, stride, padding) in enumerate(layers):
            spare = rows + 2 * (first_padding if number == 0 else padding) - kernel
            rows = (-(-spare // stride) if kind == "pool" else spare // stride) + 1  # -(-a // b) rounds up
            if rows < 1:
                return False
        return True

    padding = 0
    while not reaches(padding):
        padding += 1
    return padding


SOLUTIONS = {"landing": landing, "crop_offset": crop_offset, "least_padding": least_padding}
