#!/usr/bin/env bash
# pandoc: of a notebook's output in Markdown, HTML and even Markdown pages get the plain twin: `<IPython.core.display.Markdown object>`.
#
# Guess, before it was run: an output with text/markdown beside text/plain is shown plain in HTML. The manual says that
# --ipynb-output=best, the default, picks the richest one that fits the format. Seen: plain also where the format is Markdown
# itself, and for text/latex in HTML, though formulas in cells of text are converted. nbconvert shows both as they are meant.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet pypandoc_binary==1.17 nbconvert==7.17.2 ipython==8.37.0 ipykernel==6.31.0

cat > run.py <<'END'
from importlib.metadata import version

import nbformat
import pypandoc
from IPython.core.formatters import DisplayFormatter
from IPython.display import Latex, Markdown
from nbconvert import HTMLExporter

print("pandoc", pypandoc.get_pandoc_version(), "nbconvert", version("nbconvert"), "IPython", version("ipython"))
notebook = nbformat.v4.new_notebook()
for value in (Markdown("The gradient check **passes**."), Latex("$x_2 < 3$")):
    data, _ = DisplayFormatter().format(value)  # what a notebook holds of it
    print(data)
    cell = nbformat.v4.new_code_cell("value")
    cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
    notebook.cells.append(cell)
nbformat.validate(notebook)
nbformat.write(notebook, "lesson.ipynb")
pages = {to: pypandoc.convert_file("lesson.ipynb", to, format="ipynb", extra_args=["--ipynb-output=best"]) for to in ("html", "gfm")}
pages["nbconvert html"] = HTMLExporter(exclude_input=True).from_notebook_node(notebook)[0].split("<body")[1]
found = {}
for name, page in pages.items():
    found[name] = "passes" in page, "Markdown object" in page, "Latex object" in page
print(pages["gfm"])
print("the words, the plain twin of the Markdown, the plain twin of the formula:", found)
expected = {"html": (False, True, True), "gfm": (False, True, True), "nbconvert html": (True, False, False)}
raise SystemExit(found != expected)
END
venv/bin/python run.py
echo "as found: pandoc shows what stands in for the output, and not the output"
