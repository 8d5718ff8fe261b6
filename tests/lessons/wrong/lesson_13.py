"""Wrong answers to the exercises of lesson 13, and words of the hint that each must get."""


def land(layers, dilated=True, padded=True, before=True, in_pixels=True, halves=True):
    total, centre = 1, 0.0
    for kernel, stride, padding, dilation in layers:
        span = (dilation if dilated else 1) * (kernel - 1)
        by = (span / 2 if halves else span // 2) - (padding if padded else 0)
        centre += by * ((total if before else total * stride) if in_pixels else 1)
        total *= stride
    return total, centre


def landing_without_dilation(layers):
    return land(layers, dilated=False)


def landing_without_padding(layers):
    return land(layers, padded=False)


def landing_stride_first(layers):
    return land(layers, before=False)


def landing_in_cells(layers):
    return land(layers, in_pixels=False)


def landing_whole_cells(layers):
    return land(layers, halves=False)


def landing_exchanged(layers):
    return land(layers)[::-1]


def landing_last_stride(layers):
    return layers[-1][1] if layers else 1, land(layers)[1]


def place(layers, divide_first=True, downs_only=False):
    total, centre = 1.0, 0.0
    for kind, kernel, stride, padding in layers:
        middle = (kernel - 1) / 2 - padding
        if kind == "conv":
            centre += middle * total
            total *= stride
        elif divide_first:
            total /= stride
            centre -= 0 if downs_only else middle * total
        else:
            centre -= middle * total
            total /= stride
    return total, centre


def checked(offset):
    if offset < 0 or offset != int(offset):
        raise ValueError(offset)
    return int(offset)


def crop_in_pixels(finer, other):
    (stride, mine), (their_stride, theirs) = place(finer), place(other)
    if stride != their_stride:
        raise ValueError
    checked((theirs - mine) / stride)
    return theirs - mine


def crop_sign(finer, other):
    (stride, mine), (_, theirs) = place(finer), place(other)
    return int((mine - theirs) / stride)


def crop_divides_last(finer, other):
    (stride, mine), (_, theirs) = place(finer, divide_first=False), place(other, divide_first=False)
    return (theirs - mine) / stride


def crop_rounds(finer, other):
    (stride, mine), (their_stride, theirs) = place(finer), place(other)
    if stride != their_stride:
        raise ValueError
    return max(0, int((theirs - mine) // stride))


def crop_any_strides(finer, other):
    (stride, mine), (_, theirs) = place(finer), place(other)
    return checked((theirs - mine) / stride)


def crop_below_zero(finer, other):
    (stride, mine), (their_stride, theirs) = place(finer), place(other)
    offset = (theirs - mine) / stride
    if stride != their_stride or offset != int(offset):
        raise ValueError
    return int(offset)


def crop_ups_stay(finer, other):
    (stride, mine), (_, theirs) = place(finer, downs_only=True), place(other, downs_only=True)
    return (theirs - mine) / stride


def least(layers, height, up=True, sides=2, stop=True, start=0):
    for padding in range(start, 2000):
        rows = height
        for number, (kind, kernel, stride, own) in enumerate(layers):
            spare = rows + (sides * padding if number == 0 else 2 * own) - kernel
            rows = (-(-spare // stride) if kind == "pool" and up else spare // stride) + 1
            if stop and rows < 1:
                break
        if rows >= 1:
            return padding
    return None


def padding_pools_down(layers, height):
    return least(layers, height, up=False)


def padding_one_side(layers, height):
    return least(layers, height, sides=1)


def padding_from_own(layers, height):
    return least(layers, height, start=layers[0][3])


def padding_one_more(layers, height):
    return least(layers, height) + 1


def padding_one_less(layers, height):
    return max(0, least(layers, height) - 1)


def padding_of_the_reference(layers, height):
    return 100


def landing_gap_too_many(layers):
    total, centre = 1, 0.0
    for kernel, stride, padding, dilation in layers:
        centre += ((dilation * kernel - 1) / 2 - padding) * total
        total *= stride
    return total, centre


def landing_from_the_end(layers):
    total, centre = 1, 0.0
    for kernel, stride, padding, dilation in reversed(layers):
        centre += (dilation * (kernel - 1) / 2 - padding) * total
        total *= stride
    return total, centre


def landing_padding_moves_on(layers):
    total, centre = 1, 0.0
    for kernel, stride, padding, dilation in layers:
        centre += (dilation * (kernel - 1) / 2 + padding) * total
        total *= stride
    return total, centre


def padding_last_map_only(layers, height):
    padding = 0
    while True:
        rows = height
        for number, (kind, kernel, stride, own) in enumerate(layers):
            spare = rows + 2 * (padding if number == 0 else own) - kernel
            rows = (-(-spare // stride) if kind == "pool" else spare // stride) + 1
        if rows >= 1:
            return padding
        padding += 1


WRONG = [
    ("landing", landing_without_dilation, "leave the dilation out"),
    ("landing", landing_without_padding, "leave the padding out"),
    ("landing", landing_stride_first, "multiply the stride before you use it"),
    ("landing", landing_in_cells, "you count in cells"),
    ("landing", landing_whole_cells, "half cells are lost"),
    ("landing", landing_exchanged, "exchanged"),
    ("landing", landing_last_stride, "product of the layers' strides"),
    ("crop_offset", crop_in_pixels, "the distance in pixels"),
    ("crop_offset", crop_sign, "the sign is wrong"),
    ("crop_offset", crop_divides_last, "divide the stride before the centre moves"),
    ("crop_offset", crop_rounds, "half a cell apart"),
    ("crop_offset", crop_any_strides, "maps of different strides"),
    ("crop_offset", crop_below_zero, "a crop below 0 passed"),
    ("crop_offset", crop_ups_stay, "the distance of the two centres, in cells"),
    ("least_padding", padding_pools_down, "pools round up"),
    ("least_padding", padding_one_side, "on both sides"),
    ("least_padding", padding_from_own, "in place of the layer's own"),
    ("least_padding", padding_one_more, "take the first that works"),
    ("least_padding", padding_one_less, "no cell is left"),
    ("least_padding", padding_of_the_reference, "100 is enough"),
    ("landing", landing_gap_too_many, "k taps have k - 1 gaps"),
    ("landing", landing_from_the_end, "from the last layer back"),
    ("landing", landing_padding_moves_on, "you move it on"),
    ("least_padding", padding_last_map_only, "stop where a map has no rows"),
]
