#!/usr/bin/env bash
# PyLabel: exported as YOLO segmentation, of an object in several parts the first part alone is written, and nobody is told.
#
# Guess, before it was run: ExportToYoloV5(segmentation=True) writes a line an annotation, and an object of two squares keeps both, in one line or in two.
# Seen: one line with the four corners of the first square; the second is nowhere. Read from the file before the export, both are in its table.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet pylabel==0.1.55 pandas==2.2.3 numpy==2.2.6 opencv-python==4.12.0.88 pillow==12.3.0

cat > run.py <<'END'
import json
import logging
import warnings
from importlib.metadata import version
from pathlib import Path

from PIL import Image
from pylabel import importer

print("pylabel", version("pylabel"), "pandas", version("pandas"))
parts = [[2, 2, 6, 2, 6, 6, 2, 6], [10, 3, 14, 3, 14, 9, 10, 9]]
boxes = {"iscrowd": 0, "area": 40, "bbox": [2, 2, 12, 7]}
content = {
    "images": [{"id": 1, "file_name": "a.png", "width": 16, "height": 12}],
    "categories": [{"id": 0, "name": "cat"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 0, "segmentation": parts, **boxes}],
}
Path("images").mkdir()
Image.new("RGB", (16, 12)).save("images/a.png")
Path("set.json").write_text(json.dumps(content))

said = []
handler = logging.Handler()
handler.emit = lambda record: said.append(record.getMessage())
logging.getLogger().addHandler(handler)
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always", UserWarning)
    data = importer.ImportCoco("set.json", path_to_images="images")
    held = data.df.iloc[0]["ann_segmentation"]
    data.export.ExportToYoloV5(output_path="out/labels", segmentation=True)
lines = Path("out/labels/a.txt").read_text().splitlines()
corners = [(len(line.split()) - 1) // 2 for line in lines]
user = [str(each.message) for each in warned if issubclass(each.category, UserWarning)]
print("parts in its table:", len(held), "| lines:", lines, "| corners:", corners, "| said:", said + user)
raise SystemExit(len(held) != 2 or corners != [4] or bool(said + user))
END
venv/bin/python run.py 2> said.txt || { tail -5 said.txt; exit 1; }
echo "as found: the second part is lost"
