"""What the commands print reaches any terminal whole, and commands no terminal."""

import io
import os
import subprocess
import sys
import warnings

import pytest
from PIL import Image
from tqdm import tqdm

from minifcn.cli.output import Cleaned, raw, readable_output, without_commands
from minifcn.weights import WeightsNote

RED = "\x1b[31mred\x1b]0;owned\x07"


def run_with(encoding, *words):
    """A command in a process whose terminal has this encoding."""
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    return subprocess.run([sys.executable, "-m", "minifcn", *map(str, words)], capture_output=True, env=environment)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize("line", ["train --help", "summary fcn8s"])
def test_no_encoding_of_a_terminal_stops_a_command(encoding, line):
    done = run_with(encoding, *line.split())
    said = (done.stdout + done.stderr).decode(encoding)
    assert "UnicodeEncodeError" not in said and "Traceback" not in said
    assert done.returncode in (0, 2), said
    assert said.strip()


def test_letters_that_a_terminal_lacks_are_written_in_others(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    with readable_output("train"):
        print("3×3 → ½ … \udce9 家")
    stream.flush()
    assert stream.buffer.getvalue().decode().strip() == r"3x3 -> \xbd ... \udce9 \u5bb6"


@pytest.mark.skipif(os.name == "nt", reason="needs Linux or macOS")
@pytest.mark.parametrize(
    "name", [f"{RED}.png", "a\rb.png", "a\x9b2Jb.png", "a\u202egnp.exe.png", os.fsdecode(b"caf\xe9.png")]
)
def test_no_command_to_the_terminal_comes_out_of_a_name(name, call, person_model, tmp_path):
    Image.new("RGB", (9, 7)).save(tmp_path / "p.png")
    picture = tmp_path / "in" / name
    picture.parent.mkdir()
    os.replace(tmp_path / "p.png", picture)
    said = call("predict", picture, "--model", person_model, "--out", tmp_path / "out").worked()
    bad = picture.with_name("bad" + name)
    bad.write_bytes(b"no picture")
    answers = [said, call("eval", bad, "--data", tmp_path).failed("bad")]
    for words in (["predict", bad], ["train", "--out", tmp_path / "run", "--data", bad], ["check-data", bad]):
        answers.append(call(*words).failed("bad"))
    for answer in answers:
        text = answer.out + answer.err
        assert not set(text) & {
            *map(chr, range(9)),
            *map(chr, range(11, 32)),
            *map(chr, range(0x7F, 0xA0)),
            "\u202e",
        }, text


def test_usage_errors_are_cleaned_too(call):
    answer = call("predict", f"--{RED}")
    assert answer.status == 2 and "\x1b" not in answer.err and r"\x1b[31mred" in answer.err


@pytest.mark.parametrize(
    "text, shown",
    [
        ("plain ü 家 × \n\t", "plain ü 家 × \n\t"),
        ("\x1b[0m", r"\x1b[0m"),
        ("a\x00b\x7f\x9b", r"a\x00b\x7f\x9b"),
        ("\u202ea\u2066", r"\u202ea\u2066"),
    ],
)
def test_what_a_terminal_obeys_is_written_out(text, shown):
    assert without_commands(text) == shown


def test_a_bar_still_knows_where_lines_are_written(monkeypatch):
    """Else lines would run into the bar."""
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "stdout", screen)
    with readable_output("train"):
        assert isinstance(sys.stderr, Cleaned) and raw(sys.stderr) is screen
        with tqdm(total=3, file=raw(sys.stderr), desc="bar", leave=False) as bar:
            bar.write("a line", file=sys.stdout)
    assert any(part.strip() == "a line" for part in screen.getvalue().replace("\n", "\r").split("\r"))


def test_a_note_is_a_line(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with readable_output("predict"):
            warnings.warn("m.safetensors: from long ago", WeightsNote, stacklevel=1)
    assert capsys.readouterr().err == "minifcn predict: m.safetensors: from long ago\n"
