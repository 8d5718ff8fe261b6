"""Options of `train` that would have no effect, or whose rate means nothing: refused, for nobody is to believe that they were tried."""

import pytest

IDLE = [
    ("--arch fcn32s --optimizer adam --momentum 0.5", "--momentum is SGD's, and this training is Adam's", "--optimizer sgd"),
    ("--recipe voc-subset --train-split train --classes all --arch fcn32s --backbone tiny --momentum 0", "--momentum is SGD's", "leave it out"),
    ("--arch fcn32s --fusion max", "--fusion says how a skip is joined, and fcn32s has none", "--arch fcn16s"),
    ("--recipe paper --loss mean", "--loss mean: the rate 1e-10 of --recipe paper belongs to a sum loss", "--recipe paper-mean"),
    ("--recipe paper-mean --loss sum", "--loss sum: the rate ", "belongs to a mean loss", "--recipe paper"),
    ("--loss sum", "--loss sum: the rate 0.05 of --recipe modern belongs to a mean loss", "give --lr too"),
    ("--recipe paper --optimizer adam", "--optimizer adam: the rate 1e-10 of --recipe paper is SGD's", "give --lr too"),
    ("--recipe paper-mean --optimizer adam", "--optimizer adam: the rate ", "of --recipe paper-mean is SGD's"),
]  # fmt: skip


@pytest.mark.parametrize("options, words", [(options, words) for options, *words in IDLE], ids=[row[0] for row in IDLE])
def test_what_would_have_no_effect_is_refused(options, words, call, small_set, tmp_path):
    """A momentum that nobody has, a rate that belongs to another loss: taken and ignored, they would be believed."""
    answer = call(f"train --data {small_set} --width 2 --steps 1 {options} --out {tmp_path}/run").failed(*words)
    assert len(answer.err) < 400 and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "options",
    [
        "--arch fcn32s --momentum 0.5",
        "--arch fcn32s --optimizer adam --loss sum",
        "--arch fcn32s --loss sum --lr 1e-4",
        "--arch fcn32s --recipe paper --loss mean --lr 1e-3",
        "--arch fcn32s --recipe paper --loss sum --momentum 0.9",
        "--arch fcn32s --recipe paper --optimizer adam --lr 1e-4",
    ],
)
def test_what_has_an_effect_is_not(options, call, small_set, tmp_path):
    call(f"train --data {small_set} --width 2 --steps 1 {options} --out {tmp_path}/run").worked()
