#!/usr/bin/env bash
# latex2mathml: in a display formula the limits of `\max`, `\lim` and `\operatorname*` stand beside the word; with `arg\,max` the star becomes a sign.
#
# Guess, before it was run: \operatorname*{arg\,max}_{c} keeps its star as a character. Seen as well: where there is no thin space
# the star is read, but the class goes into msub, in which "movablelimits" means nothing, so it never stands below.
# \sum gets its limits below; so does \max from pandoc.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet latex2mathml==3.81.1 pypandoc_binary==1.17

cat > run.py <<'END'
import re
from importlib.metadata import version

import pypandoc
from latex2mathml.converter import convert



def place(markup):
    """Where the first limit stands: the c is the first thing that is put below or beside another."""
    return {"munder": "below", "msub": "beside"}[re.search("<(munder|msub)>", markup)[1]]


print("latex2mathml", version("latex2mathml"), "pandoc", pypandoc.get_pandoc_version())
found = {}
for formula in (r"\sum_{c} s_c", r"\max_{c} s_c", r"\operatorname*{argmax}_{c} s_c", r"\operatorname*{arg\,max}_{c} s_c"):
    ours = convert(formula, display="block")
    theirs = pypandoc.convert_text(f"$${formula}$$", "html", format="markdown", extra_args=["--mathml"])
    print(formula, "\n  latex2mathml", ours[ours.index("<mrow>") :], "\n  pandoc      ", theirs.split("<semantics>")[1].split("<annotation")[0])
    found[formula] = (place(ours), "star" if "&#x0002A;" in ours else "", place(theirs))
print(found)
expected = [("below", "", "below"), ("beside", "", "below"), ("beside", "", "below"), ("beside", "star", "below")]
raise SystemExit(list(found.values()) != expected)
END
venv/bin/python run.py
echo "as found: only the limits of the sum stand below it"
