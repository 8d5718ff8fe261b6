"""minifcn train in a folder that is there already: runs to continue, finished runs, what belongs to somebody else."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import needs
import pytest
from signals import heard, ignored
from training.helpers import STAGES, Killed, arrays_of, kill_before_replacement, listing, same_arrays, stop_at

from .conftest import ONE, SMALL

# minifcn, but with a checkpoint after each step
MINIFCN = """
import importlib, sys
importlib.import_module("minifcn.training.run").CHECKPOINT_SECONDS = 0
from minifcn.cli.main import main
sys.exit(main(sys.argv[1:]))
"""

# the same where the terminal is its own, 120 letters wide
ON_A_TERMINAL = """
import fcntl, struct, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 24, 120, 0, 0))
from minifcn.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def log_of(path):
    with open(path / "log.csv", newline="") as file:
        return [(row["stage"], int(row["step"]), row["loss"]) for row in csv.DictReader(file)]


def same_run(path, whole, names=("last", "best", *STAGES)):
    for name in names:
        same_arrays(arrays_of(path / f"{name}.safetensors"), arrays_of(whole / f"{name}.safetensors"))
    assert json.loads((path / "metrics.json").read_text()) == json.loads((whole / "metrics.json").read_text())
    assert log_of(path) == log_of(whole)


