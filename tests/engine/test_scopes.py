"""What holds inside a `with`, in threads, asyncio tasks and generators: no_grad, kernels.use, detect_anomaly, profile."""

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import numpy as np
import pytest

import minifcn as mf
from minifcn.autodiff import profiler
from minifcn.kernels.dispatch import CHOICES, DEFAULT
from minifcn.scopes import Scope

OTHER = next(choice for choice in CHOICES if choice != DEFAULT)


def records_nothing():
    return not (mf.Tensor(np.ones(2), requires_grad=True) * 2).requires_grad


def looks_for_nan():
    try:
        mf.Tensor(np.array([np.inf])) * 1.0
    except mf.AnomalyError:
        return True
    return False


# how it is made, and whether it holds here, asked of what it does and not of its variable
SETTINGS = {
    "no_grad": (mf.no_grad, records_nothing),
    "kernels.use": (lambda: mf.kernels.use(OTHER), lambda: mf.kernels.chosen() == OTHER),
    "detect_anomaly": (mf.detect_anomaly, looks_for_nan),
    "profile": (mf.profile, lambda: bool(profiler._open.get())),
}
each = pytest.mark.parametrize("make, holds", SETTINGS.values(), ids=SETTINGS)
each_decorator = pytest.mark.parametrize(
    "make, holds",
    [pair for name, pair in SETTINGS.items() if name != "profile"],
    ids=[n for n in SETTINGS if n != "profile"],
)


def in_a_thread(function, within=lambda job: job()):
    found = []
    thread = threading.Thread(target=within, args=(lambda: found.append(function()),))
    thread.start()
    thread.join()
    return found[0]


@each
def test_a_thread_started_inside_begins_without_it(make, holds):
    with make():
        assert holds() and not in_a_thread(holds)
    assert not holds()


@each
def test_the_remedy_of_the_docstrings_carries_it_into_a_thread_and_a_pool(make, holds):
    with ThreadPoolExecutor(1) as pool:
        with make():
            assert in_a_thread(holds, contextvars.copy_context().run)
            assert pool.submit(contextvars.copy_context().run, holds).result()
            assert not pool.submit(holds).result()
        assert not pool.submit(holds).result()


@each
def test_a_pools_thread_that_entered_it_has_left_it_for_the_next_job(make, holds):
    def job():
        with make():
            return holds()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(job).result() and not pool.submit(holds).result()


@each
def test_a_task_has_its_own_and_inherits_from_where_it_was_made(make, holds):
    async def waits_inside(entered, leave):
        with make():
            entered.set()
            await leave.wait()
            return holds()

    async def asks():
        await asyncio.sleep(0)
        return holds()

    async def main():
        entered, leave = asyncio.Event(), asyncio.Event()
        other = asyncio.create_task(waits_inside(entered, leave))
        await entered.wait()
        assert not holds()  # PyTorch's belongs to the thread, and would hold here
        leave.set()
        assert await other
        with make():
            inherits = asyncio.create_task(asks())
        assert await inherits and not holds()

    asyncio.run(main())


def waiting(make):
    with make():
        yield
        yield


@each
def test_a_with_in_a_generator_holds_for_the_caller_while_it_waits(make, holds):
    """Said in every docstring: nobody can tell this `yield` from that of a @contextmanager, where it is wanted."""
    generator = waiting(make)
    next(generator)
    assert holds()
    generator.close()
    assert not holds()


@each
def test_two_generators_closed_in_the_order_in_which_they_began_leave_nothing(make, holds):
    """With one value and the one before it, the second would put back what the first had set, for ever. PyTorch's no_grad does."""
    first, second = waiting(make), waiting(make)
    next(first)
    next(second)
    first.close()
    assert holds()
    second.close()
    assert not holds()


def test_the_last_entered_counts_in_whatever_order_they_are_left():
    simple, fast = mf.kernels.use("simple"), mf.kernels.use("fast")
    simple.__enter__()
    fast.__enter__()
    assert mf.kernels.chosen() == "fast"
    simple.__exit__(None, None, None)
    assert mf.kernels.chosen() == "fast"
    fast.__exit__(None, None, None)
    assert mf.kernels.chosen() == DEFAULT


