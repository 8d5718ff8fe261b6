"""Trained networks and data sets from the net, checked and ready for use: weights become a model of ours, data sets are unpacked.

A download that was stopped goes on with the same command. Without a name the catalogue is listed. trainaug and seg11valid are made of the
data sets in the folder, with nothing from the net.
"""

import argparse
from pathlib import Path

from minifcn.cli.options import bar
from minifcn.cli.usage import one_of
from minifcn.data import DataError
from minifcn.data.pascal import make_seg11valid, make_trainaug
from minifcn.downloads.catalogue import ITEMS, MADE, SEGNET_FOLDER, Item
from minifcn.downloads.fetch import check, fetch
from minifcn.downloads.unpack import unpack
from minifcn.files import make_folder
from minifcn.models import FCN, save
from minifcn.models.classifier_files import save_classifier
from minifcn.pretrained import import_file

NEXT = {
    "voc2012": "look at  minifcn check-data {folder}",
    "voc2011": "look at  minifcn check-data {folder}",
    "sbd": "use it   minifcn download trainaug --to {folder}",
    "camvid": "use it   minifcn import {folder}/" + SEGNET_FOLDER + "/CamVid --out camvid",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        nargs="?",
        type=one_of("name", (*ITEMS, *MADE)),
        metavar="NAME",
        help=f"{', '.join((*ITEMS, *MADE))}; nothing: list them all",
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
        if arguments.source:
            raise DataError("--from is a copy of one of these: add its NAME; minifcn download lists them")
        print("\n".join(map(line_of, ITEMS.values())))
        print("\n".join(f"{name:<13} {'made':>10}  {what}" for name, what in MADE.items()))
        return 0
    if arguments.name in MADE:
        if arguments.source:
            raise DataError(f"{arguments.name} is made of the data sets in --to FOLDER: leave out --from")
        return made(arguments.name, arguments.to)
    item, folder = ITEMS[arguments.name], arguments.to
    make_folder(folder)
    print(f"licence  {item.licence}", flush=True)
    file = arguments.source or fetched(item, folder)
    if arguments.source:
        check(item, file)
    if not item.checksums:
        print(f"note: nobody has published a checksum of {item.file}; what it holds is all that could be looked at")
    return unpacked(item, file, folder) if item.archive else imported(item, file, folder)


def line_of(item: Item) -> str:
    known = ", ".join(f"{kind.upper()} {digits}" for kind, digits in item.checksums) or "no checksum is known"
    return f"{item.name:<13} {item.megabytes:>7,.0f} MB  {item.what}\n{'':13} {item.address}  {known}\n{'':13} licence: {item.licence}"


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
    print(NEXT[item.name].format(folder=folder))
    return 0


def made(name: str, folder: Path) -> int:
    """Make a list of the data sets in `folder`."""
    with bar(0, "SBD's labels", unit="file") as shown:

        def progress(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        lists = [make_trainaug(folder, progress)] if name == "trainaug" else make_seg11valid(folder)
    for each in lists:
        more = f", and {each.labels:,} label files of SBD's beside VOC's" if each.labels else ""
        print(f"written  {each.file}: {each.names:,} pictures{more}")
    option = "--train-split" if name == "trainaug" else "--split"
    command = "train" if name == "trainaug" else "eval MODEL"
    print(f"use it   minifcn {command} --data {lists[-1].file.parents[2]} {option} {name} …")
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
