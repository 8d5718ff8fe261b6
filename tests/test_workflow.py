"""The workflow for a public CI says what README and setup.cfg say, and its commands are commands."""

import configparser
import re
import shlex
from pathlib import Path

import pytest

from minifcn.cli.main import parser

ROOT = Path(__file__).parent.parent
WORKFLOW = ROOT / ".github" / "workflows" / "tests.yml"


@pytest.fixture(scope="module")
def job():
    import yaml  # comes with jupytext

    found = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert set(found["jobs"]) == {"test"} and found["permissions"] == {"contents": "read"}
    return found["jobs"]["test"]


def test_every_system_and_the_oldest_python_that_setup_cfg_promises(job):
    assert [name.split("-")[0] for name in job["strategy"]["matrix"]["os"]] == ["ubuntu", "windows", "macos"]
    oldest, newest = job["strategy"]["matrix"]["python"]
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    assert setup["options"]["python_requires"] == f">={oldest}"  # a text: 3.10 as a number is 3.1
    assert tuple(map(int, newest.split("."))) > tuple(map(int, oldest.split(".")))
    assert job["runs-on"] == "${{ matrix.os }}" and not job["strategy"]["fail-fast"]


def test_it_runs_the_command_of_the_readme(job):
    lines = re.findall(r"^pip install .*pytest.*$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    command = lines[0].partition(" #")[0].strip()
    assert command in [step.get("run") for step in job["steps"]]
    assert job["defaults"]["run"]["shell"] == "bash"  # PowerShell of Windows knows no &&


def test_every_command_in_it_can_be_parsed(job):
    lines = [line for step in job["steps"] for line in step.get("run", "").splitlines() if line.startswith("minifcn ")]
    assert len(lines) >= 5
    for line in lines:
        parser().parse_args(shlex.split(line)[1:])
