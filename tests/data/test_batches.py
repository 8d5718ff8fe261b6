"""Batches: each a function of seed and step, every picture once an epoch, the next ones decoded ahead by threads."""

import threading
import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minifcn.data import VOID, Augmentation, Batches, ClassMap, DataError, VOCFolder

from .coded import FILL, Coded, label_of
from .folders import LABELS, write_folder

few = settings(deadline=None, max_examples=50, derandomize=True, database=None)
SIZES = ((9, 7), (5, 12), (8, 8), (3, 4), (10, 6))


def numbers(pictures):
    """Which picture of a Coded set stands in each place of a batch."""
    return [max(int(value) for value in np.unique(picture[..., 2]) if value != FILL[2]) for picture in pictures]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@few
@given(st.integers(1, 9), st.integers(1, 12), st.integers(0, 2**40))
def test_every_epoch_is_a_permutation(count, batch, seed):
    batches = Batches(Coded(*[(2, 2)] * count), batch, 2, seed)
    steps = -(-3 * count // batch)
    drawn = [batches.indices(step) for step in range(steps)]
    assert all(len(indices) == batch for indices in drawn)
    stream = [index for indices in drawn for index in indices]
    for epoch in range(3):
        assert sorted(stream[epoch * count : (epoch + 1) * count]) == list(range(count))


def test_every_epoch_and_every_seed_has_an_order_of_its_own():
    batches = Batches(Coded(*[(2, 2)] * 20), 20, 2, seed=3)
    orders = [tuple(batches.indices(step)) for step in range(5)]
    orders += [tuple(Batches(batches.dataset, 20, 2, seed=seed).indices(0)) for seed in (0, 1, 2, 4)]
    assert len(set(orders)) == 9
    assert tuple(range(20)) not in orders


def test_no_batch_holds_a_picture_more_often_than_epochs_allow():
    batches = Batches(Coded(*SIZES), 12, 4, seed=0)
    for step in range(10):
        counts = np.bincount(batches.indices(step), minlength=5)
        assert counts.sum() == 12 and counts.min() >= 1 and counts.max() <= 4


@pytest.mark.parametrize("count, batch, steps", [(5, 2, 3), (4, 2, 2), (5, 5, 1), (3, 8, 1), (7, 1, 7)])
def test_steps_per_epoch(count, batch, steps):
    batches = Batches(Coded(*[(2, 2)] * count), batch, 2, seed=0)
    assert batches.steps_per_epoch == steps
    seen = {index for step in range(steps) for index in batches.indices(step)}
    assert seen == set(range(count))


@pytest.mark.parametrize("batch, size", [(2, 6), (4, 3), (12, 5), (3, None)])
def test_a_batch_depends_on_seed_and_step_alone(batch, size):
    whole = Batches(Coded(*SIZES), batch, size, seed=7, fill=FILL)
    forward = [whole.at(step) for step in range(6)]
    fresh = Batches(Coded(*SIZES), batch, size, seed=7, fill=FILL)
    for step in (5, 0, 3, 3, 1):  # asked for in any order, any number of times, by anyone
        assert same(fresh.at(step), forward[step])
    other = Batches(Coded(*SIZES), batch, size, seed=8, fill=FILL)
    assert not all(same(other.at(step), forward[step]) for step in range(6))


def test_global_random_numbers_are_neither_used_nor_moved():
    batches = Batches(Coded(*SIZES), 4, 4, seed=0)
    np.random.seed(1)
    first, drawn = batches.at(0), np.random.random()
    np.random.seed(1)
    assert np.random.random() == drawn
    assert same(batches.at(0), first)


# From the loader as it was before augmentation came: a run of that time can be repeated.
AS_EVER = [
    (6, True, 0, [0, 2, 4, 1], 36130212, 3067499897),
    (6, True, 7, [3, 1, 2, 1], 2345724365, 1494575929),
    (6, False, 7, [3, 1, 2, 1], 2297365517, 116420431),
    (None, True, 3, [4, 3, 2, 3], 470144674, 2575432484),
    (1, True, 2, [2, 4, 1, 0], 1207472507, 2741081780),
    (20, True, 1, [3, 0, 3, 1], 1723052542, 3452077587),
]


@pytest.mark.parametrize("size, mirror, step, indices, picture_sum, label_sum", AS_EVER)
@pytest.mark.parametrize("said", ["mirror", "augmentation"])
def test_without_augmentation_batches_are_what_they_ever_were(
    size, mirror, step, indices, picture_sum, label_sum, said
):
    option = {"mirror": mirror} if said == "mirror" else {"augmentation": Augmentation(mirror=mirror)}
    batches = Batches(Coded(*SIZES), 4, size, seed=11, fill=FILL, **option)
    pictures, labels = batches.at(step)
    assert batches.indices(step) == indices
    assert (zlib.crc32(pictures.tobytes()), zlib.crc32(labels.tobytes())) == (picture_sum, label_sum)


@pytest.mark.parametrize("size", [1, 4, 20])
def test_crops_of_a_batch(size):
    dataset = Coded(*SIZES)
    batches = Batches(dataset, 3, size, seed=0, fill=FILL)
    for step in range(8):
        pictures, labels = batches.at(step)
        assert pictures.shape == (3, size, size, 3) and labels.shape == (3, size, size)
        assert pictures.dtype == labels.dtype == np.uint8
        assert numbers(pictures) == batches.indices(step)
        inside = labels != VOID
        np.testing.assert_array_equal(labels[inside], label_of(pictures[inside][:, 0], pictures[inside][:, 1]))
        assert (pictures[~inside] == FILL).all()
        for place, index in enumerate(batches.indices(step)):
            height, width = SIZES[index]
            assert inside[place].sum() == min(size, height) * min(size, width)


def test_without_a_size_pictures_stay_whole_at_the_top_left():
    batches = Batches(Coded(*SIZES), 2, None, seed=0, fill=FILL, mirror=False)
    for step in range(6):
        pictures, labels = batches.at(step)
        pairs = [batches.dataset.pairs[index] for index in batches.indices(step)]
        height, width = (max(pair[1].shape[axis] for pair in pairs) for axis in (0, 1))
        assert pictures.shape == (2, height, width, 3) and labels.shape == (2, height, width)
        for place, (picture, truth) in enumerate(pairs):
            tall, wide = truth.shape
            np.testing.assert_array_equal(pictures[place, :tall, :wide], picture)
            np.testing.assert_array_equal(labels[place, :tall, :wide], truth)
            assert (labels[place] != VOID).sum() == tall * wide
            assert (pictures[place][labels[place] == VOID] == FILL).all()


@pytest.mark.parametrize("size", [4, None])
def test_mirrors_half_the_time_or_never(size):
    def turned(mirror):
        batches = Batches(Coded((6, 6)), 200, size, seed=0, mirror=mirror)
        pictures, labels = batches.at(0)
        np.testing.assert_array_equal(labels, label_of(pictures[..., 0], pictures[..., 1]))
        return int((pictures[:, 0, 0, 1] > pictures[:, 0, 1, 1]).sum())

    assert turned(mirror=False) == 0
    assert 70 <= turned(mirror=True) <= 130


def test_one_picture_many_times_in_a_batch_is_cropped_anew_each_time():
    pictures, _ = Batches(Coded((30, 30)), 16, 5, seed=0).at(0)
    assert len({picture.tobytes() for picture in pictures}) >= 14


def test_every_step_and_seed_crops_anew():
    dataset = Coded((30, 30))
    crops = [Batches(dataset, 1, 5, seed=0).at(step)[0] for step in range(10)]
    crops += [Batches(dataset, 1, 5, seed=seed).at(0)[0] for seed in range(1, 7)]
    assert len({crop.tobytes() for crop in crops}) >= 14


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_iterate_gives_what_at_gives(threads):
    batches = Batches(Coded(*SIZES), 3, 5, seed=1, threads=threads)
    found = list(batches.iterate(2, 9))
    assert len(found) == 7
    assert all(same(batch, batches.at(step)) for step, batch in enumerate(found, 2))
    assert list(batches.iterate(4, 4)) == list(batches.iterate(5, 2)) == []


def test_the_order_holds_however_long_each_picture_takes():
    class Uneven(Coded):
        def picture(self, i):
            time.sleep(0.01 * ((7 * i) % 4))
            return super().picture(i)

    quick = Batches(Coded(*SIZES), 1, 5, seed=3)
    for step, batch in enumerate(Batches(Uneven(*SIZES), 1, 5, seed=3, threads=4).iterate(0, 12)):
        assert same(batch, quick.at(step))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_iterate_runs_a_batch_a_thread_ahead_and_no_more(threads):
    dataset = Coded(*SIZES)
    loop = Batches(dataset, 2, 4, seed=0, threads=threads).iterate(0, 10)
    next(loop)
    everything = 2 * (1 + threads)  # the batch in use, and one for each thread
    until = time.monotonic() + 5
    while len(dataset.asked) < everything and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(dataset.asked) == everything
    loop.close()
    assert len(dataset.asked) == everything
    dataset.asked.clear()
    assert len(list(Batches(dataset, 2, 4, seed=0, threads=threads).iterate(0, 3))) == 3
    assert len(dataset.asked) == 6  # nothing beyond the end


def test_a_batch_is_decoded_while_the_caller_works():
    started = threading.Event()

    class Watched(Coded):
        def picture(self, i):
            if len(self.asked) == 1:
                started.set()
            return super().picture(i)

    loop = Batches(Watched((4, 4), (4, 4)), 1, 4, seed=0, threads=1).iterate(0, 2)
    next(loop)
    assert started.wait(5), "the second batch was not begun while the first one was in use"
    loop.close()


def test_threads_decode_at_the_same_time():
    meeting = threading.Barrier(3)  # who waits alone is thrown out after five seconds

    class Together(Coded):
        def picture(self, i):
            meeting.wait(5)
            return super().picture(i)

    assert len(list(Batches(Together((4, 4)), 1, 4, seed=0, threads=3).iterate(0, 6))) == 6


def test_waited_counts_the_seconds_of_the_loop_and_not_of_its_caller():
    class Slow(Coded):
        def picture(self, i):
            time.sleep(0.05)
            return super().picture(i)

    batches = Batches(Slow((4, 4)), 2, 4, seed=0, threads=1)
    assert batches.waited == 0
    for _ in batches.iterate(0, 4):  # each batch takes 0.1 s, and nothing is done in between
        pass
    assert batches.waited >= 0.38
    before = batches.waited
    for _ in batches.iterate(0, 4):  # here the caller takes longer than a batch: only the first one is waited for
        time.sleep(0.2)
    assert 0.09 <= batches.waited - before < before


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("leave", ["close", "break", "end", "error"])
def test_no_thread_outlives_the_loop(leave, threads):
    before = set(threading.enumerate())
    loop = Batches(Coded(*SIZES), 2, 4, seed=0, threads=threads).iterate(0, 4)
    next(loop)
    assert 1 <= len(set(threading.enumerate()) - before) <= threads
    if leave == "close":
        loop.close()
    elif leave == "end":
        assert len(list(loop)) == 3
    elif leave == "error":
        with pytest.raises(KeyError):
            loop.throw(KeyError())
    else:
        for _ in loop:
            break
        del loop, _
    wanted = time.monotonic() + 10  # a loop that is left waits for nobody
    while leave in ("close", "break") and set(threading.enumerate()) - before and time.monotonic() < wanted:
        time.sleep(0.01)
    assert set(threading.enumerate()) <= before  # a loop before may have left one that was just ending


def test_a_forgotten_loop_may_be_found_while_a_thread_starts():
    """Python ends it in the middle of whatever is at work. The start of a thread holds a lock that waiting for a thread takes too."""
    loops = [Batches(Coded(*SIZES), 2, 4, seed=0, threads=2).iterate(0, 4)]
    next(loops[0])
    done = threading.Event()

    def end() -> None:
        with threading._shutdown_locks_lock:  # as Thread._set_tstate_lock and Thread._stop hold it
            loops.clear()
        done.set()

    threading.Thread(target=end, daemon=True).start()
    assert done.wait(10)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_an_error_in_a_thread_comes_when_its_batch_is_due(tmp_path, threads):
    names = ["a", "b", "c", "d"]
    root = write_folder(tmp_path, {"train": names})
    batches = Batches(VOCFolder(root, "train", ClassMap.voc()), 1, 4, seed=0, threads=threads)
    bad = root / LABELS / f"{names[batches.indices(2)[0]]}.png"
    bad.write_text("no labels")
    before = set(threading.enumerate())
    loop = batches.iterate(0, 4)
    assert len([next(loop), next(loop)]) == 2
    with pytest.raises(DataError) as caught:
        next(loop)
    assert str(caught.value) == (
        f"labels {bad}: cannot be read (not an image file that Pillow knows); replace the file"
    )
    assert set(threading.enumerate()) <= before  # a loop before may have left one that was just ending


def test_a_pair_that_does_not_fit_is_refused_without_a_size_too():
    dataset = Coded((4, 5))
    dataset.pairs = [(dataset.pairs[0][0], dataset.pairs[0][1].T)]
    with pytest.raises(DataError) as caught:
        Batches(dataset, 1, None, seed=0).at(0)
    assert str(caught.value) == (
        "crop: expected picture (H, W, 3) and labels (H, W), both uint8, got uint8 (4, 5, 3) and uint8 (5, 4)"
    )


@pytest.mark.parametrize("fill", [(123.68, 116.779, 103.5), np.array([123.68, 116.779, 103.5])])
def test_a_mean_colour_as_fill_is_rounded(fill):
    """Python's fractions were refused, NumPy's cut to whole numbers."""
    pictures, labels = Batches(ONE, 1, 9, 0, fill=fill, threads=np.int64(1)).at(0)
    beyond = pictures[labels == 255]
    assert beyond.size and (beyond == (124, 117, 104)).all()


ONE = Coded((4, 4))
REFUSED = {
    "empty": (lambda: Batches(Coded(), 1, 4, 0), "batches: the dataset is empty; give at least one picture"),
    "batch": (lambda: Batches(ONE, 0, 4, 0), "batches: batch is 0 and size 4; both must be at least 1"),
    "size": (lambda: Batches(ONE, 2, 0, 0), "batches: batch is 2 and size 0; both must be at least 1"),
    "seed": (lambda: Batches(ONE, 1, 4, -1), "batches: seed is -1; it must not be negative"),
    "fill of two": (
        lambda: Batches(ONE, 1, 4, 0, fill=(1, 2)),
        "batches: fill is (1, 2); expected 3 numbers from 0 to 255: red, green, blue",
    ),
    "fill beyond a byte": (
        lambda: Batches(ONE, 1, 4, 0, fill=[0, 256, 0]),
        "batches: fill is [0, 256, 0]; expected 3 numbers from 0 to 255: red, green, blue",
    ),
    "fill below 0": (
        lambda: Batches(ONE, 1, 4, 0, fill=(0, 0, -1)),
        "batches: fill is (0, 0, -1); expected 3 numbers from 0 to 255: red, green, blue",
    ),
    "balance": (
        lambda: Batches(ONE, 1, 4, 0, balance="class"),
        "batches: balance is 'class'; choose one of pictures, classes",
    ),
    "threads": (lambda: Batches(ONE, 1, 4, 0, threads=0), "batches: threads is 0; at least 1 must decode"),
    "mirror said twice": (
        lambda: Batches(ONE, 1, 4, 0, mirror=False, augmentation=Augmentation()),
        "batches: got mirror=False and an augmentation; say it there, Augmentation(mirror=False)",
    ),
    "step": (lambda: Batches(ONE, 1, 4, 0).at(-1), "batches: step is -1; steps count from 0"),
    "step of indices": (lambda: Batches(ONE, 1, 4, 0).indices(-2), "batches: step is -2; steps count from 0"),
    "step of iterate": (
        lambda: next(Batches(ONE, 1, 4, 0).iterate(-1, 2)),
        "batches: step is -1; steps count from 0",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    call, message = REFUSED[case]
    with pytest.raises(DataError) as caught:
        call()
    assert str(caught.value) == message


def test_a_loop_that_one_of_its_own_threads_ends():
    """Python may collect a forgotten loop in any thread, in one that decodes for it too; that one cannot wait for itself."""
    loops, ended = [], threading.Event()

    class Ending(Coded):
        calls = 0

        def picture(self, i):
            self.calls += 1
            if self.calls > 1:  # in a thread, for a batch ahead
                ready.wait(5)
                loops[0].close()
                ended.set()
            return super().picture(i)

    ready = threading.Event()
    loops.append(Batches(Ending(*SIZES), 1, 4, seed=0, threads=1).iterate(0, 5))
    next(loops[0])
    ready.set()
    assert ended.wait(5)
