"""Windows and macOS, as far as Linux can pretend to be them: what they lack is taken away, what they forbid is forbidden.

No test here ran on either system. What was taken away stands in `WINDOWS`, which a process loads before anything else.
"""

import ast
import errno
import io
import os
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import numpy as np
import pytest
from training.helpers import make_small_set

import minifcn as mf
from minifcn import files
from minifcn.bench import measure, memory
from minifcn.cli import options
from minifcn.data import ClassMap, VOCFolder, read_class_names
from minifcn.kernels import threads
from minifcn.training import RunFolder, TrainingError
from minifcn.training.runs import lock

ROOT = Path(__file__).parent.parent
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: by /proc it can pretend to be Windows")

WINDOWS = """
import builtins, fcntl, importlib.abc, io, os, re, signal, subprocess, sys, types, warnings  # subprocess asks for msvcrt to know Windows

LACKING = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"}

class Lacking(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in LACKING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

lockf, LOCK_EX, LOCK_NB = fcntl.lockf, fcntl.LOCK_EX, fcntl.LOCK_NB
for name in LACKING:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Lacking())
for name in "sched_getaffinity sched_setaffinity fork forkpty register_at_fork sysconf getuid getloadavg killpg mkfifo".split():
    if hasattr(os, name):
        delattr(os, name)
for name in "SIGHUP SIGSTOP SIGCONT SIGUSR1 SIGALRM SIGQUIT".split():
    delattr(signal, name)

def locking(descriptor, mode, count):
    place = os.lseek(descriptor, 0, os.SEEK_CUR)
    assert place > 1000 and count == 1, "Windows lets nobody read what is locked"
    lockf(descriptor, LOCK_EX | LOCK_NB, count, place)

sys.modules["msvcrt"] = types.SimpleNamespace(LK_NBLCK=2, LK_UNLCK=0, locking=locking)

class Unbound:  # Python 3.10 keeps such functions in a class, where they would become methods
    def __init__(self, function):
        self.function = function
    def __call__(self, *arguments, **options):
        return self.function(*arguments, **options)

def is_open(path):
    path = os.path.realpath(path)
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            for descriptor in os.listdir(f"/proc/{process}/fd"):
                if os.readlink(f"/proc/{process}/fd/{descriptor}") == path:
                    return True
        except OSError:
            pass
    return False

def refusing(function, of_target, only_new=False):
    def refuse(*paths, **options):
        path = paths[-1] if of_target else paths[0]
        if only_new and os.path.lexists(path):
            raise FileExistsError(17, "File exists", path)
        if os.path.isfile(path) and is_open(path):
            raise PermissionError(13, "The process cannot access the file because it is being used by another process", path)
        return function(*paths, **options)
    return Unbound(refuse)

os.replace, os.rename = refusing(os.replace, True), refusing(os.rename, True, only_new=True)
os.unlink = os.remove = refusing(os.unlink, False)

DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9]) *([.].*)?$", re.IGNORECASE)
opened = builtins.open

def checked(file, mode="r", *arguments, **options):
    if isinstance(file, (str, os.PathLike)) and not os.fspath(file).startswith(("/dev/", "/proc/", "<")):
        name = os.path.basename(os.fspath(file))
        if re.search(r'[<>:"|?*\\\\\\x00-\\x1f]', name) or DEVICE.match(name) or name != name.rstrip(". "):
            raise OSError(22, "Invalid argument", file)
    return opened(file, mode, *arguments, **options)

builtins.open = io.open = Unbound(checked)
warnings.filterwarnings("error", category=EncodingWarning, module="minifcn")
"""

# commands in one process, to load NumPy once; small sets, or all would take minutes
DRIVER = """
import sys
from functools import partial
from minifcn.cli.commands import demo, train
from minifcn.cli.main import main

if __name__ == "__main__":
    train.make_synthetic = partial(train.make_synthetic, train=4, val=2, size=(40, 48))
    demo.OPTIONS = "--data synthetic --width 2 --size 32 --batch 2 --steps 2 --lr 0.1"
    for line in sys.argv[1:]:
        status = main(line.split("|"))
        assert status == 0, (line, status)
        print("DONE", line.split("|")[0], flush=True)
"""


