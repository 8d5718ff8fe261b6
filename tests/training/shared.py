"""What the processes of the tests do: they import this file, and nothing heavier."""

import os
import signal
from multiprocessing import parent_process

import numpy as np

from minifcn.training import train
from minifcn.training.interrupt import ENDING
from minifcn.weights import save_arrays

from .helpers import three_stripes


class Pictures:
    """Six small pictures of stripes, two of them smaller, one void throughout."""

    sizes = ((36, 44), (36, 44), (40, 33), (36, 44), (30, 44), (36, 44))

    def __init__(self):
        self.pairs = [three_stripes(seed, (0, 1, 2), size=size) for seed, size in enumerate(self.sizes)]
        self.pairs[3][1][:] = 255

    def __len__(self):
        return len(self.pairs)

    def picture(self, i):
        return self.pairs[i][0]

    def labels(self, i):
        return self.pairs[i][1]


class Troubled(Pictures):
    """In every process but the first the fourth picture is trouble."""

    def __init__(self, trouble):
        super().__init__()
        self.trouble, self.asked = trouble, 0

    def picture(self, i):
        self.asked += 1
        if parent_process() is not None and self.asked > 3:
            if self.trouble == "killed":
                os._exit(9)
            if self.trouble == "stopped":
                os.kill(os.getpid(), signal.SIGSTOP)
            raise self.trouble
        return super().picture(i)


class Unsendable(Pictures):
    def __reduce__(self):
        raise TypeError("this set cannot be sent")


def train_and_tell(folder, group, **job):
    """A training whose weights at the end each process writes to a file of its own."""
    yield from train(group=group, **job)
    arrays = {name: np.array(array) for name, array in job["model"].state_dict().items()}
    save_arrays(folder / f"{group.rank}.safetensors", arrays, {})


def tell_signals(folder, group):
    """What each process does at Ctrl-C and the like, in a file of its own."""
    heard = [signal.getsignal(number) == signal.SIG_IGN for number in ENDING]
    (folder / f"{group.rank}.txt").write_text(str(heard))
    yield
