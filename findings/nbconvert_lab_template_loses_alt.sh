#!/usr/bin/env bash
# nbconvert: a figure's alt text in its output's metadata is in the HTML of the template "classic", and lost in that of "lab", the default.
#
# Guess, before it was run: nbconvert takes `alt` from the metadata of an image/png output, as its templates read width and height.
# Seen: the template "classic" does. "lab" reads width and height and leaves alt out; then a later step writes "No description has been
# provided for this image" in its place, over a figure that was described.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet nbconvert==7.17.2 pillow==11.3.0

cat > run.py <<'END'
import base64
import io
import re
from importlib.metadata import version

import nbformat
from nbconvert import HTMLExporter
from PIL import Image

content = io.BytesIO()
Image.new("RGB", (8, 8)).save(content, "PNG")
picture = base64.b64encode(content.getvalue()).decode()
cell = nbformat.v4.new_code_cell("show()")
meta = {"image/png": {"alt": "A black square.", "width": 8}}
cell.outputs = [nbformat.v4.new_output("display_data", data={"image/png": picture}, metadata=meta)]
notebook = nbformat.v4.new_notebook(cells=[cell])
nbformat.validate(notebook)
print("nbconvert", version("nbconvert"), meta)
found = {}
for template in ("classic", "lab"):
    page, _ = HTMLExporter(template_name=template).from_notebook_node(notebook)
    image = next(tag for tag in re.findall(r"<img[^>]*>", page) if "data:image/png" in tag)
    found[template] = re.search(r'alt="([^"]*)"', image)[1], re.search(r'width="?(\d+)', image)[1]
    print(template, found[template])
expected = {"classic": ("A black square.", "8"), "lab": ("No description has been provided for this image", "8")}
raise SystemExit(found != expected)
END
venv/bin/python run.py
echo "as found: the default template says of a described figure that nobody described it"
