"""Receptive fields, strides and crops against the numbers of the paper and of its reference model."""

from fractions import Fraction
from itertools import pairwise

import pytest

from minifcn import nn
from minifcn.models import FCN
from minifcn.models.geometry import Field, crop_offset

from .nets import PADDINGS, STRIDES, vgg16

CONV, POOL = (3, 1, 1), (2, 2, 0)  # kernel, stride, padding


def chain(layers, field=Field()):  # noqa: B008 - a NamedTuple cannot be changed
    for layer in layers:
        field = field.window(*layer)
    return field


def vgg_fields(first_padding):
    """Field of each pool and of fc6, from kernels and strides alone."""
    fields, field = {}, Field()
    for stage, count in enumerate((2, 2, 3, 3, 3), start=1):
        for number in range(count):
            field = field.window(3, 1, first_padding if stage == 1 and number == 0 else 1)
        fields[f"pool{stage}"] = field = field.window(*POOL)
    fields["fc6"] = field.window(7, 1, 0)
    return fields


EXPECTED = {
    "pool1": (6, 2),
    "pool2": (16, 4),
    "pool3": (44, 8),
    "pool4": (100, 16),
    "pool5": (212, 32),
    "fc6": (404, 32),
}


@pytest.mark.parametrize("padding", [1, 97, 100])
def test_receptive_fields_and_centres_of_vgg16(padding):
    fields = vgg_fields(padding)
    assert {name: (field.size, field.stride) for name, field in fields.items()} == EXPECTED
    assert fields["fc6"].centre == Fraction(225, 2) - padding  # x = 32 y + 112.5 - P, coord_map.py
    assert fields["pool4"].centre == Fraction(17, 2) - padding
    assert fields["pool3"].centre == Fraction(9, 2) - padding


def test_receptive_fields_of_the_layers_of_vgg16(monkeypatch):
    model = vgg16(monkeypatch, 8)
    for name, (size, stride) in EXPECTED.items():
        field = Field().through(model.backbone.layers_to(name))
        assert (field.size, field.stride) == (size, stride), name
    assert Field().through(model.backbone.layers_to("drop7")) == vgg_fields(100)["fc6"]


ALEXNET = {
    "conv1": ((11, 4, 100), (11, 4)),
    "pool1": ((3, 2, 0), (19, 8)),
    "conv2": ((5, 1, 2), (51, 8)),
    "pool2": ((3, 2, 0), (67, 16)),
    "conv3": ((3, 1, 1), (99, 16)),
    "conv4": ((3, 1, 1), (131, 16)),
    "conv5": ((3, 1, 1), (163, 16)),
    "pool5": ((3, 2, 0), (195, 32)),
    "fc6": ((6, 1, 0), (355, 32)),
}


def test_alexnet_sees_355_pixels_and_is_cropped_by_18():
    field = Field()
    for name, (layer, expected) in ALEXNET.items():
        field = field.window(*layer)
        assert (field.size, field.stride) == expected, name
    assert crop_offset(field.transposed(63, 32, 0), Field()) == 18


def test_googlenet_sees_715_pixels_and_907_with_its_last_pool():
    field = chain([(7, 2, 3), (3, 2, 0), (1, 1, 0), (3, 1, 1), (3, 2, 0)])
    sizes = []
    for inceptions in (2, 5, 2):
        field = field if not sizes else field.window(3, 2, 0)
        for _ in range(inceptions):
            field = field.window(5, 1, 2)
            sizes.append(field.size)
    assert sizes == [59, 91, 171, 235, 299, 363, 427, 587, 715] and field.stride == 32
    assert field.window(7, 1, 0).size == 907


@pytest.mark.parametrize("padding", [81, 97, 100, 105])
def test_offsets_of_the_reference_for_any_first_padding(padding):
    fields = vgg_fields(padding)
    coarse = fields["fc6"]
    assert crop_offset(coarse.transposed(64, 32), Field()) == padding - 81
    up2 = coarse.transposed(4, 2)
    assert crop_offset(fields["pool4"], up2) == 5
    assert crop_offset(up2.transposed(32, 16), Field()) == padding - 73
    up4 = up2.transposed(4, 2)
    assert crop_offset(fields["pool3"], up4) == 9
    assert crop_offset(up4.transposed(16, 8), Field()) == padding - 69


