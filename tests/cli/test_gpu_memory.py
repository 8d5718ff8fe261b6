"""Memory that does not suffice is said in a sentence that names what to make smaller; --gpu-memory."""

import importlib
import sys
import types

import pytest

from minifcn import backend
from minifcn.cli.main import less_memory, parser
from minifcn.models import FCN

from .conftest import ONE


def of_cupy(kind, text, module="cupy.cuda.memory"):
    """An error as CuPy raises it."""
    return type(kind.__name__ + "OfCupy", (kind,), {"__module__": module})(text)


RUNNING_OUT = {
    "CuPy's pool": (MemoryError, "Out of memory allocating 9,000,000 bytes", "cupy.cuda.memory"),
    "CUDA": (RuntimeError, "cudaErrorMemoryAllocation: out of memory", "cupy_backends.cuda.api.runtime"),
    "cuBLAS": (RuntimeError, "CUBLAS_STATUS_ALLOC_FAILED", "cupy_backends.cuda.libs.cublas"),
}
each_error = pytest.mark.parametrize("kind, text, module", RUNNING_OUT.values(), ids=RUNNING_OUT)


@pytest.fixture
def plant(monkeypatch):
    """The third forward of any network fails with this error."""

    def put(error):
        forward, calls = FCN.forward, []

        def failing(self, x):
            calls.append(1)
            if len(calls) >= 3:
                raise error
            return forward(self, x)

        monkeypatch.setattr(FCN, "forward", failing)

    return put


@each_error
def test_training_out_of_memory(kind, text, module, call, plant, small_set, tmp_path):
    plant(of_cupy(kind, text, module))
    answer = call(f"train --data {small_set} {ONE} --steps 9 --out {tmp_path}/run")
    answer.failed("not enough memory", text, "a smaller --batch", "--accumulate", "--size or --width", "--device cpu")


@each_error
def test_predicting_out_of_memory(kind, text, module, call, plant, person_model, small_set, tmp_path):
    plant(of_cupy(kind, text, module))
    line = f"predict {small_set}/JPEGImages --model {person_model} --out {tmp_path}/out"
    call(line).failed(
        "not enough memory for 48x40 pixels", text, "--tile 512", "7 of 9 pictures could not be predicted"
    )


WAYS = {
    "train": (
        ["train", "--data", "x", "--out", "y", "--gpu-memory", "2G"],
        "a larger --gpu-memory than 2G; or --device cpu",
    ),
    "eval": (["eval", "m", "--data", "x"], "a smaller --size or fewer --scales; or --device cpu"),
    "predict": (["predict", "x.jpg"], "--tile 512, or a smaller --tile or --size; or --device cpu"),
    "summary": (["summary", "fcn8s"], "a smaller --width, --size or --batch"),
}


@pytest.mark.parametrize("words, advice", WAYS.values(), ids=WAYS)
def test_the_advice_is_in_the_words_of_the_command(words, advice):
    assert less_memory(parser().parse_args(words)).endswith(advice)


def test_other_errors_of_cupy_are_not_about_memory(call, plant, small_set, tmp_path):
    plant(of_cupy(RuntimeError, "cudaErrorIllegalAddress: an illegal memory access was encountered", "cupy.cuda"))
    answer = call(f"train --data {small_set} {ONE} --steps 9 --out {tmp_path}/run").failed("an illegal memory access")
    assert "not enough" not in answer.err
    assert not backend.no_memory_left(RuntimeError("out of memory"))  # somebody else's


class Pool:
    """CuPy's pool: refuses more than its limit until its idle blocks are given back."""

    def __init__(self):
        self.limit, self.idle, self.asked = None, 60, []

    def set_limit(self, size=None, fraction=None):
        if fraction is not None and not 0 <= fraction <= 1:
            raise ValueError("memory limit fraction out of range")
        if size is not None and size < 0:
            raise ValueError("memory limit size out of range")
        self.limit = size if fraction is None else 100 * fraction

    def malloc(self, size):
        self.asked.append(size)
        if size + self.idle > self.limit:
            raise MemoryError("Out of memory")
        return size

    def free_all_blocks(self):
        self.idle = 0


