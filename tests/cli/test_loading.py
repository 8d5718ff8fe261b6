"""What a command does not use it does not load: names of modules and no seconds, which differ from machine to machine."""

import ast
import json
import os
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import minifcn as mf

LAZY = ["", ".data", ".models", ".nn", ".training"]  # packages of which names are loaded when they are asked for

# who is loaded by nobody that only predicts, or only asks for help
OTHERS = {
    "cupy", "h5py", "matplotlib", "onnx", "torch", "tqdm", "importlib.metadata", "importlib.resources", "multiprocessing",
    "minifcn.bench", "minifcn.downloads", "minifcn.export", "minifcn.paper", "minifcn.verify",
    "minifcn.draw.diagrams", "minifcn.draw.report", "minifcn.draw.curves", "minifcn.draw.networks",
}  # fmt: skip
TRAINING = {
    "minifcn.pretrained", "minifcn.weights.formats", "minifcn.nn.optim", "minifcn.models.surgery", "minifcn.data.augment", "minifcn.data.check",
    "minifcn.data.formats", "minifcn.data.meaning", "minifcn.data.synthetic", "minifcn.training.fit", "minifcn.training.loop", "minifcn.training.run",
    "minifcn.training.runs", "minifcn.training.processes", "numpy.random", "numpy.ma",
}  # fmt: skip
PICTURES = {
    "PIL",
    "safetensors",
    "threadpoolctl",
    "minifcn.data",
    "minifcn.models",
    "minifcn.nn",
    "minifcn.training",
    "minifcn.draw",
}


def loaded(line):
    """The modules that a command loads in a process of its own, beyond those of NumPy, whose versions differ."""
    code = f"""
import json, sys, numpy
before = set(sys.modules)
from minifcn.cli.main import main
sys.argv[1:] = {shlex.split(line)!r}
try:
    status = main()
except SystemExit as stop:
    status = stop.code
assert not status, status
print("\\n" + json.dumps(sorted(set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def among(modules, names):
    return sorted(
        {module for module in modules if any(module == name or module.startswith(f"{name}.") for name in names)}
    )


def test_predict_loads_what_predicts(with_photo):
    modules = loaded(with_photo)
    assert among(modules, OTHERS | TRAINING) == []
    assert len(among(modules, {"minifcn"})) < 145
    assert {"PIL.Image", "safetensors", "minifcn.models.fcn", "minifcn.draw.pictures.overlay"} <= set(modules)


@pytest.fixture
def with_photo(person_model, tmp_path):
    from PIL import Image

    Image.new("RGB", (40, 30), "red").save(tmp_path / "a.jpg")
    return f"predict '{tmp_path}/a.jpg' --model '{person_model}' --out '{tmp_path}/out' --device cpu"


@pytest.mark.parametrize("line", ["--help", "--version"])
def test_help_loads_neither_pictures_nor_models(line):
    assert among(loaded(line), OTHERS | TRAINING | PICTURES) == []


@pytest.mark.parametrize("line", ["train --help", "predict --help", "eval --help"])
def test_help_of_a_command_loads_no_other(line):
    modules = loaded(line)
    assert among(modules, (OTHERS - {"multiprocessing"}) | {"minifcn.pretrained", "minifcn.weights.formats"}) == []
    commands = among(modules, {"minifcn.cli.commands"})
    assert {f"minifcn.cli.commands.{name}" for name in ("demo", "paper", "bench", "import_")}.isdisjoint(commands)


def test_the_check_sees_what_is_loaded():
    assert among(["minifcn.verify", "minifcn.verify.gradcheck", "minifcn.verifying", "tqdm"], OTHERS) == [
        "minifcn.verify",
        "minifcn.verify.gradcheck",
        "tqdm",
    ]


@pytest.mark.parametrize("package", LAZY)
def test_what_is_loaded_later_is_what_a_type_checker_reads(package):
    """Names stand twice in these files: for whoever reads the types, and in the table of what is loaded when."""
    module = import_module(f"minifcn{package}")
    for block in ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body:
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING":
            read = {alias.name: node.module for node in block.body for alias in node.names}
    places = {name: place for name, place in read.items() if name in module._places}
    assert module._places == places
    for name, place in read.items():  # the others are files and rooms of the package itself
        assert name in places or place == module.__name__, name
        assert getattr(module, name) is getattr(import_module(place), name)
    assert set(read) <= set(module.__all__)


def test_a_function_that_has_the_name_of_its_file_stays_one():
    code = """
import minifcn.training.run, minifcn.training.fit, minifcn as mf
from minifcn.training.run import Listener
assert callable(mf.training.run) and callable(mf.training.fit) and mf.training.Listener is Listener
import minifcn.training.loop
assert mf.training.loop.train is mf.training.train
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_name_that_there_is_not():
    for module in (mf, mf.models, mf.data, mf.training, mf.nn):
        with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'nonsense'"):
            _ = module.nonsense
        assert not hasattr(module, "_nonsense") and not hasattr(module, "__wrapped__")
    with pytest.raises(ImportError, match="cannot import name 'nonsense'"):
        from minifcn import nonsense  # noqa: F401


def test_a_broken_library_is_no_missing_name(monkeypatch):
    """What a file needs and does not find is said, and not that the file is missing."""
    monkeypatch.delitem(sys.modules, "minifcn.verify.adjoint", raising=False)
    monkeypatch.delitem(vars(mf), "adjoint_check", raising=False)
    monkeypatch.setitem(sys.modules, "minifcn.verify.report", None)
    with pytest.raises(ModuleNotFoundError, match=r"minifcn\.verify\.report"):
        _ = mf.adjoint_check


def test_files_of_a_package_are_there_without_an_import():
    code = "import minifcn as mf; mf.models.fcn.FCN, mf.weights.load_arrays, mf.training.loop.train, mf.optim.SGD"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("words", [["-m", "minifcn"], ["-c", "import minifcn"]])
def test_a_wrong_environment_is_said_in_a_sentence_to_who_gives_a_command(words):
    """It is found while the library loads, before the command could catch anything. Who imports the library gets the error itself."""
    done = subprocess.run(
        [sys.executable, *words], env={**os.environ, "MINIFCN_KERNELS": "quick"}, capture_output=True, text=True
    )
    sentence = "the environment variable MINIFCN_KERNELS: unknown kernels 'quick'; choose one of simple, fast"
    assert done.returncode == 1
    if words[0] == "-m":
        assert done.stderr == f"minifcn: {sentence}\n"
    else:
        assert done.stderr.splitlines()[-1] == f"ValueError: {sentence}" and "Traceback" in done.stderr
