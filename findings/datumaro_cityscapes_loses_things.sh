#!/usr/bin/env bash
# Datumaro reads Cityscapes' instance maps as class maps: cars, people and riders are gone without a word, and labelIds beside them are not opened.
#
# Guess, before it was run: Cityscapes' own folders are read to the numbers of labelIds. Seen: `*_labelIds.png` is not opened; of
# `*_instanceIds.png` every number that is a class is taken, and 26001, the first car (class 26 x 1000 + 1), is none. Nothing is
# logged. Where the trainId maps of cityscapesscripts are there, these are taken and all is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet datumaro==1.13.12 numpy==2.4.6 pillow==12.3.0

cat > run.py <<'END'
import logging
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

import datumaro as dm

print("datumaro", version("datumaro"))
labels = np.array([[7, 7, 7, 7], [7, 26, 26, 7], [24, 24, 7, 7]], np.uint8)  # road, car, person
things = labels >= 24
instances = np.where(things, labels.astype(np.int32) * 1000 + 1, labels).astype(np.uint16)
name = "train/aachen/aachen_000000_000019"
for part, pixels in {
    f"leftImg8bit/{name}_leftImg8bit.png": np.zeros((3, 4, 3), np.uint8),
    f"gtFine/{name}_gtFine_labelIds.png": labels,
    f"gtFine/{name}_gtFine_instanceIds.png": instances,
}.items():
    path = Path("set") / part
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)

said = []
handler = logging.Handler()
handler.emit = lambda record: said.append(record.getMessage())
logging.getLogger().addHandler(handler)
data = dm.Dataset.import_from("set", "cityscapes")
names = [label.name for label in data.categories()[dm.AnnotationType.label]]
(item,) = list(data)
found = {names[each.label]: int(np.asarray(each.image).sum()) for each in item.annotations}
print("written: road", int((labels == 7).sum()), "car", int((labels == 26).sum()), "person", int((labels == 24).sum()))
print("read:", found, "| logged:", said)
raise SystemExit(found != {"road": 8} or bool(said))
END
venv/bin/python run.py
echo "as found: what has instances is read as nothing"
