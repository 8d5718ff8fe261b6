"""Random numbers that only the gradient check has.

An input is mostly made with np.random.default_rng(0). A cotangent from the same generator would *be* that input, and a backward that
masks by the incoming gradient, or multiplies it by itself, would be right by accident. So each use here has a stream of its own, whose
seed is a hash of a sentence that nobody else writes.
"""

import hashlib
import operator

import numpy as np

from minifcn.verify.report import GradcheckError


def stream(seed: int, use: str) -> np.random.Generator:
    """The generator of one use, the same for the same seed. Other uses and other seeds share nothing with it."""
    try:
        number = operator.index(seed)
    except TypeError:
        raise GradcheckError(
            f"gradcheck: seed is {seed!r}; expected a whole number, the same one for the same random numbers"
        ) from None
    sentence = f"minifcn.verify: random numbers for {use}, seed {number}"
    # 256 bits: NumPy drops zeros at the end of a list of seeds, and a hash has no such twin
    return np.random.default_rng(int.from_bytes(hashlib.sha256(sentence.encode()).digest(), "big"))
