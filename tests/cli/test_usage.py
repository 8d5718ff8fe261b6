"""Wrong usage: two lines, the sentence with the nearest name and where help is; exit status 2; by the script and by `python -m minifcn`."""

import argparse
import subprocess
import sys

import pytest

from minifcn.cli.main import COMMANDS, START, parser
from minifcn.cli.usage import Parser, looks_like_an_option, one_of


def asked(call, line):
    """What wrong usage prints before the line about help."""
    answer = call(line)
    assert answer.status == 2 and answer.out == "", answer.out + answer.err
    sentence, help_line, end = answer.err.split("\n")
    command = line.split()[0] if line and line.split()[0] in COMMANDS else ""
    prog = f"minifcn {command}".strip()
    assert help_line == f"help: {prog} --help" and end == "" and sentence.startswith(f"{prog}: ")
    return sentence.removeprefix(f"{prog}: ")


@pytest.mark.parametrize("line", ["", "--help", "-h", "help"])
def test_alone_it_prints_help_with_three_lines_to_start_with(line, call):
    answer = call(line).worked()
    assert answer.err == "" and answer.out.startswith("usage: minifcn") and START in answer.out
    assert all(f"\n    {command}" in answer.out for command in COMMANDS)


def test_the_lines_to_start_with_are_valid():
    lines = [line.strip() for line in START.splitlines()[1:]]
    assert len(lines) == 3
    for line in lines:
        words = line.split("   ")[0].split()
        assert words[0] == "minifcn" and len(line) < 79
        assert parser(words[1:]).parse_args(words[1:]).command == words[1]


@pytest.mark.parametrize("command", ["train", "check-data"])
def test_help_of_a_command_in_two_ways(command, call):
    assert call(f"help {command}").worked().out == call(f"{command} --help").worked().out


MOST = "--data x --out y"


