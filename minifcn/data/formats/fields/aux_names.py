"""Names of a class map's numbers in NAME.tif.aux.xml: GDAL's category names, or the attribute table that GDAL, QGIS and ArcGIS keep there."""

from pathlib import Path
from xml.etree import ElementTree

from minifcn.data.errors import DataError
from minifcn.data.formats.source import usual_name

NAME, VALUES = "2", ("5", "3")  # what GDAL calls the use of a column: GFU_Name; GFU_MinMax, GFU_Min


def names_beside(path: Path) -> dict[int, str]:
    """Number → name; empty where nothing is there. Raises DataError for a file that is no XML."""
    file = path.with_name(path.name + ".aux.xml")
    if not file.is_file():
        return {}
    try:
        band = ElementTree.parse(file).find("PAMRasterBand")
    except (OSError, ElementTree.ParseError) as error:
        raise DataError(f"{file}: cannot be read ({error}); it names the classes of {path.name}") from error
    if band is None:
        return {}
    categories = enumerate(each.text or "" for each in band.iterfind("CategoryNames/Category"))
    found = {number: usual_name(name.strip()) for number, name in categories if name.strip()}
    return found or table_names(band)


def table_names(band: ElementTree.Element) -> dict[int, str]:
    """From a raster attribute table: the column of values and that of names."""
    table = band.find("GDALRasterAttributeTable")
    if table is None:
        return {}
    uses = [(column.findtext("Usage") or "").strip() for column in table.iterfind("FieldDefn")]
    values = next((uses.index(use) for use in VALUES if use in uses), None)
    if values is None or NAME not in uses:
        return {}
    rows = [[cell.text or "" for cell in row.iterfind("F")] for row in table.iterfind("Row")]
    return {int(float(row[values])): usual_name(row[uses.index(NAME)].strip()) for row in rows}