def pretending(tmp_path, lines, code=WINDOWS):
    """The commands on the pretended system; each line's words stand between bars."""
    (tmp_path / "sitecustomize.py").write_text(code, encoding="utf-8")
    (tmp_path / "driver.py").write_text(DRIVER, encoding="utf-8")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]), "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0",
        "PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, str(tmp_path / "driver.py"), *lines], capture_output=True, env=environment, timeout=280
    )


@LINUX
def test_all_commands_on_a_pretended_windows(tmp_path):
    data, run = make_small_set(tmp_path / "data"), tmp_path / "run"
    picture = next((data / "JPEGImages").iterdir())
    line = f"train|--data|{data}|--arch|fcn32s|--width|2|--size|32|--batch|2|--steps|2|--lr|0.1|--checkpoint-every|0|--out|{run}"
    lines = [
        f"demo|--out|{tmp_path / 'demo'}",
        f"{line}|--processes|2|--watch|0.001",
        f"{line}|--resume",
        f"predict|{picture}|--model|{run / 'best.safetensors'}|--out|{tmp_path / 'out'}|--confidence|--probabilities",
        f"predict|{picture}|--model|{run / 'best.safetensors'}|--out|{tmp_path / 'out'}|--confidence|--probabilities",
        f"eval|{run / 'best.safetensors'}|--data|{data}|--json|{tmp_path / 'scores.json'}",
        f"check-data|{data}",
        "gradcheck|relu",
        "summary|fcn8s",
        f"export|{run / 'best.safetensors'}|--out|{tmp_path / 'small.safetensors'}",
    ]
    done = pretending(tmp_path, lines)
    said = (done.stdout + done.stderr).decode("cp1252")
    assert done.returncode == 0, said
    assert [text.split()[1] for text in said.splitlines() if text.startswith("DONE")] == [
        text.split("|")[0] for text in lines
    ]
    assert not list(run.glob(".minifcn-*")) and not (run / "run.lock").exists()