@pytest.mark.parametrize(
    "line, sentence",
    [
        ("trian", "unknown command trian: did you mean train? Choose one of demo, import, check-data, train,"),
        ("checkdata x", "unknown command checkdata: did you mean check-data? Choose"),
        ("fly", "unknown command fly; choose one of demo,"),
        ("help trian", "unknown command trian: did you mean train? Choose"),
        ("--versoin", "unknown option --versoin: did you mean --version?"),
        (f"train {MOST} --stepz 5", "unknown option --stepz: did you mean --steps?"),
        (f"train {MOST} --stepz=5", "unknown option --stepz: did you mean --steps?"),
        (f"train {MOST} -steps 5", "unknown option -steps: did you mean --steps?"),
        ("train --dat x --out y", "unknown option --dat: did you mean --data?"),  # not: --data is required
        (f"train {MOST} --zzz", "unknown option --zzz"),
        ("eval --model x --data y", "unknown option --model: MODEL is given without it"),
        ("check-data --root x", "unknown option --root: ROOT is given without it"),
        ("gradcheck --case 3", "unknown option --case: did you mean --cases?"),
        (f"train {MOST} --class cat", "unknown option --class: did you mean --classes, --class-names or --class-weights?"),
        (f"train {MOST} --arch fcn8", "--arch: unknown value fcn8: did you mean fcn8s or fcn8s-atonce? Choose one of staged,"),
        (f"train {MOST} --backbone vgg", "--backbone: unknown value vgg: did you mean vgg16? Choose one of tiny, vgg16,"),
        (f"train {MOST} --recipe papr", "--recipe: unknown value papr: did you mean paper? Choose one of modern, paper,"),
        (f"train {MOST} --optimizer lion", "--optimizer: unknown value lion; choose one of sgd, adam"),
        ("demo --device gp", "--device: unknown value gp: did you mean gpu? Choose one of auto, cpu, gpu"),
        ("summary fcn8s --backbone alexnt", "--backbone: unknown value alexnt: did you mean alexnet? Choose"),
        ("bench --case smallstep", "--case: unknown value smallstep: did you mean small-step? Choose"),
        ("gradcheck --model fcn8", "--model: unknown value fcn8: did you mean fcn8s or fcn8s-atonce? Choose"),
        ("gradcheck conv", "unknown operation conv: did you mean conv2d or conv_transpose2d? Choose one of relu,"),
        ("gradcheck relu Conv2D", "unknown operation Conv2D: did you mean conv2d? Choose one of relu,"),
        ("gradcheck qqq", "unknown operation qqq; choose one of relu,"),
        ("paper any-sise", "unknown claim 'any-sise': did you mean any-size? minifcn paper --list prints all names"),
        ("paper any-size qqqq", "unknown claim 'qqqq'; minifcn paper --list prints all names"),
        ("paper --kind identty,data", "--kind: 'identty': did you mean identity? Expected one or more of identity,"),
        ("train", "the following arguments are required: --data, --out"),
        ("eval", "the following arguments are required: MODEL, --data"),
        ("train --data x --out", "--out: expected one argument: --out RUN"),
        (f"train {MOST} --seed", "--seed: expected one argument: --seed SEED"),
        (f"train {MOST} --steps 0", "--steps: 0 is out of range; expected 1 or more"),
        (f"train {MOST} --steps 5 --epochs 1", "--epochs: not allowed with argument --steps"),
        (f"train {MOST} more words", "more words: more words than minifcn train takes"),
        ("check-data a --sheet x.jpg", "--sheet: 'x.jpg' does not end in .png"),
        ("export a --out b.npz", "--out: 'b.npz' does not end in .safetensors, .onnx or .py"),
    ],
)  # fmt: skip
def test_sentences(line, sentence, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = asked(call, line)
    assert said.startswith(sentence) and (sentence.endswith(",") or "Choose" in sentence or said == sentence)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option, full", [("--step", "--steps"), ("--back", "--backbone"), ("--resum", "--resume")])
def test_an_abbreviation_is_refused_and_the_option_named(option, full, call):
    # clear today, it would mean two options once another begins so, and a line in somebody's notes would stop working
    assert asked(call, f"train {MOST} {option} 5") == f"unknown option {option}: did you mean {full}?"


@pytest.mark.parametrize(
    "line, words", [("trian", "did you mean train?"), ("train --stepz 5", "--stepz: did you mean --steps?")]
)
def test_as_a_module(line, words):
    done = subprocess.run([sys.executable, "-m", "minifcn", *line.split()], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stdout == "" and words in done.stderr
    assert done.stderr.splitlines()[1] == f"help: minifcn{' train' * line.startswith('train')} --help"


def test_alone_as_a_module():
    done = subprocess.run([sys.executable, "-m", "minifcn"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "") and START in done.stdout


def test_every_option_of_every_command_is_known_and_its_misspelling_named(call):
    """Each option with a letter more at its end is refused, and that option, or one that the letter makes as near, is named."""
    tried = 0
    for command in COMMANDS:
        (filled,) = [
            a.choices[command] for a in parser([command])._actions if isinstance(a, argparse._SubParsersAction)
        ]
        for option in filled.options():
            if option.startswith("--"):
                assert f"did you mean {option}?" in asked(call, f"{command} {option}q"), option
                tried += 1
    assert tried > 100


@pytest.mark.parametrize("word", ["-1", "-0.5", "-1e-3", "-", "x", "", "-a text"])
def test_what_is_a_value(word):
    assert not looks_like_an_option(word)


@pytest.mark.parametrize("word", ["-x", "--steps", "--steps=3", "-1.jpg"])
def test_what_is_an_option(word):
    assert looks_like_an_option(word)


def test_words_behind_two_dashes_are_no_options():
    takes = Parser(prog="p")
    takes.add_argument("words", nargs="*")
    assert takes.parse_args(["a", "--", "--stepz"]).words == ["a", "--stepz"]


def test_names_are_looked_up_when_a_word_is_read():
    names = {}
    known = one_of("fruit", names)
    names["apple"] = 1
    assert known("apple") == "apple"
    with pytest.raises(
        argparse.ArgumentTypeError, match=r"^unknown fruit aple: did you mean apple\? Choose one of apple$"
    ):
        known("aple")


def test_only_the_command_that_is_named_is_loaded():
    code = "import sys; from minifcn.cli.main import main; main(['summary', 'fcn8s', '--backbone', 'tiny']); print('minifcn.bench' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.endswith("False\n")


def test_a_class_that_there_is_not(call, small_set, tmp_path):
    line = f"train --data {small_set} --classes sqare --out {tmp_path / 'run'}"
    call(line).failed("there is no class 'sqare': did you mean square? Choose one of background,")


def test_a_network_a_model_and_a_split_that_there_are_not(call, small_set, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call("summary fcn8").failed(
        "unknown architecture 'fcn8': did you mean fcn8s or fcn8s-atonce? Choose one of fcn32s,"
    )
    call("predict --model voc8").failed("no model of that name ships with minifcn: did you mean voc7?")
    call(f"train --data {small_set} --train-split trian --out run").failed(
        "did you mean train? The splits in this folder are:"
    )
