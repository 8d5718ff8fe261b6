"""One picture without a batch axis, (C, H, W): the windowed operations take it as PyTorch's do."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, TypeVar, cast

from minifcn import backend
from minifcn.autodiff.engine import Tensor
from minifcn.ops import checks
from minifcn.ops.shaping import reshape

F = TypeVar("F", bound=Callable[..., Any])


def or_alone(function: F) -> F:
    """Decorator: x may be (N, C, H, W), which is what `function` gets, or (C, H, W); then the result has no batch axis either.

    It goes in as a batch of one, by a reshape that the gradient goes back through. Places (C, H, W) and a size (C, H, W) go with it.
    """
    name, parameters = function.__name__, signature(function)

    @wraps(function)
    def run(x: Any, *arguments: Any, **options: Any) -> Any:
        x = checks.as_tensor(name, x)
        if x.ndim == 4:
            return function(x, *arguments, **options)
        if x.ndim != 3:
            raise ValueError(
                f"{name}: input has {x.ndim} axes {x.shape}; expected 4 (N, C, H, W), or 3 (C, H, W) for one picture alone"
            )
        given = parameters.bind(x, *arguments, **options).arguments
        given["x"] = reshape(x, (1, *x.shape))
        if "indices" in given:
            places = given["indices"]
            places = places.data if isinstance(places, Tensor) else places
            given["indices"] = places[None] if backend.is_array(places) else [places]
        if len(size := tuple(checks.as_sizes(given.get("output_size")))) == 3:
            given["output_size"] = (1, *size)
        result = function(**given)
        if isinstance(result, tuple):
            return reshape(result[0], result[0].shape[1:]), result[1][0]
        return reshape(result, result.shape[1:])

    return cast(F, run)
