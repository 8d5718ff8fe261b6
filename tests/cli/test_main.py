"""The door of the command line: usage, exit statuses, and no traceback for anybody."""

import os
import struct
import subprocess
import sys

import needs
import pytest
from PIL import Image
from signals import heard, ignored

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
    ImportError("export to ONNX needs the package onnx"),
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


# Ctrl-C, and what NumPy makes of it where it reaches it halfway
INTERRUPTED = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt as error:
    raise ImportError("unable to import required dependencies") from error
"""


@pytest.mark.skipif(os.name == "nt", reason=needs.POSIX)
@pytest.mark.parametrize("module", ["numpy", "PIL"])  # before minifcn is loaded, and before its command is
@pytest.mark.parametrize("way", ["module", "program", "library"])
def test_ctrl_c_while_python_loads_is_a_line(way, module, tmp_path):
    (tmp_path / f"{module}.py").write_text(INTERRUPTED)
    names = {"program": "minifcn", "library": "mine.py"}
    script = tmp_path / names.get(way, "")
    if way != "module":
        script.write_text("from minifcn.cli.main import main\nraise SystemExit(main())\n")
    start = [sys.executable, "-m", "minifcn"] if way == "module" else [sys.executable, str(script)]
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    with heard("SIGINT"):
        done = subprocess.run(
            [*start, "train", "--help"], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": paths}
        )
    if way == "library":  # a program of somebody's own keeps Python's way
        assert "KeyboardInterrupt" in done.stderr
        return
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "\nminifcn: stopped\n")


@pytest.mark.skipif(os.name == "nt", reason=needs.POSIX)
def test_who_has_ctrl_c_ignored_keeps_it_so(tmp_path):
    """As a script that starts it in the background, with &: Ctrl-C is then meant for others."""
    (tmp_path / "PIL.py").write_text(INTERRUPTED + "os._exit(7)  # went on")
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    with ignored("SIGINT"):
        done = subprocess.run(
            [sys.executable, "-m", "minifcn", "train", "--help"],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": paths},
        )
    assert (done.returncode, done.stderr) == (7, "")


FULL = "/dev/full"  # a device whose disk is always full


@pytest.mark.skipif(not os.path.exists(FULL), reason=needs.LINUX)
@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("line", ["--help", "--version", "download --help", "summary fcn8s --backbone tiny"])
def test_a_full_disk_behind_standard_output_is_named(line, buffered):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with open(FULL, "w") as full:
        done = subprocess.run(
            [sys.executable, *(() if buffered else ("-u",)), "-m", "minifcn", *line.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
    assert done.returncode == 1
    assert done.stderr == (
        "minifcn: standard output takes no more (No space left on device), so lines are missing from what was printed; "
        "lead it to a place with room. The files that the command itself wrote are not touched by this\n"
    )


@pytest.mark.skipif(not os.path.exists(FULL), reason=needs.LINUX)
@pytest.mark.parametrize("stream, status", [("stdout", 1), ("stderr", 0)])
def test_a_full_disk_behind_what_is_printed_stops_no_work(stream, status, person_model, tmp_path):
    """A training or a thousand pictures go on; what is said on stderr goes lost without a trace, for there is nobody to tell."""
    Image.new("RGB", (9, 7)).save(tmp_path / "p.png")
    with open(FULL, "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "minifcn", "predict", tmp_path / "p.png", "--model", person_model, "--out", tmp_path / "out"],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: full},
        )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert (tmp_path / "out" / "p.png").is_file()


@pytest.mark.skipif(os.name == "nt", reason=needs.POSIX)
@pytest.mark.parametrize("line", ["--help", "--version", "summary fcn8s --backbone tiny"])
def test_nobody_reads_what_is_printed_at_the_end(line):
    """`minifcn --help | true`: what is printed stays in Python's own memory until the end, and only then nobody is there."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [sys.executable, "-m", "minifcn", *line.split()], stdout=theirs, stderr=subprocess.PIPE, text=True, env=environment
    )  # fmt: skip
    os.close(theirs)
    assert (done.returncode, done.stderr) == (1, "")