@pytest.fixture
def cupy(monkeypatch):
    """A module of that name with a pool, and what becomes the allocator."""
    module, pool = types.ModuleType("cupy"), Pool()
    module.pool, module.allocators, module.used = pool, [], []
    module.get_default_memory_pool = lambda: pool
    device = lambda number: types.SimpleNamespace(use=lambda: module.used.append(number))  # noqa: E731
    module.cuda = types.SimpleNamespace(set_allocator=module.allocators.append, Device=device)
    monkeypatch.setitem(sys.modules, "cupy", module)
    monkeypatch.setenv(backend.MEMORY_LIMIT, "")  # whatever it becomes is forgotten at the end
    return module


@pytest.mark.parametrize(
    "limit, size", [("123", 123), ("2K", 2048), ("1.5G", 3 << 29), ("80%", 80), ("500m", 500 << 20)]
)
def test_a_limit(limit, size, cupy):
    backend.limit_gpu_memory(limit)
    assert cupy.pool.limit == size


def test_idle_blocks_are_given_back_before_memory_runs_out(cupy):
    backend.limit_gpu_memory("100")
    (allocate,) = cupy.allocators
    assert allocate(50) == 50 and cupy.pool.asked == [50, 50]
    with pytest.raises(MemoryError):
        allocate(101)


@pytest.mark.parametrize("limit", ["much", "120%", "-3", ""])
def test_a_limit_that_is_none(limit, cupy):
    with pytest.raises(ValueError, match=f"gpu memory: '{limit}' is not a size; expected bytes, such as 6G"):
        backend.limit_gpu_memory(limit)


def test_another_process_has_the_limit_of_the_environment(cupy, monkeypatch):
    backend.use_gpu(1)
    assert cupy.used == [1] and cupy.pool.limit is None
    monkeypatch.setenv(backend.MEMORY_LIMIT, "70%")
    backend.use_gpu(2)
    assert cupy.used == [1, 2] and cupy.pool.limit == 70


def test_the_option_sets_the_limit_on_a_gpu_alone(call, cupy, small_set, tmp_path, monkeypatch):
    monkeypatch.setattr(backend, "gpu_problem", lambda: None)
    run_stages = importlib.import_module("minifcn.cli.commands.train")
    monkeypatch.setattr(run_stages, "train_in", lambda *arguments: 0)
    line = f"train --data {small_set} --gpu-memory 60% --out {tmp_path}/run"
    call(f"{line} --device cpu").worked()
    assert cupy.pool.limit is None
    call(f"{line} --device gpu").worked()
    assert cupy.pool.limit == 60 and backend.os.environ[backend.MEMORY_LIMIT] == "60%"


@pytest.mark.parametrize("limit", ["much", "120%", "0", "-1G"])
def test_an_option_that_is_no_size(limit, call, tmp_path):
    assert call(f"train --data x --out {tmp_path}/run --gpu-memory={limit}").status == 2


def test_a_wrong_size_in_the_environment_is_said_to_stand_there(call, monkeypatch):
    """Nobody had typed --gpu-memory."""
    monkeypatch.setenv(backend.MEMORY_LIMIT, "abc")
    answer = call("summary fcn32s --backbone tiny")
    assert answer.status == 0  # it computes nothing
    answer = call("eval voc7 --data nosuch")
    assert (
        answer.status == 2
        and "'abc' is not a number (the environment variable MINIFCN_GPU_MEMORY says so)" in answer.err
    )
    monkeypatch.delenv(backend.MEMORY_LIMIT)
    answer = call("eval voc7 --data nosuch --gpu-memory abc")
    assert (
        answer.status == 2 and "--gpu-memory: 'abc' is not a number" in answer.err and "environment" not in answer.err
    )
