#!/usr/bin/env bash
# latex2mathml: `\begin{aligned}`, which may stand in a display formula, gives no table and no error, but a bare `&` that is no XML; `\begin{align}` is fine.
#
# Guess, before it was run: none was written, it was met while trying formulas; one would expect an error for an environment that is not known. Seen instead: align and split are
# converted; aligned, gathered and dcases are taken for nothing, and their column marks stand in the text as they are.
# Valid input: KaTeX, MathJax and LaTeX with amsmath take all of these.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet latex2mathml==3.81.1

cat > run.py <<'END'
from importlib.metadata import version
from xml.etree import ElementTree

from latex2mathml.converter import convert

print("latex2mathml", version("latex2mathml"))
found = {}
for name in ("align", "split", "cases", "aligned", "gathered", "dcases"):
    made = convert(rf"\begin{{{name}}} y &= \max(x, 0) \\ &= x \end{{{name}}}", display="block")
    try:
        ElementTree.fromstring(made)
        found[name] = "a table" if "<mtable" in made else "no table"
    except ElementTree.ParseError as error:
        found[name] = "no XML"
        print(f"{name}: {error}: {made[made.index('<mrow>'):][:80]} …")
print(found)
expected = dict(align="a table", split="a table", cases="a table", aligned="no XML", gathered="no XML", dcases="no XML")
raise SystemExit(found != expected)
END
venv/bin/python run.py
echo "as found: half of the environments come out as text with a bare ampersand"