def offsets(model):
    return [skip.offset for skip in model.skips] + [model.offset]


# 4s has no reference: pool2 lies at 4 y + 2.5 - P, the coarse map three times doubled at 4 y + 70.5 - P; 67 - P is left
REFERENCE = {32: [19], 16: [5, 27], 8: [5, 9, 31], 4: [5, 9, 17, 33]}


@pytest.mark.parametrize("stride", STRIDES)
def test_offsets_derived_from_the_layers(monkeypatch, stride):
    assert offsets(vgg16(monkeypatch, stride)) == REFERENCE[stride]
    assert offsets(FCN("tiny", stride, 2, width=1, padding="paper")) == REFERENCE[stride]
    assert offsets(FCN("tiny", stride, 2, width=1, padding="same")) == [0] * len(REFERENCE[stride])


def test_81_is_the_least_padding_that_needs_no_negative_crop():
    def crop(padding):
        return crop_offset(vgg_fields(padding)["fc6"].transposed(64, 32), Field())

    assert crop(81) == 0
    for padding in range(81):
        with pytest.raises(ValueError, match="the maps start -"):
            crop(padding)


# sizes by a closed form: five pools that round up, then fc6
def halved(size, times):
    return -(-size // 2**times)


def map_sizes(height, padding=100):
    """{stride: (finer map, upsampled coarse map)} and the result's sizes, before any crop."""
    first = height + 2 * padding - 2
    fc6 = halved(first, 5) - 6
    return first, fc6


@pytest.mark.parametrize("offsets", REFERENCE.values(), ids=REFERENCE)
def test_crops_fit_for_every_height_up_to_1300(offsets):
    for height in range(1, 1301):
        first, size = map_sizes(height)
        assert size >= 1
        for times, offset in zip((4, 3, 2), offsets[:-1], strict=False):
            size = 2 * (size - 1) + 4
            finer = halved(first, times)
            assert finer - offset >= size, (
                height,
                times,
            )  # the reference crops the finer map to the coarse one: it must be larger
        factor = 2 ** (6 - len(offsets))
        assert factor * (size - 1) + 2 * factor - offsets[-1] >= height, height


def test_97_is_the_least_padding_with_which_one_pixel_reaches_fc6():
    assert map_sizes(1, 97)[1] == 1 and map_sizes(1, 96)[1] == 0


@pytest.mark.parametrize(
    "height, sizes", [(500, (698, 16, 544)), (375, (573, 12, 416)), (333, (531, 11, 384)), (224, (422, 8, 288))]
)
def test_the_formulas_of_this_file_give_the_published_sizes(height, sizes):
    first, fc6 = map_sizes(height)
    assert (first, fc6, 32 * (fc6 - 1) + 64) == sizes


@pytest.mark.parametrize("inner", [(3, 1), (2, 2), (5, 3), (11, 4)])
@pytest.mark.parametrize("outer", [(1, 1), (3, 2), (7, 1), (4, 5)])
def test_two_windows_are_one(inner, outer):
    """f_ks ∘ g_k's' = (f ∘ g) of kernel k' + (k - 1)·s' and stride s·s'. Paper, section 3."""
    (k1, s1), (k2, s2) = inner, outer
    both = Field().window(k1, s1).window(k2, s2)
    assert both == Field().window(k1 + (k2 - 1) * s1, s1 * s2)
    assert (both.size, both.stride, both.centre) == (k1 + (k2 - 1) * s1, s1 * s2, Fraction(k1 + (k2 - 1) * s1 - 1, 2))


def test_dilation_and_padding_by_hand():
    assert Field().window(3, dilation=4, padding=4) == Field(9, Fraction(1), Fraction(0))
    assert Field().window(2, 2, padding=1).centre == Fraction(-1, 2)
    assert Field().window(2, 2).window(3, 2, padding=0, dilation=2) == Field(10, Fraction(4), Fraction(9, 2))


@pytest.mark.parametrize("window", [(4, 2, 1), (64, 32, 0), (3, 2, 0), (63, 32, 16), (2, 2, 0), (5, 1, 2)])
def test_transposed_undoes_stride_and_centre(window):
    field = chain([CONV, POOL, POOL])
    back = field.window(*window).transposed(*window)
    assert (back.stride, back.centre) == (field.stride, field.centre)


def test_cropped_moves_the_centre():
    field = chain([POOL, POOL])
    assert field.cropped(3) == Field(4, Fraction(4), Fraction(3, 2) + 12)
    assert field.cropped(0) == field


def test_layers_without_a_window_change_nothing_and_names_of_layers_do_not_matter():
    layers = [nn.ReLU(), nn.Dropout(), nn.LocalResponseNorm(5)]
    assert Field().through(layers) == Field() and Field().through([]) == Field()
    mixed = [
        nn.Conv2d(1, 1, 3, 2, 1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.AvgPool2d(2),
        nn.ConvTranspose2d(1, 1, 4, 2, 1),
    ]
    expected = Field().window(3, 2, 1).window(3, 2).window(2, 2).transposed(4, 2, 1)
    assert Field().through(mixed) == expected
    assert Field().through(iter(mixed)) == expected


def test_same_padding_of_an_even_kernel_counts_what_lies_before_the_first_row():
    assert Field().through([nn.Conv2d(1, 1, 4, padding="same")]) == Field(4, Fraction(1), Fraction(1, 2))


def test_layers_inside_a_sequential_count_too():
    layers = [nn.Conv2d(1, 1, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(2)]
    assert Field().through([nn.Sequential(*layers)]) == Field().window(3, 2, 1).window(2, 2)


def test_a_window_that_is_not_square_is_refused():
    for layer in (nn.Conv2d(1, 1, (3, 1)), nn.MaxPool2d(2, (2, 1)), nn.Conv2d(1, 1, 3, padding=(1, 0))):
        with pytest.raises(ValueError, match=r"geometry: (Conv2d|MaxPool2d) has a window that is not square"):
            Field().through([layer])


def test_crop_offset_refuses_what_cannot_be_aligned():
    one, two = Field(), Field().window(2, 2)
    with pytest.raises(
        ValueError, match="crop: maps of stride 1 and 2 cannot be joined; upsample the coarser one first"
    ):
        crop_offset(one, two)
    with pytest.raises(
        ValueError, match=r"crop: the maps start 1/2 cells apart \(at 0 and 1/2\); expected a whole number"
    ):
        crop_offset(one, one.window(2))
    with pytest.raises(ValueError, match=r"crop: the maps start -3 cells apart .*change the padding before them"):
        crop_offset(one.cropped(3), one)
    assert crop_offset(one, one.cropped(3)) == 3


@pytest.mark.parametrize("padding", PADDINGS)
def test_the_result_of_every_network_lies_on_the_picture(padding):
    """Every doubling and crop followed once more: cell 0 ends at pixel 0, with stride 1."""
    for stride in STRIDES:
        model = FCN("tiny", stride, 2, width=1, padding=padding)
        field = Field().through(model.backbone.layers_to("drop7"))
        for skip, (above, below) in zip(model.skips, pairwise([s for s in STRIDES if s >= stride]), strict=True):
            assert (skip.stride, above // below) == (below, 2)
            field = field.transposed(4, 2, 1 if padding == "same" else 0)
            finer = Field().through(model.backbone.layers_to(skip.source)).cropped(skip.offset)
            assert (finer.stride, finer.centre) == (field.stride, field.centre)
        field = field.transposed(2 * stride, stride, stride // 2 if padding == "same" else 0).cropped(model.offset)
        assert (field.stride, field.centre) == (1, 0)
