"""A setting that holds inside a `with`: what `no_grad`, `kernels.use`, `detect_anomaly` and `profile` share.

It belongs to the thread, or asyncio task, that entered it: a thread started inside begins without it, as in PyTorch, and a task started inside begins
with it. `contextvars.copy_context().run` carries it into a thread:

    with mf.no_grad():
        pool.submit(contextvars.copy_context().run, predict, picture)

A generator has no setting of its own. What its `with` sets holds for its caller too, from a `yield` to the next step; as a decorator of the generator
the same setting ends at each `yield` and begins anew after it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextvars import ContextVar, Token
from functools import wraps
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Scope(Generic[T]):
    """`with Scope(name, entered, value):` puts itself on top of `entered`; `@Scope(…)` does so for each call of a function.

    What is entered is a list and not one value, since scopes may be left in another order than they were entered, as generators do that
    are closed one after the other: each takes away itself alone, and when all are left nothing is set.
    """

    def __init__(self, name: str, entered: ContextVar[tuple[Scope[T], ...]], value: T) -> None:
        self.name, self.entered, self.value = name, entered, value
        self._token: Token[tuple[Scope[T], ...]] | None = None

    def __enter__(self) -> T:
        if self._token is not None:
            raise RuntimeError(f"{self.name}: this one was entered already; make one for each with")
        self._token = self.entered.set((*self.entered.get(), self))
        return self.value

    def __exit__(self, *error: object) -> None:
        if self._token is None:
            raise RuntimeError(f"{self.name}: left, but never entered")
        here, token, self._token = self.entered.get(), self._token, None
        try:
            self.entered.reset(token)  # only where it was set
        except ValueError:
            raise RuntimeError(
                f"{self.name}: left in another thread or asyncio task than it was entered in, and there it still holds; "
                "run and close a generator where it was begun, or decorate it"
            ) from None
        self.entered.set(tuple(scope for scope in here if scope is not self))

    def __call__(self, function: F) -> F:
        again = lambda: Scope(self.name, self.entered, self.value)  # noqa: E731 - calls may overlap, so each has its own
        if inspect.isasyncgenfunction(function):
            raise TypeError(f"{self.name}: cannot decorate an async generator; use `with` between its yields")
        if inspect.isgeneratorfunction(function):

            @wraps(function)
            def run(*arguments: Any, **options: Any) -> Any:
                return (yield from in_steps(again, function(*arguments, **options)))

        elif inspect.iscoroutinefunction(function):

            @wraps(function)
            async def run(*arguments: Any, **options: Any) -> Any:
                with again():
                    return await function(*arguments, **options)

        else:

            @wraps(function)
            def run(*arguments: Any, **options: Any) -> Any:
                with again():
                    return function(*arguments, **options)

        return cast(F, run)


def in_steps(scope: Callable[[], Scope[Any]], generator: Any) -> Iterator[Any]:
    """The same generator, inside a scope for as long as it runs and outside of it while it waits."""
    step, given = generator.send, None
    while True:
        try:
            with scope():
                made = step(given)
        except StopIteration as end:
            return end.value
        try:
            step, given = generator.send, (yield made)
        except GeneratorExit:
            with scope():
                generator.close()
            raise
        except BaseException as error:  # thrown in by the caller: the generator's own business
            step, given = generator.throw, error
