"""What `import minifcn as mf` offers: dir() and help() show it and no machinery, and every parameter has a type that says something."""

import inspect
import pydoc
import subprocess
import sys
import typing
from collections.abc import Callable, Mapping
from types import ModuleType

import numpy as np
import pytest

import minifcn as mf
from minifcn.backend import Array
from minifcn.kernels.windows import Padding, Size

# a parameter that may be anything, and why
ANYTHING = {
    "forward(*arrays)": "each Function takes its own arrays",
    "forward(*inputs)": "each Module takes what it likes: a picture, several, options",
    "__call__(*inputs)": "a Module hands on what its forward takes",
    "__call__(**options)": "the same",
    "mf.training.fit(**changes)": "the fields of Recipe, whose own signature says them; defaults come from the recipe that is changed",
}


def public_modules():
    """(name, module): mf and every module that can be reached from it by public names."""
    found, new = {}, [("mf", mf)]
    while new:
        name, module = new.pop()
        found[name] = module
        parts = ((f"{name}.{part}", getattr(module, part)) for part in dir(module))
        new += [(path, part) for path, part in parts if isinstance(part, ModuleType) and part not in found.values()]
    return sorted(found.items())


MODULES = public_modules()


def functions():
    """(name, function) of every public function and method, __init__ and __call__ included; one that is inherited once."""
    seen = set()

    def once(name, function):
        if inspect.isfunction(function) and function not in seen:
            seen.add(function)
            yield name, function

    for path, module in MODULES:
        for name in dir(module):
            value = getattr(module, name)
            if not inspect.isclass(value):
                yield from once(f"{path}.{name}", value)
                continue
            for owner in value.__mro__:
                if owner.__module__.startswith("minifcn"):
                    for method, held in vars(owner).items():
                        held = held.fget if isinstance(held, property) else getattr(held, "__func__", held)
                        if not method.startswith("_") or method in ("__init__", "__call__"):
                            yield from once(f"{path}.{name}.{method}", held)


FUNCTIONS = list(functions())


def says_nothing(annotation):
    """Whether `annotation` is missing, Any, or made of Any, but for what JSON holds (dict[str, Any]) and what a callback returns."""
    if annotation in (inspect.Parameter.empty, typing.Any):
        return True
    origin = typing.get_origin(annotation)
    parts = typing.get_args(annotation)
    if origin in (dict, Mapping):
        parts = parts[:1]
    if origin is Callable:
        parts = [part for part in parts[:-1] if part is not ...]
        parts = parts[0] if parts and isinstance(parts[0], list) else parts
    if origin is typing.Literal or (isinstance(origin, type) and issubclass(origin, np.ndarray | np.dtype)):
        return False
    return any(says_nothing(part) for part in parts)


@pytest.mark.parametrize("path, module", MODULES, ids=[path for path, _ in MODULES])
def test_dir_shows_what_is_public(path, module):
    assert dir(module) == sorted(module.__all__)
    for name in dir(module):
        value = getattr(module, name)
        owner = value if isinstance(value, ModuleType) else inspect.getmodule(value)
        if isinstance(value, ModuleType) or inspect.isfunction(value) or inspect.isclass(value):
            assert owner.__name__.startswith("minifcn"), f"{path}.{name} is of {owner.__name__}"
        assert name == "__version__" or not name.startswith("_")


def test_the_rooms_of_a_learner_are_among_them():
    rooms = {"data", "draw", "kernels", "models", "nn", "ops", "optim", "training"}
    assert {f"mf.{room}" for room in rooms} <= {path for path, _ in MODULES} | {"mf.optim"}
    assert "mf.nn.optim" in dict(MODULES) or "mf.optim" in dict(MODULES)


def parameters():
    for path, function in FUNCTIONS:
        hints = typing.get_type_hints(function)
        for number, each in enumerate(inspect.signature(function).parameters.values()):
            if number == 0 and each.name in ("self", "cls"):
                continue
            stars = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
            named = hints.get(each.name, each.annotation)
            yield f"{path}({stars}{each.name})", named


