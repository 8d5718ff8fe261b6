"""Every script in findings/ is listed with its own first line, can be run, pins what it installs, and leaves minifcn out."""

import os
import re

import pytest

from tests.docs.loading import ROOT

SCRIPTS = sorted((ROOT / "findings").glob("*.sh"))
README = (ROOT / "findings" / "README.md").read_text(encoding="utf-8")


def first_line(script):
    return script.read_text(encoding="utf-8").splitlines()[1].removeprefix("# ")


def test_the_list_is_whole():
    listed = re.findall(r"^- \[(\w+\.sh)\]\(\1\): (.+)$", README, re.MULTILINE)
    assert listed == [(script.name, first_line(script)) for script in SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_finding_has_its_form(script):
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n# ")
    assert os.access(script, os.X_OK), "chmod +x"
    assert "# Guess, before it was run: " in text
    assert "set -euo pipefail" in text and "mktemp -d" in text and "trap 'rm -rf" in text
    installed = re.findall(r'pip"? install --quiet (.+)', text)
    assert installed, "installs nothing"
    assert all("==" in package for line in installed for package in line.split()), "a package without its version"
    assert "minifcn" not in text
