"""Class maps and pictures from above as GeoTIFF: two folders, files of one name. Nodata is void; names come from the .aux.xml beside a map.

Source: files written by rasterio 1.4.4 (GDAL 3.9). rasterio reads what GDAL writes; Pillow inverts "white is zero" and stretches numbers of 2
and 4 bits, tifffile needs another package for LZW and LERC. It has no call for names: GDAL keeps them in NAME.tif.aux.xml.
"""

import io
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minifcn.data.errors import DataError
from minifcn.data.extras import extra
from minifcn.data.formats.fields.aux_names import names_beside
from minifcn.data.formats.fields.two_folders import folders, pairs_in
from minifcn.data.formats.finding import by_name
from minifcn.data.formats.masks import mode_of, read_colours, read_numbers
from minifcn.data.formats.source import NO_DATA, Format, Item, Options, Source
from minifcn.data.pixels.soft_edges import pack

ENDINGS = (".tif", ".tiff")
GEO_TAGS = {33550, 34264, 34735, 42112, 42113}  # size of a pixel, a matrix, keys; GDAL's metadata and nodata
BIG_TIFF, MOST_TAGS = 43, 4096
MOST = 1 << 24
BRIGHT = 99.5  # percent of a picture's numbers that lie below white
LOOK = 256  # pixels a side that are enough to tell how bright a picture is


def recognise(source: Path) -> str | None:
    places = folders(source)
    if not places:
        return None
    for place in places[::-1]:
        first = next((path for path in by_name(place, ENDINGS).values()), None)
        if first and is_geo(first):
            return f"{place.name}/{first.name}, a GeoTIFF, is there"
    return None


def is_geo(path: Path) -> bool:
    """Whether the tags of a TIFF say where on Earth it lies, or that GDAL wrote it."""
    return not GEO_TAGS.isdisjoint(tags_of(path))


