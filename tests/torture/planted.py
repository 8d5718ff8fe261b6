"""A promise that is not kept, for the test of the harness: cases that hang, that end their process, that raise."""

import os
import time

from .harness import Attempt, Bench, Lost, Promise, some_of


def begin(bench: Bench) -> Attempt:
    def attempt(number: int) -> str:
        if number == 1:
            time.sleep(60)
        if number == 2:
            os._exit(3)
        if number == 3:
            raise Lost("a sentence")
        if number == 4:
            raise KeyError("nobody thought of it")
        return f"{number} in {bench.place.name}"

    return attempt


PROMISE = Promise("it holds", "by trying", some_of(6), begin, limit=1.0)
