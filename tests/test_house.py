"""The rules of the house: imports point down, `import minifcn` is light, files are short, and no test got lost."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import needs
import pytest

PACKAGE = Path(__file__).parent.parent / "minifcn"

# from the ground up; a room may import from itself and from what stands before it
ROOMS = [
    "started",
    "version",
    "names",
    "files",
    "downloads",
    "scopes",
    "workers",
    "backend",
    "kernels",
    "autodiff",
    "verify",
    "ops",
    "nn",
    "weights",
    "models",
    "plans",
    "data",
    "pretrained",
    "export",
    "training",
    "draw",
    "bench",
    "paper",
    "cli",
]

MOST_FILES = 15  # of a room: more do not fit a reader's eye

FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path):
    """Names of the modules that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write it out"
            yield node.module
            if node.module == "minifcn":
                yield from (f"minifcn.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    for name in imports_of(path):
        if name.startswith("minifcn."):
            wanted = name.split(".")[1]
            assert wanted in ROOMS, f"{path} imports {name}, a room that is not on the list"
            assert ROOMS.index(wanted) <= ROOMS.index(room), f"{path} imports {name}: up the list"


ROOM_FOLDERS = sorted({path.parent for path in FILES})


@pytest.mark.parametrize("folder", ROOM_FOLDERS, ids=lambda folder: str(folder.relative_to(PACKAGE)))
def test_a_room_is_a_package(folder):
    """Without `__init__.py` a folder can be imported in a clone, but `pip install .` leaves it out."""
    assert (folder / "__init__.py").is_file()


def test_git_ignores_no_source():
    """.gitignore names folders of results: one that a room shares keeps the room's new files out of every commit, and of every clone."""
    if not (shutil.which("git") and (PACKAGE.parent / ".git").exists()):
        pytest.skip(needs.GIT)
    names = [str(path.relative_to(PACKAGE.parent)) for path in FILES]
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"],
        input="\n".join(names),
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr  # 1: none is ignored
    assert done.stdout.split() == []


def inner_imports(folder):
    """Within one room: {file or inner room: those beside it that it imports}."""
    here = ".".join(("minifcn", *folder.relative_to(PACKAGE).parts)) + "."
    beside = {path.name.removesuffix(".py") for path in folder.iterdir()} - {"__init__"}
    found = {name: set() for name in beside}
    for path in FILES:
        if folder in path.parents and path.name != "__init__.py":
            mine = path.relative_to(folder).parts[0].removesuffix(".py")
            names = [name.removeprefix(here).split(".")[0] for name in imports_of(path) if name.startswith(here)]
            found[mine] |= {name for name in names if name in beside and name != mine}
    return found


@pytest.mark.parametrize("folder", ROOM_FOLDERS, ids=lambda folder: str(folder.relative_to(PACKAGE)))
def test_no_circle_within_a_room(folder):
    """Files and inner rooms can be read in some order in which each needs only what came before it."""
    if folder in (PACKAGE, PACKAGE / "autodiff"):
        return  # the first has an order of its own; engine and walk are one idea in two files
    left = inner_imports(folder)
    while ready := [name for name, wanted in left.items() if not wanted & left.keys()]:
        for name in ready:
            del left[name]
    assert not left, f"{folder.name}: a circle among {', '.join(sorted(left))}"


def test_kernels_of_a_cpu_and_of_a_gpu_know_nothing_of_each_other():
    inner = inner_imports(PACKAGE / "kernels")
    assert "gpu" not in inner["cpu"] and "cpu" not in inner["gpu"]


@pytest.mark.parametrize("folder", ROOM_FOLDERS, ids=lambda folder: str(folder.relative_to(PACKAGE)))
def test_a_room_fits_the_eye(folder):
    files = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(files) <= MOST_FILES, (
        f"{folder.name} has {len(files)} files: make an inner room of those that belong together"
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_file_is_longer_than_300_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("module, room", [("matplotlib", "draw"), ("cupy", "backend")])
def test_a_library_is_imported_in_one_room_only(module, room):
    users = {room_of(path) for path in FILES if any(name.split(".")[0] == module for name in imports_of(path))}
    assert users <= {room}


def test_import_loads_numpy_alone():
    code = """
import sys, numpy
before = set(sys.modules)
import minifcn
new = {name.split(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
own = {"minifcn", "numpy", "cython_runtime"}  # the last one and _cython_… belong to numpy.random, which loads when first used
print(sorted(name for name in new - own if not name.startswith("_cython_")))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_every_public_name_has_a_docstring():
    import minifcn as mf

    for name in mf.__all__:
        if name != "__version__":
            assert getattr(mf, name).__doc__, f"mf.{name} has no docstring"
    for name in mf.ops.__all__:
        assert getattr(mf.ops, name).__doc__, f"mf.ops.{name} has no docstring"


def test_no_test_got_lost(request):
    """A floor for a whole run: whoever deletes tests has to lower it on purpose. What skips and what is slow counts too."""
    option = request.config.option
    named = request.config.args_source is pytest.Config.ArgsSource.ARGS
    if named or option.keyword or option.markexpr or option.deselect or option.only_skipped:
        pytest.skip("needs a whole run: python -m pytest")
    assert len(request.session.items) >= 7600


def test_the_drawn_map_is_that_of_the_imports():
    sys.path.insert(0, str(PACKAGE.parent / "docs"))
    try:
        import house_map
    finally:
        sys.path.pop(0)
    drawn = house_map.FILE.read_text(encoding="utf-8")
    assert drawn == house_map.drawing(), "the rooms have changed; draw the map again: python docs/house_map.py"
