#!/usr/bin/env bash
# Datumaro: in a "Segmentation mask" export labels without a colour, where others have one, are all painted white, so two of them become one, and Datumaro cannot read its own export.
#
# Guess, before it was run: a label without a colour gets a colour of its own, that of its place in VOC's palette, as where no label has one.
# Valid input: the label map is the documented way to give colours, and None is what Datumaro itself writes for a label without.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet datumaro==1.13.12

cat > export.py <<'END'
import numpy as np
from datumaro.components.annotation import Mask
from datumaro.components.dataset import Dataset
from datumaro.components.dataset_base import DatasetItem
from datumaro.components.media import Image
from PIL import Image as Picture


def mask(rows):
    full = np.zeros((6, 4), bool)
    full[rows] = True
    return full


masks = [Mask(mask(slice(2 * place - 1, 2 * place)), label=place) for place in (1, 2, 3)]
item = DatasetItem(id="a", subset="train", media=Image.from_numpy(data=np.zeros((6, 4, 3), np.uint8)), annotations=masks)
labels = {"background": [(0, 0, 0), [], []], "cat": [None, [], []], "cow": [None, [], []], "dog": [(250, 50, 83), [], []]}
Dataset.from_iterable([item], categories=list(labels)).export("out", "voc_segmentation", save_media=True, label_map=labels)
pixels = np.asarray(Picture.open("out/SegmentationClass/a.png"))
for row, name in ((1, "cat"), (3, "cow"), (5, "dog")):
    print(f"{name} is painted {pixels[row, 0].tolist()}")
try:
    print(len(list(Dataset.import_from("out", "voc_segmentation"))), "item read back")
except Exception as error:
    print(f"reading back: {type(error).__name__}: {error}")
END
venv/bin/pip list 2>/dev/null | grep -i -E '^(datumaro|numpy) '
venv/bin/python export.py 2> said.txt | tee found.txt
echo "--- labelmap.txt"
cat out/labelmap.txt
grep -q 'cat is painted \[255, 255, 255\]' found.txt
grep -q 'cow is painted \[255, 255, 255\]' found.txt
grep -q 'dog is painted \[250, 50, 83\]' found.txt
grep -q 'reading back: .*Undeclared color' found.txt
echo "as found: cat and cow are both white, and its own reader does not know the colour"
