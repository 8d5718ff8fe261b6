"""What needs a process of its own: a fork while worker threads live, and the environment's choice of kernels."""

import os
import subprocess
import sys
import textwrap

import needs
import pytest


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason=needs.POSIX)
def test_a_forked_child_computes_the_same():
    code = """
        import os, warnings
        import numpy as np
        import minifcn as mf
        from minifcn.kernels.cpu import window_tiles

        window_tiles.TILE_BYTES = 1 << 12
        mf.set_num_threads(3)
        x = np.random.default_rng(0).standard_normal((2, 3, 40, 40)).astype(np.float32)
        layer = mf.nn.Conv2d(3, 8, 3, padding=1)
        expected = layer(x).data  # the parent's worker threads live from here on

        # Python 3.12 warns of a fork beside threads: that is the test
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
        if child == 0:
            os._exit(0 if np.array_equal(layer(x).data, expected) else 3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert np.array_equal(layer(x).data, expected)
        print("alike")
    """
    done = python(code)
    assert done.returncode == 0 and done.stdout == "alike\n", done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason=needs.POSIX)
def test_a_forked_child_has_helpers_of_its_own():
    code = """
        import os, threading, warnings
        from minifcn.kernels import threads

        warnings.simplefilter("ignore", DeprecationWarning)
        threads.set_num_threads(2)

        def answers():
            began = threading.Event()
            piece = threads.later(lambda: (began.set(), threading.current_thread().name))
            return began.wait(20) and piece.result()[1]

        assert answers() == "minifcn 0"
        child = os.fork()
        if child == 0:
            os._exit(0 if answers() == "minifcn 0" else 3)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), answers())
    """
    done = python(code)
    assert done.returncode == 0 and done.stdout == "0 minifcn 0\n", done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason=needs.POSIX)
def test_a_child_holds_blas_for_its_own_thread_and_for_no_other():
    code = """
        import os, threading, warnings
        import numpy as np
        from threadpoolctl import threadpool_info
        from minifcn.kernels import threads

        warnings.simplefilter("ignore", DeprecationWarning)
        threads.set_blas([2] * len(threads.libraries()))
        number = lambda: {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}
        matrix = np.ones((300, 300))

        def child_says(*expected):
            child = os.fork()
            if child == 0:
                found = [number()]
                if len(expected) > 1:
                    scope.__exit__()
                    found.append(number())
                with threads.held():
                    (matrix @ matrix).sum()
                found.append(number())
                os._exit(0 if found == [*expected, {2}] else 3)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, expected

        go, there = threading.Event(), threading.Event()

        def other():
            with threads.held():
                there.set()
                go.wait(20)

        thread = threading.Thread(target=other)
        thread.start()
        there.wait(20)
        child_says({2})  # the thread that held it is not in the child
        go.set()
        thread.join()
        scope = threads.held()
        scope.__enter__()
        child_says({1}, {2})  # the one that forked is
        scope.__exit__()
        print(number())
    """
    done = python(code)
    assert done.returncode == 0 and done.stdout == "{2}\n", done.stderr


ASK = """
    import numpy as np
    from minifcn import kernels, ops
    from minifcn.kernels import choice

    def refuse(*arguments):
        raise RuntimeError("the fast kernel ran")

    choice.KERNELS["conv2d"] = (choice.Fast(refuse, lambda *arguments: True),)

    def who():
        try:
            ops.conv2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)))
        except RuntimeError:
            return "fast"
        return "simple"

    answers = [who()]
    for choice in ("simple", "fast"):
        with kernels.use(choice):
            answers.append(who())
    print(*answers, who())
"""


@pytest.mark.parametrize("value, default", [(None, "fast"), ("fast", "fast"), ("simple", "simple")])
def test_the_environment_chooses_and_use_overrules_it(value, default, monkeypatch):
    monkeypatch.delenv("MINIFCN_KERNELS", raising=False)
    done = python(ASK, **({"MINIFCN_KERNELS": value} if value else {}))
    assert done.stdout.split() == [default, "simple", "fast", default], done.stderr


@pytest.mark.parametrize("value", ["quick", "", "FAST"])
def test_a_wrong_value_in_the_environment_is_named(value):
    done = python("import minifcn", MINIFCN_KERNELS=value)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    expected = f"the environment variable MINIFCN_KERNELS: unknown kernels {value!r}; choose one of simple, fast"
    assert last == f"ValueError: {expected}"