def tags_of(path: Path) -> list[int]:
    """The numbers of the tags of a TIFF's first picture, of whatever bands (Pillow opens none of five); empty where it is no TIFF."""
    with path.open("rb") as file:
        head = file.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None or len(head) < 16:
            return []
        big = struct.unpack(order + "H", head[2:4])[0] == BIG_TIFF
        file.seek(struct.unpack(order + "Q", head[8:16])[0] if big else struct.unpack(order + "I", head[4:8])[0])
        width, entry = (8, 20) if big else (2, 12)
        count = int.from_bytes(file.read(width), "little" if order == "<" else "big")
        entries = file.read(min(count, MOST_TAGS) * entry)
    return [tag for (tag,) in struct.iter_unpack(f"{order}H{entry - 2}x", entries[: len(entries) // entry * entry])]


def read(source: Path, options: Options) -> Source:
    rasterio()
    pairs, left_out = pairs_in(source)
    masks = [mask for _, mask in pairs.values()]
    anew = {name for name, (picture, _) in pairs.items() if not as_it_is(picture)}
    white = max((brightness(pairs[name][0]) for name in anew), default=0.0)
    coloured = bands(masks[0]) >= 3
    none, notes = nodata_of(masks)
    reader = colours if coloured else numbers
    items = []
    for name, (picture, mask) in pairs.items():
        labels = partial(reader, mask, none is None)
        if name in anew:
            items.append(Item(name, None, None, labels, partial(png, picture, white)))
        else:
            items.append(Item(name, picture, None, labels))
    if anew:
        notes.append(
            f"{len(anew)} pictures are written anew as PNG, as they have more than 8 bits or other bands than three: red, green and blue "
            f"(else bands 1 to 3), 0 to {white:g} become 0 to 255"
        )
    return Source(items, named(masks), coloured, left_out, notes, void=(NO_DATA,) if none is None else (NO_DATA, none))


def nodata_of(masks: Sequence[Path]) -> tuple[int | None, list[str]]:
    """The number that all maps call nodata, so that a person may give it a meaning; None where they have none, or several."""
    there = set()
    for mask in masks:
        if mask.suffix.lower() in ENDINGS:
            with opened(mask) as file:
                there.add(file.nodata if file.count == 1 else None)
    if len(there) != 1 or (none := there.pop()) is None or none != int(none):
        return None, []
    return int(none), [
        f"{int(none)} is nodata in all maps, and void; where it is a class of yours say so: --values {int(none)}=background,…"
    ]


def rasterio() -> Any:
    library = extra("rasterio", "rasterio", "GeoTIFF files")
    warnings.filterwarnings(
        "ignore", category=library.errors.NotGeoreferencedWarning
    )  # a picture may say nothing about its place
    return library


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The file in rasterio. What goes wrong in it, within the `with` too, is a DataError."""
    library = rasterio()
    try:
        with library.open(path) as file:
            yield file
    except library.errors.RasterioError as error:
        reason = error.__cause__ or error  # rasterio's own words may be no more than "Read failed"
        raise DataError(f"{path}: cannot be read as GeoTIFF ({reason}); replace the file") from error


def bands(path: Path) -> int:
    if path.suffix.lower() not in ENDINGS:
        return 3 if mode_of(path) in ("RGB", "RGBA") else 1
    with opened(path) as file:
        return int(file.count)


def named(masks: Any) -> dict[int, str | None] | None:
    """What the files beside the masks call the numbers; DataError where two of them disagree."""
    found: dict[int, str | None] = {}
    for mask in masks:
        for number, name in names_beside(mask).items():
            if found.setdefault(number, name) != name:
                raise DataError(f"{mask}.aux.xml: number {number} is {name}, but in another file {found[number]}")
    return found or None


def numbers(path: Path, hide: bool) -> np.ndarray:
    """The class numbers of a map, int32 (H, W), NO_DATA where the file says that there is none; nodata itself stays unless `hide`."""
    if path.suffix.lower() not in ENDINGS:
        return read_numbers(path)
    with opened(path) as file:
        if file.count != 1:
            raise DataError(f"labels {path}: {file.count} bands; a class map has one")
        stored, there, none = file.read(1), file.read_masks(1) > 0, file.nodata
    if not hide:
        there |= stored == none
    whole = np.where(there, stored, 0)
    if whole.dtype.kind == "f" and (odd := whole[whole != np.rint(whole)]).size:
        raise DataError(
            f"labels {path}: {stored.dtype} with fractions such as {odd[0]:g}; a class map holds the numbers of classes"
        )
    if whole.size and max(abs(int(whole.min())), abs(int(whole.max()))) > MOST:
        raise DataError(
            f"labels {path}: numbers from {int(whole.min())} to {int(whole.max())}; those of classes are smaller"
        )
    return np.where(there, whole.astype(np.int32), NO_DATA)


def colours(path: Path, hide: bool) -> np.ndarray:
    """A map of three or four bands as 0xRRGGBB, NO_DATA where the file says that there is none."""
    if path.suffix.lower() not in ENDINGS:
        return read_colours(path)
    with opened(path) as file:
        if file.count not in (3, 4) or set(file.dtypes) != {"uint8"}:
            raise DataError(
                f"labels {path}: {file.count} bands of {file.dtypes[0]}; colours are three of uint8, class numbers one band"
            )
        pixels, there = np.moveaxis(file.read([1, 2, 3]), 0, -1), file.dataset_mask() > 0
    return np.where(there, pack(pixels), NO_DATA)


def as_it_is(path: Path) -> bool:
    """Whether a picture can be taken for one by everybody: grey or RGB of 8 bits."""
    if path.suffix.lower() not in ENDINGS:
        return True
    with opened(path) as file:
        return set(file.dtypes) == {"uint8"} and file.count in (1, 3) and mode_of(path) in ("L", "RGB")


def seen(file: Any) -> list[int]:
    """The bands that are red, green and blue by the file's word; else the first three, or the first alone."""
    roles = [role.name for role in file.colorinterp]
    if {"red", "green", "blue"} <= set(roles):
        return [roles.index(role) + 1 for role in ("red", "green", "blue")]
    return [1, 2, 3] if file.count >= 3 else [1]


def brightness(path: Path) -> float:
    """What is to be white: 255 for 8 bits; else the number below which nearly all lie, in a small version of the picture."""
    with opened(path) as file:
        if set(file.dtypes) == {"uint8"}:
            return 255.0
        shape = (len(seen(file)), min(LOOK, file.height), min(LOOK, file.width))
        values, none = file.read(seen(file), out_shape=shape), file.nodata
    values = values[np.isfinite(values) & (True if none is None else values != none)]
    return max(float(np.percentile(values, BRIGHT)), np.finfo(np.float32).tiny) if values.size else 1.0


def png(path: Path, white: float) -> bytes:
    """A picture as a PNG file of 8-bit RGB: 0 to `white` stretched to 0 to 255, nodata black."""
    with opened(path) as file:
        values, none = file.read(seen(file)).astype(np.float64), file.nodata
    values[~np.isfinite(values) | (False if none is None else values == none)] = 0
    shades = np.clip(values * (255 / white) + 0.5, 0, 255).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(np.moveaxis(np.broadcast_to(shades, (3, *shades.shape[1:])), 0, -1)))
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


FORMAT = Format("geotiff", "GeoTIFF class maps and pictures, in two folders", recognise, read)
