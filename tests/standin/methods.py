"""The operators and the plain methods of the stand-in's array, with CuPy's keywords."""

from standin.array import fresh, inside, ndarray, wrapped
from standin.work import LAUNCHES, asks_cublas, change, waits


def reduction(name, *keywords):
    """A method that reduces, with CuPy's keywords and no others: NumPy's `initial` and `where` do not exist there."""

    def method(self, axis=None, **named):
        unknown = set(named) - set(keywords)
        if unknown:
            raise TypeError(f"{name}() got an unexpected keyword argument {unknown.pop()!r}")
        named = {key: inside(value) for key, value in named.items()}
        return fresh(lambda: getattr(self._a, name)(axis, **named))

    return method


for name, keywords in {
    "sum": ("dtype", "out", "keepdims"), "prod": ("dtype", "out", "keepdims"), "mean": ("dtype", "out", "keepdims"),
    "std": ("dtype", "out", "ddof", "keepdims"), "var": ("dtype", "out", "ddof", "keepdims"),
    "max": ("out", "keepdims"), "min": ("out", "keepdims"), "any": ("out", "keepdims"), "all": ("out", "keepdims"),
    "argmax": ("dtype", "out", "keepdims"), "argmin": ("dtype", "out", "keepdims"), "cumsum": ("dtype", "out"),
    "argsort": (),
}.items():  # fmt: skip
    setattr(ndarray, name, reduction(name, *keywords))


def passed(name):
    """A method whose arguments are ours, and whose result is."""

    def method(self, *arguments, **named):
        arguments, named = [inside(each) for each in arguments], {k: inside(v) for k, v in named.items()}
        if name == "nonzero":
            waits()
        if name == "dot":
            asks_cublas(self._a, arguments[0])

        def compute():
            return getattr(self._a, name)(*arguments, **named)

        return wrapped(compute()) if name in VIEWS else fresh(compute)

    return method


VIEWS = ("swapaxes", "diagonal", "squeeze")
for name in (*VIEWS, "repeat", "take", "dot", "clip", "round", "nonzero", "flatten"):
    setattr(ndarray, name, passed(name))


def binary(name):
    def method(self, other):
        if (
            getattr(other, "__array_ufunc__", self) is None
        ):  # CuPy asks the object itself, and leaves the operator to it
            return NotImplemented
        if isinstance(other, (list, tuple, str)) or other is None:
            return NotImplemented
        value = inside(other)
        if "matmul" in name:
            asks_cublas(self._a, value)
        if getattr(self._a, name)(value) is NotImplemented:
            return NotImplemented
        return fresh(lambda: getattr(self._a, name)(value))

    return method


def in_place(name):
    plain = name.replace("__i", "__")

    def method(self, other):
        LAUNCHES[0] += 1
        value = inside(other)
        if plain == "__matmul__":
            asks_cublas(self._a, value)
        if self._a.ndim == 0:  # NumPy would answer with a scalar of its own
            change(lambda: self._a.__setitem__(..., getattr(self._a, plain)(value)))
        else:
            change(lambda: getattr(self._a, name)(value))
        return self

    return method


for word in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and",
    "or",
    "xor",
    "lshift",
    "rshift",
):
    setattr(ndarray, f"__{word}__", binary(f"__{word}__"))
    setattr(ndarray, f"__r{word}__", binary(f"__r{word}__"))
    setattr(ndarray, f"__i{word}__", in_place(f"__i{word}__"))
for word in ("eq", "ne", "lt", "le", "gt", "ge", "divmod"):
    setattr(ndarray, f"__{word}__", binary(f"__{word}__"))
for word in ("neg", "pos", "abs", "invert"):
    setattr(ndarray, f"__{word}__", lambda self, word=word: fresh(lambda: getattr(self._a, f"__{word}__")()))
