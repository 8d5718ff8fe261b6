"""The door of the command line: usage, exit statuses, and no traceback for anybody."""

import os
import struct
import subprocess
import sys

import needs
import pytest

from minifcn.cli.commands import gradcheck, predict, summary, train
from minifcn.cli.main import COMMANDS
from minifcn.version import __version__

from .conftest import ONE


def minifcn(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "minifcn", *map(str, arguments)], capture_output=True, text=True, timeout=60, **options
    )


def test_version_in_a_process():
    done = minifcn("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"minifcn {__version__}\n", "")


def test_an_error_in_a_process_is_one_line(tmp_path):
    done = minifcn("train", "--data", tmp_path / "nowhere", "--out", tmp_path / "run")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == f"minifcn train: data {tmp_path / 'nowhere'}: there is no such folder\n"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, call):
    answer = call(f"{command} --help").worked()
    assert answer.out.startswith(f"usage: minifcn {command}")
    assert command in call("--help").worked().out


@pytest.mark.parametrize(
    "line",
    [
        "fly",
        "train",
        "train --data x",
        "train --out x",
        "train --data x --out y --steps 0",
        "train --data x --out y --steps 2.5",
        "train --data x --out y --steps -1",
        "train --data x --out y --steps 5 --epochs 1",
        "train --data x --out y --epochs 0",
        "train --data x --out y --lr 0",
        "train --data x --out y --lr nan",
        "train --data x --out y --lr inf",
        "train --data x --out y --lr fast",
        "train --data x --out y --batch 0",
        "train --data x --out y --size -1",
        "train --data x --out y --size 32xx32",
        "train --data x --out y --width 0",
        "train --data x --out y --limit 0",
        "train --data x --out y --seed -1",
        "train --data x --out y --arch fcn64s",
        "train --data x --out y --backbone resnet",
        "train --data x --out y --optimizer lion",
        "train --data x --out y --others ignore",
        "train --data x --out y --padding 100",
        "train --data x --out y --device tpu",
        "train --data x --out y more",
        "eval",
        "eval model",
        "eval --data x",
        "predict a.jpg --out",
        "predict a.jpg --tile 0",
        "predict a.jpg --tile 512x512",
        "predict a.jpg --tile 512 --overlap -1",
        "export",
        "export a.safetensors",
        "export a.safetensors --out b.npz",
        "export a.safetensors --out b.safetensors --note licence",
        "export a.safetensors --out b.safetensors --note =MIT",
        "export a.safetensors --out b.safetensors --note licence=",
        "summary",
        "summary fcn8s --size 375",
        "summary fcn8s --size 0x500",
        "summary fcn8s --size -1x5",
        "summary fcn8s --size axb",
        "summary fcn8s --num-classes 0",
        "gradcheck --cases 0",
        "gradcheck --seed x",
        "demo --device tpu",
        "demo --seed x",
        "demo --seed -1",
    ],
)
def test_wrong_usage_is_exit_status_2(line, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = call(line)
    assert answer.status == 2 and answer.err.startswith("minifcn") and answer.err.endswith(" --help\n")
    assert not list(tmp_path.iterdir())


ERRORS = [
    ValueError("five is not four"),
    TypeError("no number"),
    RuntimeError("no kernel"),
    OSError(28, "No space left on device"),
    AssertionError("not equal"),
    MemoryError("cannot allocate 98 TiB"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_is_a_sentence_and_exit_status_1(error, call, monkeypatch):
    def broken(*arguments, **options):
        raise error

    monkeypatch.setattr(summary, "build", broken)
    call("summary fcn8s").failed("minifcn summary: ", str(error.args[-1]))


def test_more_memory_than_there_is(call):
    call("summary fcn32s --backbone tiny --width 1000000000000").failed("minifcn summary: ")


@pytest.mark.parametrize(
    "module, name, line",
    [
        (train, "run_stages", "train --data {small} --out {out}/run " + ONE),
        (predict, "load", "predict x.jpg --model m --out {out}/p"),
        (gradcheck, "check", "gradcheck relu"),
    ],
)
def test_ctrl_c_is_exit_status_130(module, name, line, call, monkeypatch, small_set, tmp_path):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, name, interrupted)
    answer = call(line.format(small=small_set, out=tmp_path))
    assert answer.status == 130 and answer.err.strip().startswith(f"minifcn {line.split()[0]}: stopped")


def test_a_reader_that_leaves_gets_no_traceback():
    # `minifcn gradcheck | head -1`
    process = subprocess.Popen(
        [sys.executable, "-m", "minifcn", "gradcheck", "--cases", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    process.wait(60)
    assert "Traceback" not in err and "Exception ignored" not in err


@pytest.mark.skipif(os.name == "nt", reason=needs.POSIX)
def test_bars_on_a_terminal(small_set, tmp_path):
    import fcntl
    import pty
    import termios

    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))  # a new one has no columns at all
    command = f"train --data {small_set} --out {tmp_path / 'run'} {ONE} --steps 40".split()
    process = subprocess.Popen(
        [sys.executable, "-m", "minifcn", *command], stdout=subprocess.PIPE, stderr=inside, text=True
    )
    os.close(inside)
    drawn = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # how a terminal says that nobody writes to it any more
            break
        if not part:
            break
        drawn += part
    os.close(terminal)
    out = process.stdout.read()
    process.stdout.close()
    assert process.wait(60) == 0
    assert b"fcn32s" in drawn and b"/40" in drawn and b"images/s" in drawn and b"Traceback" not in drawn
    assert "step 4/40" not in out and "report" in out