@pytest.mark.parametrize("times", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_with_signal_9_and_resumed(times, call, small_set, tmp_path):
    line = f"train --data {small_set} --width 2 --size 32 --batch 2 --steps 120 --lr 0.1"
    call(line, "--out", tmp_path / "whole").worked()
    run, kills, rng = tmp_path / "run", 0, random.Random(0)
    command = [sys.executable, "-c", MINIFCN, *line.split(), "--out", str(run), "--resume"]
    log = run / "log.csv"
    while kills < times:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        began = written(log)
        wanted, until = rng.randrange(14), time.monotonic() + 60
        while process.poll() is None and written(log) < began + wanted and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(0.01 * rng.random())  # anywhere in a step, or in the writing of a file
        process.kill()
        err = process.communicate()[1]
        if sys.platform != "win32":
            assert process.returncode == -signal.SIGKILL, err
        kills += 1
    assert not (run / "report.html").exists()
    answer = call(line, "--out", run, "--resume").worked()
    assert "resumed from step " in answer.out
    steps = [(stage, step) for stage, step, _ in log_of(run)]
    assert steps == [(stage, step) for stage in STAGES for step in range(1, 121)]
    same_run(run, tmp_path / "whole")


def written(log):
    return log.read_text().count("\n") if log.exists() else 0


def test_a_run_in_use_is_locked_and_the_lock_of_a_dead_process_is_none(call, small_set, tmp_path):
    run = tmp_path / "run"
    line = f"train --data {small_set} {ONE} --steps 100000 --lr 0.01 --out {run}"
    process = subprocess.Popen(
        [sys.executable, "-c", MINIFCN, *line.split()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while written(run / "log.csv") < 3 and time.monotonic() < until:
        time.sleep(0.01)
    before = (run / "config.json").read_bytes()
    answer = call(f"{line} --resume").failed("in use by another process", process.pid, "choose another folder")
    assert answer.out == "" and (run / "config.json").read_bytes() == before
    process.kill()
    process.wait()
    assert (run / "run.lock").exists()  # left behind
    resumed = call(f"train --data {small_set} {ONE} --steps 100000 --lr 0.02 --out {run} --resume")
    resumed.failed("--lr was 0.01, now 0.02")  # it got as far as comparing options


@pytest.mark.skipif(sys.platform == "win32", reason=needs.POSIX)
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ctrl_c_finishes_the_step_saves_and_says_how_to_go_on(number, call, small_set, tmp_path):
    run = tmp_path / "run"
    line = f"train --data {small_set} --width 2 --size 32 --batch 2 --steps 400 --arch fcn32s --lr 0.02"
    call(line, "--out", tmp_path / "whole").worked()
    # by itself it would write no checkpoint before the end
    command = [sys.executable, "-m", "minifcn", *line.split(), "--checkpoint-every", "600", "--out", str(run)]
    with heard(number):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert any("step 40/400" in text for text in process.stdout)
    process.send_signal(getattr(signal, number))
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 130, err
    assert "stopped; saved; this goes on from there: minifcn train" in err and err.strip().endswith("--resume")
    done = len(log_of(run))
    assert 40 <= done < 400
    answer = call(line, "--out", run, "--resume").worked()
    assert f"resumed from step {done} of fcn32s" in answer.out
    same_run(run, tmp_path / "whole", names=("fcn32s", "last", "best"))


@pytest.mark.skipif(sys.platform == "win32", reason=needs.POSIX)
@pytest.mark.parametrize("number", ["SIGHUP", "SIGINT"])
def test_what_nohup_or_a_script_has_ignored_ends_nothing(number, small_set, tmp_path):
    """A terminal that is closed; a Ctrl-C for the script that started the training in the background."""
    line = f"train --data {small_set} --width 2 --size 32 --batch 2 --steps 60 --arch fcn32s --out {tmp_path}/run"
    with ignored(number):
        process = subprocess.Popen([sys.executable, "-m", "minifcn", *line.split()], stdout=subprocess.PIPE, text=True)
    assert any("step 6/60" in text for text in process.stdout)
    process.send_signal(getattr(signal, number))
    process.communicate(timeout=120)
    assert process.returncode == 0 and len(log_of(tmp_path / "run")) == 60


@pytest.mark.skipif(sys.platform == "win32", reason=needs.POSIX)
def test_a_terminal_that_is_closed_loses_nothing(small_set, tmp_path):
    """As when a window is closed or a connection breaks: SIGHUP, and then nothing can be written to it any more."""
    import pty

    line = f"train --data {small_set} --width 2 --size 32 --batch 2 --steps 100000 --arch fcn32s --out {tmp_path}/run"
    screen, terminal = pty.openpty()
    command = [sys.executable, "-c", ON_A_TERMINAL, "train", *line.split()[1:], "--checkpoint-every", "600"]
    streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    with heard("SIGHUP"):
        process = subprocess.Popen(command, **streams, start_new_session=True)
    os.close(terminal)
    until, seen = time.monotonic() + 60, b""
    while b"images/s" not in seen and time.monotonic() < until:
        seen += os.read(screen, 1000)
    os.close(screen)
    process.wait(timeout=60)
    done = len(log_of(tmp_path / "run"))
    assert 0 < done < 100000 and (tmp_path / "run" / "checkpoint.safetensors").exists(), seen


def test_other_data_is_refused_and_goes_on_when_told_so(call, small_set, tmp_path, monkeypatch):
    data = shutil.copytree(small_set, tmp_path / "data")
    line = f"train --data {data} {ONE} --lr 0.5 --out {tmp_path}/run"
    with monkeypatch.context() as patch:
        stop_at(patch, "fcn32s", 2, Killed())
        with pytest.raises(Killed):
            call(line)
    split = data / "ImageSets" / "Segmentation" / "train.txt"
    split.write_text("\n".join(split.read_text().split()[:-1]) + "\n")
    call(f"{line} --resume").failed("1 name fewer", "--other-data", "another --out")
    answer = call(f"{line} --resume --other-data").worked()
    assert "the data is not what the run began with: train: 1 name fewer" in answer.out


def test_a_full_disk_says_which_file_and_how_to_go_on(call, small_set, tmp_path, monkeypatch, fill_disk):
    line = f"train --data {small_set} {ONE} --lr 0.5 --out {tmp_path}/run"
    with monkeypatch.context() as patch:
        stop_at(patch, "fcn32s", 2, Killed())
        with pytest.raises(Killed):
            call(line)
    with monkeypatch.context():
        fill_disk()
        answer = call(f"{line} --resume")
    answer.failed(
        "No space left on device", "make room", f"goes on from its last checkpoint with: minifcn {line} --resume"
    )
    monkeypatch.undo()
    call(f"{line} --resume").worked()


def test_ctrl_c_and_resume(call, small_set, trained, tmp_path, monkeypatch):
    line = f"train --data {small_set} {SMALL} --lr 0.5 --out {tmp_path}/run"
    with monkeypatch.context() as patch:
        stop_at(patch, "fcn16s", 2, KeyboardInterrupt())
        assert call(line).status == 130
    answer = call(f"{line} --resume").worked()
    assert "resumed from step 1 of fcn16s" in answer.out
    same_run(tmp_path / "run", trained)
    assert (tmp_path / "run" / "report.html").exists()


@pytest.mark.parametrize("number", range(8))
def test_a_run_killed_while_any_file_is_written_ends_whole(number, call, small_set, trained, tmp_path, monkeypatch):
    """Up to the report, which is the last thing that a run writes."""
    line = f"train --data {small_set} {ONE} --lr 0.5 --out {tmp_path}/run"
    with monkeypatch.context() as patch:
        replaced = kill_before_replacement(patch, number)
        with pytest.raises(Killed):
            call(line)
    assert len(replaced) == number
    call(f"{line} --resume").worked()
    for name in ("last", "best"):
        same_arrays(arrays_of(tmp_path / "run" / f"{name}.safetensors"), arrays_of(trained / "fcn32s.safetensors"))
    assert "crescent" in (tmp_path / "run" / "report.html").read_text()


def test_resume_without_a_checkpoint_starts_anew(call, small_set, trained, tmp_path):
    line = f"train --data {small_set} {SMALL} --lr 0.5 --resume --out"
    answer = call(line, tmp_path / "run").worked()
    assert "resumed" not in answer.out
    same_run(tmp_path / "run", trained)


def test_resume_on_a_finished_run_says_so(call, small_set, trained):
    before = listing(trained)
    answer = call(f"train --data {small_set} {SMALL} --lr 0.5 --resume --out {trained}").worked()
    assert "finished" in answer.out and "report.html" in answer.out
    assert listing(trained) == before


@pytest.mark.parametrize("options", ["--seed 3", "--lr 0.1", "--batch 3", "--steps 3"])
def test_a_finished_run_of_other_options_is_not_this_run(options, call, small_set, trained):
    before = listing(trained)
    name = options.split()[0].strip("-")
    call(f"train --data {small_set} {SMALL} --lr 0.5 --resume --out {trained} {options}").failed("other options", name)
    assert listing(trained) == before


OTHERS = [
    "--lr 0.25", "--batch 1", "--steps 3", "--size 48", "--width 3", "--arch fcn8s", "--seed 4",
    "--optimizer adam", "--padding paper", "--limit 2", "--classes disc,star", "--others background",
    "--train-split trainval", "--val-split train",
]  # fmt: skip


@pytest.mark.parametrize("options", OTHERS)
def test_resume_with_other_options_names_them(options, call, small_set, stopped):
    before = listing(stopped)
    name = options.split()[0][2:]
    call(f"train --data {small_set} {SMALL} --lr 0.5 --resume --out {stopped} {options}").failed("other options", name)
    assert listing(stopped) == before


@pytest.fixture(scope="module")
def stopped(small_set, tmp_path_factory):
    from minifcn.cli.main import main

    path = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, "fcn16s", 2, Killed())
        with pytest.raises(Killed):
            main(f"train --data {small_set} {SMALL} --lr 0.5 --out {path}".split())
    return path


@pytest.mark.parametrize("state", ["finished", "stopped"])
def test_an_existing_run_is_not_overwritten(state, call, small_set, request):
    path = request.getfixturevalue("trained" if state == "finished" else "stopped")
    before = listing(path)
    call(f"train --data {small_set} {SMALL} --lr 0.5 --out {path}").failed("--resume", "another folder", path)
    assert listing(path) == before


@pytest.mark.parametrize("resume", ["", "--resume"])
def test_out_is_a_file(resume, call, small_set, tmp_path):
    (tmp_path / "run").write_text("my notes")
    call(f"train --data {small_set} {ONE} --out {tmp_path}/run {resume}").failed("this is a file", "run")
    call(f"train --data {small_set} {ONE} --out {tmp_path}/run/below {resume}").failed(
        f"{tmp_path}/run is a file: give a folder" if not resume else "below"
    )
    assert (tmp_path / "run").read_text() == "my notes"


@pytest.mark.parametrize("resume", ["", "--resume"])
def test_out_is_a_folder_of_other_things(resume, call, small_set, tmp_path):
    (tmp_path / "thesis.tex").write_text("all my work")
    call(f"train --data {small_set} {ONE} --out {tmp_path} {resume}").failed("not empty")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_out_below_a_file(call, small_set, tmp_path):
    (tmp_path / "file").write_text("")
    call(f"train --data {small_set} {ONE} --out {tmp_path}/file/run").failed("file")


def test_out_may_be_an_empty_folder_or_lie_deep(call, small_set, tmp_path):
    (tmp_path / "empty").mkdir()
    call(f"train --data {small_set} {ONE} --out {tmp_path}/empty").worked()
    call(f"train --data {small_set} {ONE} --out {tmp_path}/a/b/c").worked()


def test_a_mistake_with_the_synthetic_set_does_not_block_the_folder(call, small_synthetic, tmp_path):
    call(f"train --data synthetic {ONE} --classes zebra --out {tmp_path}/run").failed("zebra", "crescent")
    call(f"train --data synthetic {ONE} --classes disc,star --out {tmp_path}/run").worked()


def test_a_run_stopped_while_the_synthetic_set_is_drawn_goes_on(call, small_synthetic, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("minifcn.cli.commands.train.VOCFolder", interrupted)
        assert call(f"train --data synthetic {ONE} --out {tmp_path}/run").status == 130
    call(f"train --data synthetic {ONE} --out {tmp_path}/run --resume").worked()


def interrupted(*arguments):
    raise KeyboardInterrupt
