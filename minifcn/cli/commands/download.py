"""Trained networks and data sets from the net, checked and ready for use: weights become a model of ours, data sets are unpacked.

A download that was stopped goes on with the same command. Without a name the catalogue is listed.
"""

import argparse
from pathlib import Path

from minifcn.cli.options import bar
from minifcn.cli.usage import one_of
from minifcn.downloads.catalogue import ITEMS, Item
from minifcn.downloads.fetch import check, fetch
from minifcn.downloads.unpack import unpack
from minifcn.files import make_folder
from minifcn.models import FCN, save
from minifcn.models.classifier_files import save_classifier
from minifcn.pretrained import import_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        nargs="?",
        type=one_of("name", ITEMS),
        metavar="NAME",
        help=f"{', '.join(ITEMS)}; nothing: list them all",
    )
    parser.add_argument(
        "--to", type=Path, default=Path("downloads"), metavar="FOLDER", help="where everything goes (downloads)"
    )
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="FILE",
        help="a copy that you have already; its checksum must be right",
    )


def run(arguments: argparse.Namespace) -> int:
    if arguments.name is None:
        print("\n".join(map(line_of, ITEMS.values())))
        return 0
    item, folder = ITEMS[arguments.name], arguments.to
    make_folder(folder)
    file = arguments.source or fetched(item, folder)
    if arguments.source:
        check(item, file)
    if not item.checksums:
        print(f"note: nobody has published a checksum of {item.file}; what it holds is all that could be looked at")
    print(f"licence  {item.licence}")
    return unpacked(item, file, folder) if item.archive else imported(item, file, folder)


def line_of(item: Item) -> str:
    known = ", ".join(f"{kind.upper()} {digits}" for kind, digits in item.checksums) or "no checksum is known"
    return f"{item.name:<13} {item.megabytes:>7,.0f} MB  {item.what}\n{'':13} {item.address}  {known}"


def fetched(item: Item, folder: Path) -> Path:
    """The file from the net, with a bar."""
    with bar(int(item.megabytes * 1e6), item.file, unit="B", unit_scale=True) as shown:

        def progress(done: int, total: int) -> None:
            shown.total = total or shown.total
            shown.update(done - shown.n)

        return fetch(item, folder, progress)


def unpacked(item: Item, file: Path, folder: Path) -> int:
    """Unpack a data set beside its archive."""
    with bar(0, f"unpacking {file.name}", unit="file") as shown:
        count = unpack(file, folder, lambda done: shown.update(done - shown.n))
    print(f"unpacked {count:,} files into {folder}")
    print(f"look at  minifcn check-data {folder}" if item.name.startswith("voc") else f"see      {folder}")
    return 0


def imported(item: Item, file: Path, folder: Path) -> int:
    """Make a model of weights."""
    done, out = import_file(file), folder / f"{item.name}.safetensors"
    if isinstance(done.network, FCN):
        save(done.network, out)
    else:
        save_classifier(done.network, out)
    print(f"{done.in_words()}\nwritten  {out}")
    print(f"use it   minifcn {'predict --model' if isinstance(done.network, FCN) else 'train --trunk'} {out} …")
    return 0