@each
def test_left_in_another_thread_it_says_that_it_still_holds(make, holds):
    name = next(name for name, pair in SETTINGS.items() if pair[0] is make)
    generator = waiting(make)
    next(generator)

    def close():
        with pytest.raises(RuntimeError) as caught:
            generator.close()
        return str(caught.value)

    # as an exception of its own, for the one of contextvars speaks of tokens
    said = contextvars.copy_context().run(close)
    assert said == (
        f"{name}: left in another thread or asyncio task than it was entered in, and there it still holds; "
        "run and close a generator where it was begun, or decorate it"
    )
    assert holds()
    for variable in (
        mf.autodiff.engine._not_recording,
        mf.kernels.dispatch._choices,
        mf.autodiff.anomaly._watching,
        profiler._open,
    ):
        variable.set(())
    assert not holds()


@each_decorator
def test_a_decorated_generator_keeps_it_to_itself(make, holds):
    @make()
    def decorated():
        """Two questions."""
        yield holds()
        yield holds()
        return holds()

    def outer():
        result = yield from decorated()
        yield result

    generator = outer()
    for _ in range(3):
        assert next(generator) is True and not holds()
    assert decorated.__doc__ == "Two questions."


@each_decorator
def test_a_decorated_generator_is_sent_to_thrown_at_and_closed_as_ever(make, holds):
    seen = []

    @make()
    def decorated():
        try:
            while True:
                try:
                    seen.append((yield holds()))
                except KeyError:
                    seen.append("KeyError")
        finally:
            seen.append(("closed", holds()))

    generator = decorated()
    assert next(generator) and generator.send("sent") and generator.throw(KeyError()) and not holds()
    with pytest.raises(ZeroDivisionError):
        generator.throw(ZeroDivisionError())
    assert seen == ["sent", "KeyError", ("closed", True)] and not holds()
    seen.clear()
    generator = decorated()
    next(generator)
    generator.close()
    assert seen == [("closed", True)] and not holds()
    assert list(generator) == []


@each_decorator
def test_decorated_functions_may_overlap_recurse_and_await(make, holds):
    barrier = threading.Barrier(2, timeout=20)

    @make()
    def together(again=True):
        barrier.wait()
        return holds() and (not again or together(False))

    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(lambda _: together(), range(2)))
    assert not holds()

    @make()
    async def awaited():
        await asyncio.sleep(0)
        return holds()

    async def main():
        return await awaited(), holds()

    assert asyncio.run(main()) == (True, False)


def test_an_async_generator_cannot_be_decorated():
    async def steps():
        yield 1

    with pytest.raises(TypeError, match="no_grad: cannot decorate an async generator; use `with` between its yields"):
        mf.no_grad()(steps)


def test_a_profile_cannot_decorate():
    with pytest.raises(
        TypeError, match=r"profile: as a decorator it would lose what it found; in work write `with mf\.profile"
    ):

        @mf.profile()
        def work():
            pass


def test_one_scope_is_entered_once_and_left_once():
    scope = mf.no_grad()
    with scope, pytest.raises(RuntimeError, match="no_grad: this one was entered already; make one for each with"):
        scope.__enter__()
    assert not records_nothing()
    with pytest.raises(RuntimeError, match="no_grad: left, but never entered"):
        scope.__exit__(None, None, None)
    with scope:  # one after the other is no harm
        assert records_nothing()


def test_a_scope_gives_its_value():
    entered = ContextVar("entered", default=())
    with Scope("name", entered, 5) as value:
        assert value == 5 and [scope.value for scope in entered.get()] == [5]
    assert entered.get() == ()


def test_a_profile_counts_what_a_carried_thread_does():
    def work():
        mf.Tensor(np.ones(2)) * 2

    with mf.profile() as alone:
        in_a_thread(work)
    with mf.profile() as carried:
        in_a_thread(work, contextvars.copy_context().run)
    assert (len(alone.events), len(carried.events)) == (0, 1)