@LINUX
def test_the_pretended_windows_refuses_what_windows_refuses(tmp_path):
    """Else the test above would show nothing."""
    attempts = {
        "import fcntl": "ModuleNotFoundError",
        "import resource": "ModuleNotFoundError",
        "import os; os.sched_getaffinity(0)": "AttributeError",
        "import signal; signal.SIGHUP": "AttributeError",
        "import os; f = open('a', 'w', encoding='utf-8'); g = open('b', 'w', encoding='utf-8'); os.replace('a', 'b')": "PermissionError",
        "open('nul.png', 'wb')": "OSError",
        "open('a:b', 'wb')": "OSError",
        "print('\\u2192')": "UnicodeEncodeError",
    }
    (tmp_path / "sitecustomize.py").write_text(WINDOWS, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    running = {
        error: subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
        for code, error in ((code, (code, error)) for code, error in attempts.items())
    }
    for (code, error), process in running.items():
        assert error.encode() in process.communicate()[1], code


def test_a_file_that_somebody_reads_is_replaced_once_they_are_done(tmp_path, monkeypatch):
    path, replace, tries = tmp_path / "best.safetensors", os.replace, []
    path.write_bytes(b"old")

    def busy(source, target):
        tries.append(target)
        if len(tries) < 4:
            raise PermissionError(errno.EACCES, "being used by another process")
        replace(source, target)

    monkeypatch.setattr(os, "replace", busy)
    files.write_whole(path, b"new")
    assert path.read_bytes() == b"new" and len(tries) == 4 and os.listdir(tmp_path) == ["best.safetensors"]


def test_one_that_stays_open_is_a_sentence_and_stays_whole(tmp_path, monkeypatch):
    path = tmp_path / "best.safetensors"
    path.write_bytes(b"old")
    monkeypatch.setattr(files, "WAITS", (0.01, 0.02))

    def busy(source, target):
        raise PermissionError(errno.EACCES, "being used by another process")

    monkeypatch.setattr(os, "replace", busy)
    with pytest.raises(PermissionError) as caught:
        files.write_whole(path, b"new", durable=True)
    assert str(caught.value) == (
        f"{path}: cannot be replaced for 0 s (being used by another process): another program has it open, or the folder forbids it. "
        "The file is as it was. Close what has it open, then go on"
    )
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["best.safetensors"]


def test_the_waits_are_long_enough_for_a_reader_and_no_longer():
    assert 2 < sum(files.WAITS) < 10


def windows_locks(monkeypatch):
    """msvcrt.locking between the open files of this process: one at a time for each file's byte."""
    held = {}

    def locking(descriptor, mode, count):
        place = (os.fstat(descriptor).st_ino, os.lseek(descriptor, 0, os.SEEK_CUR))
        owner = held.get(place)
        if owner is not None and owner != descriptor:
            try:
                if os.fstat(owner).st_ino == place[0]:
                    raise PermissionError(errno.EACCES, "Permission denied")
            except PermissionError:
                raise
            except OSError:
                pass  # closed, and so its lock is gone
        held[place] = descriptor

    monkeypatch.setattr(lock, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", types.SimpleNamespace(LK_NBLCK=2, locking=locking))


def test_the_lock_of_windows_says_who_holds_it(tmp_path, monkeypatch):
    windows_locks(monkeypatch)
    with RunFolder(tmp_path / "run").locked():
        said = rf"in use by another process \(process {os.getpid()} on "
        with pytest.raises(TrainingError, match=said), RunFolder(tmp_path / "run").locked():
            raise AssertionError
        (tmp_path / "run" / "log.csv").write_text("", encoding="utf-8")
    with RunFolder(tmp_path / "run").locked():
        pass


def test_a_disk_without_locks_is_said(tmp_path, monkeypatch):
    if lock.fcntl is None:
        pytest.skip("needs Linux or macOS")

    def unsupported(file, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", unsupported)
    said = r"this disk keeps no locks \(No locks available\), .*; choose a folder on another one"
    with pytest.raises(TrainingError, match=said), RunFolder(tmp_path / "run").locked():
        raise AssertionError


def test_without_a_count_of_usable_cores_all_are_used(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert threads.available_cores() == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert threads.available_cores() == 1


def test_bench_measures_no_memory_where_the_system_says_nothing(monkeypatch):
    monkeypatch.setattr(memory, "STATUS", Path("/nowhere"))
    monkeypatch.setitem(sys.modules, "resource", None)  # importing it is an ImportError
    assert memory.now_and_most() is None
    monkeypatch.setattr(memory, "run_twice", lambda case, variant: None)
    assert memory.child(memory.FIRST, "ops", 1) is None
    monkeypatch.setattr(
        memory.subprocess, "run", lambda *a, **k: types.SimpleNamespace(returncode=0, stdout='{"peak": null}')
    )
    assert memory.peak("x", "ops", 1) is None
    monkeypatch.delattr(os, "sysconf", raising=False)
    assert measure.busy_seconds() is None


def test_lines_to_copy_are_quoted_for_the_shell_of_the_system(monkeypatch):
    words = ["train", "--data", r"C:\my pictures\voc", "--lr", "0.1"]
    monkeypatch.setattr(os, "name", "posix")
    assert options.as_typed(words) == r"train --data 'C:\my pictures\voc' --lr 0.1"
    monkeypatch.setattr(os, "name", "nt")
    assert options.as_typed(words) == r'train --data "C:\my pictures\voc" --lr 0.1'


@pytest.fixture
def accelerate(monkeypatch):
    """Calling it puts a BLAS in place that threadpoolctl does not hold."""
    silent = types.SimpleNamespace(lib_controllers=[])

    def install():
        threads.blas_is_held.cache_clear()
        monkeypatch.delenv("VECLIB_MAXIMUM_THREADS", raising=False)
        monkeypatch.setattr(threads, "blas", lambda: silent)

    yield install
    threads.blas_is_held.cache_clear()


def who_works(number=4):
    before = threads.get_num_threads()
    seen = set()

    def job(part):
        seen.add(threading.current_thread().name)
        time.sleep(0.002)

    threads.set_num_threads(number)
    try:
        threads.run(job, range(24))
    finally:
        threads.set_num_threads(before)
    return seen


def test_a_blas_that_cannot_be_held_gets_no_threads_of_ours_on_top(accelerate, monkeypatch):
    assert len(who_works()) > 1
    accelerate()
    assert who_works() == {threading.current_thread().name}
    threads.blas_is_held.cache_clear()
    monkeypatch.setenv("VECLIB_MAXIMUM_THREADS", "1")  # now it has one of its own
    assert len(who_works()) > 1


def test_on_a_mac_the_openblas_of_another_package_holds_nothing(monkeypatch):
    threads.blas_is_held.cache_clear()
    monkeypatch.delenv("VECLIB_MAXIMUM_THREADS", raising=False)
    monkeypatch.setattr(np, "show_config", lambda mode: {"Build Dependencies": {"blas": {"name": "Accelerate"}}})
    assert threads.blas_is_held() is False
    threads.blas_is_held.cache_clear()
    monkeypatch.setattr(np, "show_config", lambda mode=None: None)  # NumPy 1.24
    assert threads.blas_is_held() is True
    threads.blas_is_held.cache_clear()


@pytest.mark.parametrize(
    "before, numpy_first, then",
    [(None, False, "1"), ("4", False, "4"), (None, True, None)],
    ids=["unset", "set", "too late"],
)
def test_on_a_mac_accelerate_is_told_before_numpy_loads(before, numpy_first, then):
    code = f"import os, sys{', numpy' if numpy_first else ''}; sys.platform = 'darwin'; import minifcn; print(os.environ.get('VECLIB_MAXIMUM_THREADS'))"
    environment = {name: value for name, value in os.environ.items() if name != "VECLIB_MAXIMUM_THREADS"}
    environment |= {"VECLIB_MAXIMUM_THREADS": before} if before else {}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", env=environment, check=True
    )
    assert done.stdout.strip() == str(then)


@pytest.mark.parametrize("kernel, padding, groups", [(3, 1, 1), (5, 2, 1), (3, 1, 8), (7, 0, 1)])
def test_kernels_compute_the_same_beside_such_a_blas(kernel, padding, groups, accelerate, rng):
    x = rng.standard_normal((2, 8, 40, 44)).astype(np.float32)
    weight = rng.standard_normal((16, 8 // groups, kernel, kernel)).astype(np.float32)

    def results():
        inputs = [mf.Tensor(array, requires_grad=True) for array in (x, weight)]
        found = mf.ops.conv2d(*inputs, padding=padding, groups=groups)
        mf.ops.sum(mf.ops.relu(found)).backward()
        return [np.array(array) for array in (found.data, *(each.grad for each in inputs))]

    held = results()
    accelerate()
    for beside, expected in zip(results(), held, strict=True):  # its own threads may add in another order
        np.testing.assert_allclose(beside, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_text_is_never_read_or_written_in_the_encoding_of_the_system():
    """cp1252 on Windows: names of classes in other letters would be lost."""
    found = []
    for path in [
        *(ROOT / "minifcn").rglob("*.py"),
        *(ROOT / "lessons").glob("*.py"),
        *(ROOT / "lessons/checks").glob("*.py"),
    ]:
        found += [
            f"{path}:{call.lineno}"
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if leaves_encoding_open(call)
        ]
    assert found == []


def leaves_encoding_open(call):
    if not isinstance(call, ast.Call):
        return False
    function, given = call.func, {keyword.arg for keyword in call.keywords}
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    owner = getattr(function.value, "id", "") if isinstance(function, ast.Attribute) else ""
    if "encoding" in given or owner in ("Image", "os", "tarfile", "library"):  # files that hold no text
        return False
    if name == "open":
        modes = [
            word.value
            for word in [*call.args, *(k.value for k in call.keywords if k.arg == "mode")]
            if isinstance(word, ast.Constant)
        ]
        return not any("b" in str(mode) for mode in modes)
    return name in ("read_text", "write_text") or (
        name in ("run", "Popen", "check_output") and bool(given & {"text", "universal_newlines"})
    )


@pytest.mark.parametrize(
    "line, open_to_all",
    [("open('a')", True), ("open('a', 'rb')", False), ("path.read_text()", True), ("path.write_text('', encoding='utf-8')", False),
     ("subprocess.run([], text=True)", True), ("path.open('ab')", False), ("Image.open('a')", False)],
)  # fmt: skip
def test_the_look_at_encodings_sees_what_it_is_to_see(line, open_to_all):
    assert leaves_encoding_open(ast.parse(line).body[0].value) == open_to_all


def test_nothing_needs_what_only_some_systems_have():
    """Names of POSIX alone are asked for with hasattr, getattr or try, and stand in these files."""
    only = {
        "fcntl": {"training/runs/lock.py"},
        "resource": {"bench/memory.py", "weights/formats/hdf5/child.py"},
        "SIGKILL": set(),
        "SIGSTOP": set(),
        "os.fork(": set(),
        "killpg": set(),
    }
    for path in (ROOT / "minifcn").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for name, allowed in only.items():
            word = f"import {name}" if name.islower() and "." not in name and name != "killpg" else name
            if word in text:
                assert path.relative_to(ROOT / "minifcn").as_posix() in allowed, f"{path} uses {name}"


@pytest.mark.parametrize(
    "form",
    [r"JPEGImages\{}.jpg", r"C:\voc\JPEGImages\{}.JPG", "JPEGImages/{}.jpg", "/JPEGImages/{0}.jpg /SegmentationClass/{0}.png",
     r"JPEGImages\{0}.jpg SegmentationClass\{0}.png"],
)  # fmt: skip
def test_lists_may_hold_paths_of_any_system(form, tmp_path):
    data = make_small_set(tmp_path / "data")
    split = data / "ImageSets" / "Segmentation" / "train.txt"
    names = split.read_text(encoding="utf-8").split()
    split.write_text("".join(f"{form.format(name)}\r\n" for name in names), encoding="utf-8", newline="")
    found = VOCFolder(data, "train", ClassMap.own(read_class_names(data / "class_names.txt")))
    assert found.ids == names and found.check() > 0


def test_a_backslash_in_a_name_that_is_no_path_stays():
    from minifcn.data.meaning.splits import meant, plain

    assert plain(r"a\b") == r"a\b" and plain("my photo") == "my photo"
    assert meant(r"a\b", [{r"a\b", "b"}]) == r"a\b"


def test_new_processes_are_spawned():
    """The one way on Windows, and since Python 3.14 not fork anywhere."""
    for path in (ROOT / "minifcn").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "multiprocessing" in text and "Process(" in text:
            assert 'get_context("spawn")' in text and "multiprocessing.Process(" not in text, path


def test_the_log_has_the_same_ends_of_lines_everywhere(tmp_path):
    from minifcn.training.loop import Step

    folder = RunFolder(tmp_path)
    folder.start_log(("fcn32s",), 0, 0)
    folder.append_log("fcn32s", [Step(1, 2.5, 0.1, 0.25, 8.0)])
    assert folder.log.read_bytes().count(b"\r\n") == 2 and b"\r\r" not in folder.log.read_bytes()
    assert io.StringIO(folder.log.read_text(encoding="utf-8")).readline().strip().startswith("stage,step")
