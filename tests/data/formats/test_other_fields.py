"""GeoTIFF, ROIs of ImageJ, masks of Cellpose: what the libraries of those fields write, and each refusal."""

import importlib
import shutil

import numpy as np
import pytest
from PIL import Image

from minifcn.data.formats.fields.filling import inside_ellipse, inside_rings
from minifcn.data.formats.fields.geotiff import tags_of
from minifcn.data.formats.masks import read_numbers

from . import other_fields
from .drawing import HEIGHT, WIDTH, becomes, blocks, coloured_blocks, opened, photo, save
from .imported import same_labels
from .other_fields import module, write_tiff


@pytest.mark.parametrize(
    "name, package", [("geotiff", "rasterio"), ("imagej", "roifile"), ("nifti", "nibabel"), ("dicomseg", "pydicom")]
)
def test_a_reader_that_is_missing_is_named(name, package, place, bring, monkeypatch):
    other_fields.FIELDS[name](place)
    real = importlib.import_module

    def without(module, *rest):
        if module.startswith(package):
            raise ImportError(f"No module named {package!r}")
        return real(module, *rest)

    monkeypatch.setattr("minifcn.data.extras.import_module", without)
    bring().failed(package, "pip install 'minifcn[formats]'", f"No module named '{package}'")


# GeoTIFF


def maps(place, labels, count=2, **options):
    """Pictures of 8-bit RGB, and the same class map for each of them."""
    for seed in range(count):
        write_tiff(place / f"images/t{seed}.tif", np.moveaxis(np.asarray(photo(seed)), -1, 0), photometric="RGB")
        write_tiff(place / f"labels/t{seed}.tif", labels, **options)


def test_a_map_with_names_and_nodata(place, bring):
    other_fields.geotiff(place)
    done = bring().worked()
    assert done.classes == ["water", "wood, dense", "town"]
    assert "255 is nodata in all maps, and void" in done.out
    assert "3 pictures are written anew as PNG" in done.out


def test_pictures_of_16_bits_are_stretched_alike(place, bring):
    """0 to what is nearly the brightest of all pictures becomes 0 to 255, with one scale, in the order red, green, blue."""
    other_fields.geotiff(place)
    done = bring().worked()
    white = float(done.out.split("0 to ")[1].split(" become")[0])
    stored = [np.asarray(photo(seed)).astype(float) * 12 for seed in range(3)]
    assert white == pytest.approx(max(np.percentile(each, 99.5) for each in stored), rel=1e-3)
    for seed, values in enumerate(stored):
        found = np.asarray(opened(done.root / f"JPEGImages/tile_{seed}.png"))
        wanted = np.minimum(values * 255 / white, 255)
        assert np.abs(found - wanted).max() <= 0.51


def test_a_picture_of_8_bits_is_linked_and_a_fourth_band_does_not_bleach_it(place, bring):
    """Of four bands rasterio calls the fourth alpha, though it may be infrared: Pillow would lay the picture over white."""
    labels = blocks((1, 2)).astype(np.uint8)
    maps(place, labels)
    bands = np.moveaxis(np.asarray(photo(1)), -1, 0)
    write_tiff(place / "images/t1.tif", np.concatenate([bands, np.full_like(bands[:1], 9)]))
    assert opened(place / "images/t1.tif").mode == "RGBA"
    done = bring().worked()
    assert (done.root / "JPEGImages/t0.tif").resolve() == place / "images/t0.tif"
    np.testing.assert_array_equal(np.asarray(opened(done.root / "JPEGImages/t1.png")), np.asarray(photo(1)))


def test_bands_are_taken_by_their_roles(place, bring):
    """Blue first, as satellites have it."""
    rasterio = module("rasterio")
    roles = [getattr(rasterio.enums.ColorInterp, name) for name in ("blue", "green", "red", "undefined")]
    maps(place, blocks((1, 2)).astype(np.uint8))
    for seed in range(2):
        bands = np.moveaxis(np.asarray(photo(seed)), -1, 0)
        path = write_tiff(
            place / f"images/t{seed}.tif", np.concatenate([bands[::-1], bands[:1]]), photometric="MINISBLACK"
        )
        with rasterio.open(path, "r+") as file:
            file.colorinterp = roles
    done = bring().worked()
    np.testing.assert_array_equal(np.asarray(opened(done.root / "JPEGImages/t1.png")), np.asarray(photo(1)))