def test_every_parameter_has_a_type_that_says_something():
    found = list(parameters())
    silent = [name for name, annotation in found if says_nothing(annotation) and not name.endswith(tuple(ANYTHING))]
    assert not silent, "no type, or Any: " + ", ".join(silent)
    assert len(found) > 400
    for entry in ANYTHING:  # an exception that nobody needs any more goes
        assert any(name.endswith(entry) and says_nothing(annotation) for name, annotation in found), entry


@pytest.mark.parametrize("path, function", FUNCTIONS, ids=[path for path, _ in FUNCTIONS])
def test_every_function_says_what_it_returns(path, function):
    returns = typing.get_type_hints(function).get("return", inspect.Parameter.empty)
    handed_on = path.endswith((".forward", ".__call__"))  # by what a subclass or a kernel returns
    assert returns is not inspect.Parameter.empty and (handed_on or not says_nothing(returns)), path


@pytest.mark.parametrize(
    "annotation, silent",
    [
        (typing.Any, True),
        (inspect.Parameter.empty, True),
        (typing.Any | None, True),
        (list[typing.Any], True),
        (Callable[[typing.Any], int], True),
        (dict[typing.Any, int], True),
        (dict[str, typing.Any], False),
        (Callable[[str], typing.Any], False),
        (Callable[..., typing.Any], False),
        (Array, False),
        (np.ndarray | None, False),
        (Padding, False),
        (int | tuple[int, int], False),
    ],
)
def test_the_check_sees_any(annotation, silent):
    assert says_nothing(annotation) == silent


def test_a_size_is_a_number_or_two():
    assert Size == int | tuple[int, int]
    signature = inspect.signature(mf.ops.conv2d)
    assert str(signature.parameters["stride"]) == "stride: int | tuple[int, int] = 1"
    assert str(inspect.signature(mf.nn.MaxPool2d).parameters["kernel_size"]) == "kernel_size: int | tuple[int, int]"


def helped(what):
    return pydoc.plain(pydoc.render_doc(what))


def test_help_on_operations_shows_operations():
    text = helped(mf.ops)
    from minifcn.ops import OPERATIONS

    for name in OPERATIONS:
        assert f"\n    {name}(" in text
    for machinery in ("OPERATIONS", "class ", "operation(", "DATA", "Any"):
        assert machinery not in text, machinery


@pytest.mark.parametrize("name", ["fcn32s", "fcn16s", "fcn8s", "fcn4s", "build", "fully_convolutional"])
def test_options_that_are_handed_on_are_shown(name):
    function = getattr(mf.models, name)
    shown = inspect.signature(function).parameters
    assert {"padding", "in_channels", "learn_upsampling", "fusion", "class_names", "preprocessing"} <= set(shown)
    assert "options" not in shown and "learn_upsampling: bool = False" in helped(function)
    if name == "fully_convolutional":
        return
    own = {"width": 2, "num_classes": 3, "backbone": "tiny"}
    arguments = ("fcn8s",) if name == "build" else ()
    # what is shown is taken, with the default that is shown, and what is not is not
    defaults = {key: each.default for key, each in shown.items() if each.default is not each.empty}
    assert function(*arguments, **defaults | own).architecture == function(*arguments, **own).architecture
    with pytest.raises(TypeError):
        function(*arguments, **own, stride=8)


def test_data_and_training_come_when_they_are_asked_for():
    code = """
import sys, minifcn as mf
heavy = ("PIL", "matplotlib", "minifcn.data", "minifcn.training")
print([name for name in heavy if name in sys.modules])
print("data" in dir(mf), "training" in dir(mf), mf.data.VOID, mf.training.RECIPES["modern"][:9])
print([name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "[]",
        "True True 255 mean loss",
        "['PIL', 'minifcn.data', 'minifcn.training']",
    ]


def test_a_name_that_there_is_not():
    with pytest.raises(AttributeError, match=r"^module 'minifcn' has no attribute 'date'$") as caught:
        mf.date  # noqa: B018
    assert (caught.value.name, caught.value.obj) == ("date", mf)  # by these Python says: did you mean 'data'?
