"""5,000 predictions in one process, from Python and by `minifcn predict`, of pictures of several sizes: nothing may grow."""

import gc
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import numpy as np
from PIL import Image
from training.helpers import random_model

import minifcn as mf
from minifcn.cli.main import main
from minifcn.data import read_picture
from minifcn.training import predict_maps

from .harness import Attempt, Bench, Lost, Promise
from .slopes import Growth

FULL, EVERY = 5000, 10
SIZES = ((24, 30), (40, 40), (33, 57), (64, 48), (20, 300))  # as often as each other between two samples
COMMAND = 10  # each tenth is `minifcn predict`


def begin(bench: Bench) -> Attempt:
    place = bench.fresh("predictions")
    mf.models.save(random_model(), place / "model.safetensors")
    model = mf.models.load(place / "model.safetensors")
    rng = np.random.default_rng(bench.seed)
    for number, size in enumerate(SIZES):
        Image.fromarray(rng.integers(0, 256, (*size, 3)).astype(np.uint8)).save(place / f"{number}.jpg")

    def one(step: int) -> None:
        picture = place / f"{step % len(SIZES)}.jpg"
        if step % COMMAND == 0:
            with redirect_stdout(StringIO()), redirect_stderr(StringIO()) as said:
                status = main(
                    ["predict", str(picture), "--model", str(place / "model.safetensors"), "--out", str(place / "out")]
                )
            if status:
                raise Lost(said.getvalue())
        else:
            predict_maps(
                model, read_picture(picture), confidence=True, mirror=step % 3 == 0, tile=224 if step % 7 == 0 else None
            )

    def attempt(number: int) -> str:
        growth = Growth()
        for step in range(number):
            one(step)
            if step % EVERY == EVERY - 1:
                gc.collect()  # what waits in a circle is no loss
                growth.look(step)
        return growth.judged("prediction")

    return attempt


PROMISE = Promise(
    says="predicting for ever takes no more memory and no more handles than predicting for a while",
    how="predictions in one process, pictures of five sizes, a tenth by the command; slopes by Theil and Sen",
    numbers=lambda bench, share: [max(250, round(FULL * share))],
    begin=begin,
    limit=lambda number: 60 + number,
    weighs=lambda number: number,
)