def test_a_grey_picture_and_nodata_of_floats(place, bring):
    maps(place, blocks((1, 2)).astype(np.uint8))
    values = np.linspace(0, 2, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    values[0] = (np.nan, -9999, np.inf) * (WIDTH // 3) + (0,) * (WIDTH % 3)
    for seed in range(2):
        write_tiff(place / f"images/t{seed}.tif", values, nodata=-9999)
    done = bring().worked()
    found = np.asarray(opened(done.root / "JPEGImages/t0.png"))
    assert (found[0] == 0).all() and found[-1].min() > 240 and (found == found[..., :1]).all()


@pytest.mark.parametrize("kind", ("uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64"))
def test_numbers_of_any_kind(kind, place, bring):
    labels = blocks((0, 1, 2))
    maps(place, labels.astype(kind), compress="deflate")
    same_labels(bring().worked().labels, dict.fromkeys(("t0", "t1"), labels.astype(np.uint8)))


@pytest.mark.parametrize(
    "options",
    [{"nbits": 2}, {"nbits": 4}, {"photometric": "MINISWHITE"}, {"tiled": True, "blockxsize": 16, "blockysize": 16}, {"BIGTIFF": "YES"},
     {"compress": "lerc"}, {"compress": "zstd", "predictor": 2}],
    ids=lambda options: "_".join(map(str, options.items())),
)  # fmt: skip
def test_numbers_as_gdal_packs_them(options, place, bring):
    """Pillow stretches or turns over some of these, and cannot read others."""
    labels = blocks((0, 1, 2, 3)).astype(np.uint8)
    maps(place, labels, **options)
    same_labels(bring().worked().labels, dict.fromkeys(("t0", "t1"), labels))


@pytest.mark.parametrize("kind, none", [("uint8", 0), ("int16", -9999), ("float32", np.nan), ("uint8", 255)])
def test_nodata_is_void_whatever_number_it_has(kind, none, place, bring):
    labels = blocks((1, 2, 3)).astype(kind)
    stored = np.where(labels == 3, kind and none, labels).astype(kind)
    maps(place, stored, nodata=none)
    done = bring().worked()
    same_labels(done.labels, dict.fromkeys(("t0", "t1"), becomes(labels.astype(int), {1: 0, 2: 1, 3: 255})))
    assert done.classes == ["number 1", "number 2"]


def test_nodata_that_a_person_gives_a_meaning(place, bring):
    """What rasterises outlines often leaves 0 for background and calls it nodata."""
    labels = blocks((0, 1)).astype(np.uint8)
    maps(place, labels, nodata=0)
    bring().failed("one class alone")
    done = bring("--values", "0=background,1=house").worked()
    assert done.classes == ["background", "house"]
    same_labels(done.labels, dict.fromkeys(("t0", "t1"), labels))


def test_each_map_has_a_nodata_of_its_own(place, bring):
    """7 is nodata here and a class there."""
    labels = blocks((1, 7)).astype(np.uint8)
    maps(place, labels)
    write_tiff(place / "labels/t1.tif", labels, nodata=7)
    done = bring().worked()
    assert done.classes == ["number 1", "number 7"] and "no data" in done.out
    same_labels(done.labels, {"t0": becomes(labels, {1: 0, 7: 1}), "t1": becomes(labels, {1: 0, 7: 255})})


def test_a_mask_within_the_file_is_nodata_too(place, bring):
    rasterio = module("rasterio")
    labels = blocks((1, 2)).astype(np.uint8)
    maps(place, labels)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(place / "labels/t0.tif", "r+") as file:
        file.write_mask(np.arange(WIDTH) >= np.full((HEIGHT, 1), 7))
    expected = becomes(labels, {1: 0, 2: 1})
    masked = expected.copy()
    masked[:, :7] = 255
    same_labels(bring().worked().labels, {"t0": masked, "t1": expected})


def test_a_map_drawn_in_colours_is_asked_about(place, bring, tmp_path):
    drawn = coloured_blocks(((0, 92, 230), (38, 115, 0)))
    maps(place, np.moveaxis(drawn, -1, 0), photometric="RGB")
    bring().failed("no list in the source says which classes they are", "#005ce6")
    (tmp_path / "colours.txt").write_text("0 92 230 water\n38 115 0 wood\n")
    done = bring("--colours", tmp_path / "colours.txt").worked()
    same_labels(done.labels, dict.fromkeys(("t0", "t1"), blocks((0, 1)).astype(np.uint8)))


def test_a_colour_table_does_not_change_the_numbers(place, bring):
    labels = blocks((0, 1, 2)).astype(np.uint8)
    maps(place, labels)
    with module("rasterio").open(place / "labels/t0.tif", "r+") as file:
        file.write_colormap(1, {0: (9, 9, 9, 255), 1: (255, 0, 0, 255), 2: (1, 2, 3, 255)})
    same_labels(bring().worked().labels, dict.fromkeys(("t0", "t1"), labels))


TABLE = """<PAMDataset><PAMRasterBand band="1"><GDALRasterAttributeTable tableType="thematic">
<FieldDefn index="0"><Name>Count</Name><Type>0</Type><Usage>1</Usage></FieldDefn>
<FieldDefn index="1"><Name>Value</Name><Type>0</Type><Usage>5</Usage></FieldDefn>
<FieldDefn index="2"><Name>Class</Name><Type>2</Type><Usage>2</Usage></FieldDefn>
<Row index="0"><F>7</F><F>311</F><F>Broad-leaved forest</F></Row><Row index="1"><F>7</F><F>112</F><F>Background</F></Row>
</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"""


def test_names_from_an_attribute_table(place, bring):
    """Numbers of three digits, as land cover has them, are classes where a table names them."""
    labels = blocks((311, 112)).astype(np.uint16)
    maps(place, labels)
    (place / "labels/t0.tif.aux.xml").write_text(TABLE)
    done = bring().worked()
    assert done.classes == ["background", "Broad-leaved forest"]
    same_labels(done.labels, dict.fromkeys(("t0", "t1"), becomes(labels, {112: 0, 311: 1})))


@pytest.mark.parametrize("other, words", [
    (TABLE.replace("Broad-leaved", "Other"), ("t1.tif.aux.xml", "311", "Other forest", "Broad-leaved forest")),
    ("<PAMDataset", ("t1.tif.aux.xml", "cannot be read")),
])  # fmt: skip
def test_names_that_disagree_or_cannot_be_read(other, words, place, bring):
    maps(place, blocks((311, 112)).astype(np.uint16))
    (place / "labels/t0.tif.aux.xml").write_text(TABLE)
    (place / "labels/t1.tif.aux.xml").write_text(other)
    bring().failed(*words)


def test_statistics_beside_a_map_are_no_names(place, bring):
    """GDAL keeps them in a file of that name too."""
    maps(place, blocks((0, 1)).astype(np.uint8))
    (place / "labels/t0.tif.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><Metadata><MDI key="STATISTICS_MEAN">1</MDI></Metadata></PAMRasterBand></PAMDataset>'
    )
    (place / "labels/t1.tif.aux.xml").write_text("<PAMDataset/>")
    assert bring().worked().classes == ["number 0", "number 1"]


@pytest.mark.parametrize("labels, words", [
    (blocks((0, 1)).astype(np.float32) / 3, ("float32 with fractions such as 0.333333",)),
    (np.zeros((2, HEIGHT, WIDTH), np.uint8), ("2 bands", "a class map has one")),
    (np.zeros((3, HEIGHT, WIDTH), np.uint16), ("3 bands of uint16", "colours are three of uint8")),
    (np.zeros((HEIGHT, WIDTH - 1), np.uint8), (f"{HEIGHT}x{WIDTH - 1}", "same size")),
    (np.full((HEIGHT, WIDTH), 3e9, np.uint32), ("3000000000",)),
])  # fmt: skip
def test_maps_that_hold_no_classes(labels, words, place, bring):
    maps(place, labels)
    bring().failed("t0", *words)


def test_a_damaged_geotiff_is_named(place, bring):
    maps(place, blocks((0, 1)).astype(np.uint8))
    content = (place / "labels/t1.tif").read_bytes()
    (place / "labels/t1.tif").write_bytes(content[: len(content) // 2])
    bring().failed("t1.tif", "cannot be read")


def test_a_picture_written_anew_of_another_size_than_its_map(place, bring):
    other_fields.geotiff(place)
    write_tiff(place / "labels/tile_1.tif", np.zeros((9, 9), np.uint8), nodata=255)
    bring().failed("tile_1", "9x9", f"{HEIGHT}x{WIDTH}")


@pytest.mark.parametrize(
    "options", ({}, {"BIGTIFF": "YES"}, {"ENDIANNESS": "BIG"}), ids=("classic", "big", "big-endian")
)
def test_tags_of_a_tiff_that_pillow_cannot_open(options, tmp_path):
    path = write_tiff(tmp_path / "five.tif", np.zeros((5, 3, 4), np.uint16), **options)
    assert {256, 257, 258, 33550, 33922, 34735} <= set(tags_of(path))
    assert tags_of(save(tmp_path / "a.png", photo())) == []
    path.write_bytes(path.read_bytes()[:9])
    assert tags_of(path) == []


# TIFF labels without a place on Earth


@pytest.mark.parametrize("kind", ("uint8", "bool"))
def test_masks_whose_white_is_zero_are_read_as_stored(kind, tmp_path):
    """ImageJ saves masks so: 255 is the object, drawn black. Pillow turns the numbers over."""
    stored = blocks((0, 1, 1)).astype(kind) if kind == "bool" else blocks((0, 255, 1)).astype(kind)
    path = tmp_path / "mask.tif"
    module("tifffile").imwrite(path, stored, photometric="miniswhite")
    assert not np.array_equal(np.asarray(opened(path)).astype(int), stored)
    np.testing.assert_array_equal(read_numbers(path), stored)
    module("tifffile").imwrite(path, stored, photometric="minisblack")
    np.testing.assert_array_equal(read_numbers(path), stored)


@pytest.mark.parametrize("bits", (2, 4))
@pytest.mark.parametrize("photometric", ("MINISBLACK", "MINISWHITE"))
def test_small_numbers_in_a_tiff_are_not_stretched(bits, photometric, tmp_path):
    labels = blocks(range(2**bits)).astype(np.uint8)
    path = write_tiff(tmp_path / "few.tif", labels, nbits=bits, photometric=photometric)
    np.testing.assert_array_equal(read_numbers(path), labels)


# filling


def inside_by_loops(rings, height, width):
    """For each pixel: how many sides does a ray from its middle to the left cross?"""
    found = np.zeros((height, width), bool)
    for row in range(height):
        for column in range(width):
            x, y = column + 0.5, row + 0.5
            for ring in rings:
                for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                    if (y0 <= y < y1 or y1 <= y < y0) and x0 + (y - y0) * (x1 - x0) / (y1 - y0) <= x:
                        found[row, column] ^= True
    return found


@pytest.mark.parametrize("corners", (3, 4, 7, 12))
@pytest.mark.parametrize("whole", (True, False))
def test_filling_is_a_ray_for_each_pixel(corners, whole, rng):
    """Outlines that cross themselves, leave the picture, and lie in each other."""
    rings = [rng.uniform(-4, 20, (corners, 2)), rng.uniform(0, 15, (4, 2))]
    rings = [np.rint(ring) if whole else ring for ring in rings]
    np.testing.assert_array_equal(inside_rings(rings, 13, 17), inside_by_loops(rings, 13, 17))


def test_a_square_has_25_pixels_and_neighbours_share_none():
    square = np.array([(5, 5), (10, 5), (10, 10), (5, 10)])
    found = [inside_rings([np.add(square, (shift, 0))], 20, 20) for shift in (0, 5)]
    assert found[0].sum() == 25 and found[0][5:10, 5:10].all()
    assert not (found[0] & found[1]).any()
    assert inside_rings([square[::-1]], 20, 20).sum() == 25, "whatever way it runs"
    assert inside_rings([square, square - 0.2], 20, 20).sum() < 25, "even-odd"


@pytest.mark.parametrize("box", ((2, 3, 11, 9), (0.4, 1.2, 7.7, 8.1), (-3, -2, 4, 30), (5, 5, 5, 5)))
def test_an_ellipse_covers_the_middles_within_it(box):
    left, top, right, bottom = box
    a, b = max((right - left) / 2, 1e-9), max((bottom - top) / 2, 1e-9)
    wanted = [
        [((x + 0.5 - (left + right) / 2) / a) ** 2 + ((y + 0.5 - (top + bottom) / 2) / b) ** 2 <= 1 for x in range(14)]
        for y in range(12)
    ]
    np.testing.assert_array_equal(inside_ellipse(*box, 12, 14), wanted)


# ROIs of ImageJ


def picture_and_rois(place, *rois, name="a", count=2):
    """`count` pictures that have the same ROIs."""
    for number in range(count):
        save(place / f"{name}{number}.tif", photo(number))
        module("roifile").roiwrite(place / f"{name}{number}.zip", rois, mode="w")


def square(left, top, name="", side=5, **options):
    corners = np.add([(0, 0), (side, 0), (side, side), (0, side)], (left, top))
    roi = module("roifile").ImagejRoi.frompoints(corners, name=name)
    for key, value in options.items():
        setattr(roi, key, value)
    return roi


def drawn(*boxes):
    """Labels by hand: left, top, number of squares of 5."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for left, top, number in boxes:
        labels[top : top + 5, left : left + 5] = number
    return labels


def test_a_name_without_its_number_is_the_class(place, bring):
    picture_and_rois(
        place, square(1, 2, "leaf-1"), square(9, 2, "leaf-2"), square(1, 20, "stem"), square(20, 20, "leaf 3")
    )
    done = bring().worked()
    assert done.classes == ["background", "leaf", "stem"]
    labels = drawn((1, 2, 1), (9, 2, 1), (1, 20, 2), (20, 20, 1))
    same_labels(done.labels, {"a0": labels, "a1": labels})
    assert "name without the number" in done.out


@pytest.mark.parametrize(
    "name", ("0012-0345", "12", "0001-0012-0345", "F3", "0f36cc8e-ec1b-11f1-a3ed-02fc00000001", "")
)
def test_names_that_nobody_chose_are_one_class(name, place, bring):
    picture_and_rois(place, square(1, 2, name), square(9, 9, "0099-0099"))
    done = bring().worked()
    assert done.classes == ["background", "object"]
    same_labels(done.labels, dict.fromkeys(("a0", "a1"), drawn((1, 2, 1), (9, 9, 1))))


def test_a_group_is_heard_before_a_name(place, bring):
    picture_and_rois(place, square(1, 2, "leaf", group=2), square(9, 9, "stem", group=7))
    done = bring().worked()
    assert done.classes == ["background", "group 2", "group 7"] and "class of a ROI is its group" in done.out
    same_labels(done.labels, dict.fromkeys(("a0", "a1"), drawn((1, 2, 1), (9, 9, 2))))


def test_the_later_of_two_rois_counts(place, bring):
    picture_and_rois(place, square(1, 2, "leaf"), square(3, 4, "stem"))
    same_labels(bring().worked().labels, dict.fromkeys(("a0", "a1"), drawn((1, 2, 1), (3, 4, 2))))


def test_what_is_no_area_or_on_another_slice_is_left_out(place, bring):
    roifile = module("roifile")
    line = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.LINE, x1=1, y1=1, x2=9, y2=9, name="scale")
    points = roifile.ImagejRoi.frompoints([[3, 3]], name="spot")
    points.roitype = roifile.ROI_TYPE.POINT
    picture_and_rois(place, square(1, 2, "leaf"), square(9, 9, "deep", z_position=4), line, points)
    done = bring().worked()
    assert done.classes == ["background", "leaf"]
    assert (
        "left out, ROIs that are no areas of the first slice: 6 (a0: deep, a0: scale, a0: spot and 3 more)" in done.out
    )
    same_labels(done.labels, dict.fromkeys(("a0", "a1"), drawn((1, 2, 1))))


def test_rois_of_which_none_is_an_area(place, bring):
    picture_and_rois(place, square(1, 2, "deep", position=7), square(9, 9, "later", t_position=2))
    bring().failed("none of 4 ROIs is an area", "a0: deep", "save the slices")


def test_parts_of_pixels_and_a_hole(place, bring):
    """A ROI of two outlines is filled even-odd; corners may lie within pixels."""
    roifile = module("roifile")
    fine = roifile.ImagejRoi.frompoints([[20.6, 3.4], [25.4, 3.4], [25.4, 8.6], [20.6, 8.6]], name="fine")
    ring = roifile.ImagejRoi(
        roitype=roifile.ROI_TYPE.RECT, left=1, top=1, right=11, bottom=11, name="ring", shape_roi_size=32,
        multi_coordinates=np.array([0, 1, 1, 1, 11, 1, 1, 11, 11, 1, 1, 11, 4, 0, 4, 4, 1, 8, 4, 1, 8, 8, 1, 4, 8, 4], np.float32),
    )  # fmt: skip
    picture_and_rois(place, fine, ring)
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[3:9, 21:25] = 1
    labels[1:11, 1:11] = 2
    labels[4:8, 4:8] = 0
    same_labels(bring().worked().labels, {"a0": labels, "a1": labels})


def test_rois_within_the_tiff(place, bring):
    """As ImageJ saves an overlay with its picture."""
    tifffile = module("tifffile")
    for name in "ab":
        rois = [square(1, 2, "leaf").tobytes(), square(9, 9, "stem").tobytes()]
        tifffile.imwrite(
            place / f"{name}.tif", np.asarray(photo()), imagej=True, photometric="rgb", metadata={"Overlays": rois}
        )
    save(place / "c.tif", photo())
    done = bring().worked()
    assert "with ROIs in it is there" in done.out
    assert "left out, pictures without ROIs: 1 (c)" in done.out
    same_labels(done.labels, dict.fromkeys("ab", drawn((1, 2, 1), (9, 9, 2))))


@pytest.mark.parametrize("file", ("{}_RoiSet.zip", "RoiSet_{}.zip", "rois/{}.zip", "{}_rois.zip", "{}.roi"))
def test_where_rois_lie(file, place, bring):
    roi = square(1, 2, "leaf")
    for name in "ab":
        save(place / f"{name}.tif", photo())
        path = place / file.format(name)
        path.parent.mkdir(exist_ok=True)
        module("roifile").roiwrite(path, roi if path.suffix == ".roi" else [roi], mode="w")
    (place / "notes.zip").write_bytes(b"PK\3\4" + bytes(40))
    same_labels(bring().worked().labels, dict.fromkeys("ab", drawn((1, 2, 1))))


def test_a_picture_is_there_as_tiff_and_as_png(place, bring):
    """The TIFF is ImageJ's own; what Cellpose wrote beside it is no picture."""
    for name in "ab":
        module("roifile").roiwrite(place / f"{name}_rois.zip", [square(1, 2, "1"), square(9, 9, "2")], mode="w")
        for ending in ("tif", "png"):
            save(place / f"{name}.{ending}", photo())
            save(place / f"{name}_cp_masks.{ending}", blocks((0, 1)))
    done = bring("--format", "imagej").worked()
    same_labels(done.labels, dict.fromkeys("ab", drawn((1, 2, 1), (9, 9, 1))))
    assert (done.root / "JPEGImages/a.tif").exists() and "a row and a column smaller" in done.out
    assert "left out, pictures that are there as TIFF too: 2 (a.png, b.png)" in done.out


def test_the_only_rois_beside_the_only_picture(place, bring):
    save(place / "dish.tif", photo())
    module("roifile").roiwrite(place / "RoiSet.zip", [square(1, 2, "leaf")], mode="w")
    same_labels(bring().worked().labels, {"dish": drawn((1, 2, 1))})


def test_rois_without_a_picture_and_damaged_ones(place, bring):
    picture_and_rois(place, square(1, 2, "leaf"), square(9, 9, "stem"))
    module("roifile").roiwrite(place / "gone_RoiSet.zip", [square(1, 2)], mode="w")
    done = bring().worked()
    assert "left out, files of ROIs without a picture: 1 (gone_RoiSet)" in done.out
    shutil.rmtree(done.root)
    content = (place / "a1.zip").read_bytes()
    (place / "a1.zip").write_bytes(content[: len(content) // 2])
    bring().failed("a1.zip", "the ROIs cannot be read")


def test_pictures_of_several_slices_are_said(place, bring):
    module("tifffile").imwrite(
        place / "a0.tif", np.zeros((3, HEIGHT, WIDTH), np.uint8), imagej=True, metadata={"axes": "ZYX"}
    )
    module("roifile").roiwrite(place / "a0.zip", [square(1, 2, "leaf")], mode="w")
    assert "1 pictures have several slices or channels (a0): the first is taken" in bring().worked().out


# Cellpose


def test_cells_are_one_class(place, bring):
    other_fields.cellpose(place)
    done = bring().worked()
    assert done.classes == ["background", "cell"] and "cells that touch become one" in done.out


def test_cellpose_with_folders_of_its_own_and_training_sets(place, bring):
    cells = blocks((0, 1, 300))
    for seed, name in enumerate("ab"):
        save(place / f"{name}.jpg", photo(seed))
        save(place.parent / f"{name}{name}.jpg", photo(seed))  # nobody's
        save(place / f"masks/{name}_cp_masks.png", Image.fromarray(cells.astype(np.uint16)))
        save(place / f"outlines/{name}_outlines_cp_masks.png", photo())
    done = bring().worked()
    same_labels(done.labels, dict.fromkeys("ab", (cells > 0).astype(np.uint8)))
    assert "left out" not in done.out
    shutil.rmtree(place)
    shutil.rmtree(done.root)
    for seed in range(2):
        save(place / f"00{seed}_img.png", photo(seed))
        save(place / f"00{seed}_masks.png", Image.fromarray(cells.astype(np.uint16)))
    done = bring().worked()
    same_labels(done.labels, dict.fromkeys(("000", "001"), (cells > 0).astype(np.uint8)))
    assert (done.root / "JPEGImages/000.png").resolve() == place / "000_img.png"


def test_a_picture_whose_name_ends_as_those_of_training_sets(place, bring):
    """s1_img.tif has the masks s1_img_cp_masks.png."""
    for seed in range(2):
        save(place / f"s{seed}_img.tif", photo(seed))
        save(place / f"s{seed}_img_cp_masks.png", Image.fromarray(blocks((0, 1, 300)).astype(np.uint16)))
    assert sorted(bring().worked().labels) == ["s0_img", "s1_img"]


def test_two_masks_or_two_pictures_of_one_name(place, bring):
    other_fields.cellpose(place)
    twin = save(place / "masks/dish_1_cp_masks.png", Image.fromarray(blocks((0, 1)).astype(np.uint16)))
    bring("--format", "cellpose").failed("dish_1_cp_masks.png", "masks of one picture")
    twin.unlink()
    save(place / "dish_1.jpg", photo())
    bring().failed("dish_1.jpg", "dish_1.tif", "take out one")


# NIfTI


def volume(path, array, affine=(1, 1, 1, 1), kind=np.int16):
    nibabel = module("nibabel")
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(np.asarray(array).astype(kind), np.diag(affine)), path)


def bodies(place, labels, names="ab", pictures="images", folder="labels"):
    """Volumes (x, y, z) of greys, and the same labels for each."""
    for name in names:
        volume(place / pictures / f"{name}.nii.gz", np.arange(labels.size).reshape(labels.shape) % 999)
        volume(place / folder / f"{name}.nii.gz", labels)


def test_slices_lie_the_same_way_however_they_were_stored(place, bring):
    """The same body stored along other axes, from its left, from its head: the pictures and labels are the same."""
    nibabel = module("nibabel")
    labels = np.stack([blocks((0, 1, 2), z, 21, 15) for z in range(4)], -1)
    plain = nibabel.Nifti1Image(labels.astype(np.int16), np.diag((1, 1, 1, 1)))
    greys = nibabel.Nifti1Image((np.arange(labels.size).reshape(labels.shape) % 997).astype(np.int16), plain.affine)
    ways = {"a": [[0, 1], [1, 1], [2, 1]], "b": [[2, -1], [0, 1], [1, -1]], "c": [[1, 1], [2, 1], [0, -1]]}
    for name, way in ways.items():
        for folder, image in (("images", greys), ("labels", plain)):
            (place / folder).mkdir(exist_ok=True)
            nibabel.save(image.as_reoriented(np.array(way, float)), place / folder / f"{name}.nii")
    done = bring().worked()
    for z in range(4):
        found = [done.labels[f"{name}_z00{z}"] for name in ways]
        np.testing.assert_array_equal(found, [labels[:, ::-1, z].T] * 3)
        pictures = [np.asarray(opened(done.root / f"JPEGImages/{name}_z00{z}.png")) for name in ways]
        np.testing.assert_array_equal(pictures[1:], pictures[:1] * 2)
    assert done.classes == ["number 0", "number 1", "number 2"]


@pytest.mark.parametrize("listed, classes", [
    ('{"0": "background", "1": "liver", "3": "tumour"}', ["background", "liver", "tumour"]),
    ('{"background": 0, "liver": 1, "ignore": 3}', ["background", "liver"]),
])  # fmt: skip
def test_names_of_the_decathlon_and_of_nnunet(listed, classes, place, bring):
    labels = np.stack([blocks((0, 1, 3), z) for z in range(2)], -1)
    bodies(place, labels, pictures="imagesTr", folder="labelsTr")
    (place / "imagesTr/b.nii.gz").rename(place / "imagesTr/b_0000.nii.gz")
    volume(place / "imagesTr/b_0001.nii.gz", labels)
    (place / "dataset.json").write_text(f'{{"labels": {listed}}}')
    done = bring().worked()
    assert done.classes == classes
    assert set(np.unique(done.labels["a_z000"])) == {0, 1, 2 if "tumour" in classes else 255}
    assert "left out, further channels of volumes: 1 (b_0001)" in done.out
    assert (
        done.splits == {"train": ["a_z000", "a_z001"], "val": ["b_z000", "b_z001"]}
        and "the last volume, whole" in done.out
    )


def test_no_body_is_in_train_and_val(place, bring):
    bodies(place, np.stack([blocks((0, 1), z, 9, 9) for z in range(3)] + [np.zeros((9, 9))], -1), names="abcdefg")
    volume(place / "images/z.nii", np.zeros((9, 9, 4)))
    done = bring().worked()
    assert {name[0] for name in done.splits["val"]} == {"e"} and {name[0] for name in done.splits["train"]} == set(
        "abcdfg"
    )
    assert "every fifth volume, whole" in done.out and "7 slices without a label are left out" in done.out
    assert "left out, volumes without labels: 1 (z)" in done.out


def test_scaled_numbers_are_rounded(place, bring):
    """Stored with a slope they come back as 0.988 or 1.9999999: never cut to the number below."""
    nibabel = module("nibabel")
    labels = np.stack([blocks((0, 1, 2), z) for z in range(2)], -1)
    bodies(place, labels)
    image = nibabel.Nifti1Image(labels.astype(np.float64) - 0.02 * (labels == 2), np.eye(4))
    nibabel.save(image, place / "labels/a.nii.gz")
    found = bring().worked().labels
    np.testing.assert_array_equal(found["a_z001"], found["b_z001"])


@pytest.mark.parametrize("labels, words", [
    (np.full((4, 5, 2), 0.5), ("fractions", "no probabilities")),
    (np.zeros((4, 5, 3)), ("(4, 5, 3) voxels", "(4, 5, 2)")),
])  # fmt: skip
def test_volumes_that_do_not_fit(labels, words, place, bring):
    bodies(place, np.ones((4, 5, 2)))
    volume(place / "labels/b.nii.gz", labels, kind=np.float32)
    bring().failed("b.nii.gz", *words)


def test_a_damaged_volume_a_twin_and_a_list_of_regions(place, bring):
    bodies(place, np.stack([blocks((0, 1), z) for z in range(2)], -1))
    content = (place / "labels/b.nii.gz").read_bytes()
    (place / "labels/b.nii.gz").write_bytes(content[: len(content) // 2])
    bring().failed("b.nii.gz", "cannot be read")
    volume(place / "labels/b.nii", np.zeros((4, 4, 4)))
    bring().failed("b.nii", "both called b")
    (place / "dataset.json").write_text('{"labels": {"background": 0, "whole": [1, 2]}}')
    (place / "labels/b.nii").unlink()
    bring().failed("dataset.json", "regions of several numbers")


# DICOM SEG


def patient(place, name, labels, kind="BINARY", change=None, **more):
    """Slices and a SEG of them; `change(seg, slices)` before it is saved."""
    body = other_fields.body_of(name)
    values = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    slices = [other_fields.ct_slice(place, body, z, values + z, **more) for z in range(len(labels))]
    seg = other_fields.seg_of(slices, labels, kind)
    if change:
        change(seg, slices)
    seg.save_as(place / f"{name}_seg.dcm")
    return slices


THREE = np.stack([blocks((0, 1, 2)), np.zeros((HEIGHT, WIDTH), int), blocks((0, 2), 1)])


@pytest.mark.parametrize("kind", ("BINARY", "FRACTIONAL", "LABELMAP"))
def test_kinds_of_dicom_seg(kind, place, bring):
    patient(place, "p", THREE, kind)
    done = bring().worked()
    assert done.classes == ["background", "liver", "tumour"]
    same_labels(done.labels, {"p9": THREE[0].astype(np.uint8), "p7": THREE[2].astype(np.uint8)})
    assert "1 slices without a segment are left out" in done.out and "p_seg.dcm, a DICOM SEG, is there" in done.out


def test_a_frame_is_placed_by_its_position_where_it_names_no_slice(place, bring):
    def forget(seg, slices):
        for frame in seg.PerFrameFunctionalGroupsSequence:
            del frame.DerivationImageSequence

    patient(place, "p", THREE, change=forget)
    same_labels(bring().worked().labels, {"p9": THREE[0].astype(np.uint8), "p7": THREE[2].astype(np.uint8)})


def test_frames_whose_slice_is_not_there(place, bring):
    patient(place, "p", THREE)
    patient(place, "q", THREE)
    (place / "p9.dcm").unlink()
    done = bring().worked()
    assert sorted(done.labels) == ["p7", "q7", "q9"]
    assert "left out, frames of segments that lie on no slice: 2 (p_seg.dcm: frame 1" in done.out
    assert done.splits == {"train": ["p7"], "val": ["q7", "q9"]} and "the last patient, whole" in done.out
    for path in (*place.glob("p?.dcm"), *place.glob("q?.dcm")):
        path.unlink()
    shutil.rmtree(done.root)
    bring().failed("DICOM SEG is there, but no slices")
    other_fields.ct_slice(place, other_fields.body_of("z"), 8, np.zeros((HEIGHT, WIDTH), int))
    bring().failed("no frame of", "lies on a slice that is there")


def moved(seg, slices):
    for frame in seg.PerFrameFunctionalGroupsSequence:
        frame.PlanePositionSequence[0].ImagePositionPatient = [5, 0, 0]


def turned(seg, slices):
    seg.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient = [-1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize("change", (moved, turned))
def test_a_seg_on_another_grid_than_its_slices(change, place, bring):
    """Same slices and sizes, and yet another place: to take it would shift or mirror the labels."""
    patient(place, "p", THREE, change=change)
    bring().failed("p_seg.dcm", "frame 1", "another grid", "p9.dcm")


def test_a_seg_of_another_size_than_its_slices(place, bring):
    body = other_fields.body_of("p") | {"frame": patient(place, "p", THREE)[0].FrameOfReferenceUID}
    slices = [other_fields.ct_slice(place / "half", body, z, np.zeros((9, 9), int)) for z in range(2)]
    seg = other_fields.seg_of(slices, np.ones((2, 9, 9), int))
    for frame in seg.PerFrameFunctionalGroupsSequence:
        del frame.DerivationImageSequence
    seg.save_as(place / "p_seg.dcm")
    shutil.rmtree(place / "half")
    bring().failed("p_seg.dcm", "another grid")


def test_the_later_of_two_segments_counts(place, bring):
    """highdicom lets segments overlap; frames come segment after segment."""
    both = np.zeros((1, HEIGHT, WIDTH, 2), np.uint8)
    both[0, 2:9, 2:9, 0] = both[0, 5:12, 5:12, 1] = 1
    body = other_fields.body_of("p")
    slices = [other_fields.ct_slice(place, body, z, np.zeros((HEIGHT, WIDTH), int)) for z in range(1)]
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[2:9, 2:9], labels[5:12, 5:12] = 1, 2
    other_fields.seg_of(slices, both).save_as(place / "seg.dcm")
    same_labels(bring().worked().labels, {"p9": labels})


@pytest.mark.parametrize("more, low, high, falls", [
    ({"WindowCenter": 0, "WindowWidth": 400}, 824, 1224, False),
    ({"WindowCenter": [0, 50], "WindowWidth": [400, 80]}, 824, 1224, False),
    ({"WindowCenter": 0, "WindowWidth": 400, "PhotometricInterpretation": "MONOCHROME1"}, 824, 1224, True),
    ({}, 8.57, 1705.43, False),
])  # fmt: skip
def test_slices_are_seen_through_their_window(more, low, high, falls, place, bring):
    patient(place, "p", THREE, **more)
    done = bring().worked()
    stored = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    wanted = np.clip((stored - low) / (high - low), 0, 1) * 255
    found = np.asarray(opened(done.root / "JPEGImages/p9.png")).astype(float)
    assert np.abs(found - (255 - wanted if falls else wanted)).max() <= 0.6


def test_a_seg_that_is_cut_short_and_slices_in_one_file(place, bring):
    slices = patient(place, "p", THREE)
    content = (place / "p_seg.dcm").read_bytes()
    (place / "p_seg.dcm").write_bytes(content[:-300])
    bring().failed("p_seg.dcm", "decoded")
    (place / "p_seg.dcm").write_bytes(content)
    slices[0].NumberOfFrames = 2
    slices[0].save_as(place / "p9.dcm")
    bring().failed("p9.dcm", "2 frames in one file")
