"""Every refusal of the operations, word for word: who refuses, what came, what was expected."""

import subprocess
import sys

import numpy as np
import pytest

import minifcn as mf
from minifcn import ops

o, z = np.ones, np.zeros

# name of the case: (call, error, message)
CONVOLUTION = {
    "conv2d channels": (
        lambda: ops.conv2d(z((1, 3, 32, 32)), z((8, 4, 3, 3))),
        ValueError,
        "conv2d: input has 3 channels (1, 3, 32, 32) but weight expects 4 (8, 4, 3, 3)",
    ),
    "conv2d channels of groups": (
        lambda: ops.conv2d(z((1, 4, 5, 5)), z((6, 1, 3, 3)), groups=2),
        ValueError,
        "conv2d: input has 4 channels (1, 4, 5, 5) but weight expects 2 (6, 1, 3, 3) with 2 groups",
    ),
    "conv2d rank": (
        lambda: ops.conv2d(z((5, 5)), z((1, 3, 1, 1))),
        ValueError,
        "conv2d: input has 2 axes (5, 5); expected 4 (N, C, H, W), or 3 (C, H, W) for one picture alone",
    ),
    "conv2d rank of weight": (
        lambda: ops.conv2d(z((1, 3, 5, 5)), z((3, 1, 1))),
        ValueError,
        "conv2d: weight has 3 axes (3, 1, 1); expected 4 (O, C/groups, KH, KW)",
    ),
    "conv2d empty picture": (
        lambda: ops.conv2d(z((1, 3, 0, 5)), z((1, 3, 1, 1))),
        ValueError,
        "conv2d: input (1, 3, 0, 5) has an empty channel, row or column axis; only the batch may be empty",
    ),
    "conv2d empty weight": (
        lambda: ops.conv2d(z((1, 3, 5, 5)), z((0, 3, 1, 1))),
        ValueError,
        "conv2d: weight (0, 3, 1, 1) has an empty axis",
    ),
    "conv2d groups": (
        lambda: ops.conv2d(z((1, 3, 5, 5)), z((1, 3, 1, 1)), groups=0),
        ValueError,
        "conv2d: groups is 0; expected an integer of at least 1",
    ),
    "conv2d groups as a fraction": (
        lambda: ops.conv2d(z((1, 3, 5, 5)), z((1, 3, 1, 1)), groups=1.0),
        ValueError,
        "conv2d: groups is 1.0; expected an integer of at least 1",
    ),
    "conv2d groups that do not divide": (
        lambda: ops.conv2d(z((1, 4, 5, 5)), z((3, 2, 1, 1)), groups=2),
        ValueError,
        "conv2d: 2 groups must divide the 4 channels of input (1, 4, 5, 5) and the 3 of weight (3, 2, 1, 1)",
    ),
    "conv2d bias": (
        lambda: ops.conv2d(z((1, 3, 5, 5)), z((2, 3, 1, 1)), z(3)),
        ValueError,
        "conv2d: bias has shape (3,); expected (2,), one an output channel",
    ),
    "conv2d output size": (
        lambda: ops.conv2d(z((1, 1, 4, 9)), z((1, 1, 3, 3)), stride=2, padding=(0, 1), dilation=2),
        ValueError,
        "conv2d: output size (0, 4) is below 1: input (H, W) (4, 9), kernel (3, 3), stride (2, 2), "
        "padding ((0, 0), (1, 1)), dilation (2, 2); enlarge the input or the padding, or use a smaller kernel",
    ),
    "conv2d padding word": (
        lambda: ops.conv2d(z((1, 1, 4, 4)), z((1, 1, 3, 3)), padding="full"),
        ValueError,
        'conv2d: padding is \'full\'; expected an integer, (vertical, horizontal), "same" or "valid"',
    ),
    "conv2d padding same with a stride": (
        lambda: ops.conv2d(z((1, 1, 4, 4)), z((1, 1, 3, 3)), padding="same", stride=(1, 2)),
        ValueError,
        'conv2d: padding "same" needs stride 1, got (1, 2); give the padding as a number',
    ),
    "conv2d stride": (
        lambda: ops.conv2d(z((1, 1, 4, 4)), z((1, 1, 3, 3)), stride=0),
        ValueError,
        "conv2d: stride is 0; it must be at least 1",
    ),
    "conv2d dilation": (
        lambda: ops.conv2d(z((1, 1, 4, 4)), z((1, 1, 3, 3)), dilation=(1, 2, 3)),
        ValueError,
        "conv2d: dilation is (1, 2, 3); expected an integer or (vertical, horizontal)",
    ),
    "conv2d padding": (
        lambda: ops.conv2d(z((1, 1, 4, 4)), z((1, 1, 3, 3)), padding=(0, -1)),
        ValueError,
        "conv2d: padding is (0, -1); it must be at least 0",
    ),
    "conv2d fractional stride": (
        lambda: ops.conv2d(z((1, 1, 4, 4)), z((1, 1, 3, 3)), stride=1.5),
        ValueError,
        "conv2d: stride is 1.5; expected an integer or (vertical, horizontal)",
    ),
    "conv2d boolean stride": (
        lambda: ops.conv2d(z((1, 1, 4, 4)), z((1, 1, 3, 3)), stride=True),
        ValueError,
        "conv2d: stride is True; expected an integer or (vertical, horizontal)",
    ),
    "conv2d integers": (
        lambda: ops.conv2d(z((1, 1, 4, 4), int), z((1, 1, 3, 3))),
        TypeError,
        "conv2d: input has dtype int64; expected float32 or float64, for example input.astype('float32')",
    ),
    "conv2d half precision": (
        lambda: ops.conv2d(z((1, 1, 4, 4)), z((1, 1, 3, 3), np.float16)),
        TypeError,
        "conv2d: weight has dtype float16; expected float32 or float64, for example weight.astype('float32')",
    ),
    "conv2d mixed dtypes": (
        lambda: ops.conv2d(z((1, 1, 4, 4), "f4"), z((1, 1, 3, 3)), z(1, "f4")),
        TypeError,
        "conv2d: mixed dtypes (input float32, weight float64, bias float32); "
        "convert one, for example array.astype('float32')",
    ),
    "conv2d string": (
        lambda: ops.conv2d("picture.png", z((1, 1, 3, 3))),
        TypeError,
        "conv2d: input is str; expected a Tensor, an array or a number",
    ),
    "conv2d ragged list": (
        lambda: ops.conv2d([[1.0, 2.0], [3.0]], z((1, 1, 3, 3))),
        ValueError,
        "conv2d: input is a list that makes no array; give lists of one length, nested as the axes are",
    ),
    "conv_transpose2d output_size": (
        lambda: ops.conv_transpose2d(z((1, 1, 9, 9)), z((1, 1, 4, 4)), stride=2, padding=1, output_size=17),
        ValueError,
        "conv_transpose2d: output size 17 is impossible with kernel 4, stride 2, padding 1; 18 and 19 are",
    ),
    "conv_transpose2d rank": (
        lambda: ops.conv_transpose2d(z((1, 1, 1, 5, 5)), z((1, 3, 1, 1))),
        ValueError,
        "conv_transpose2d: input has 5 axes (1, 1, 1, 5, 5); expected 4 (N, C, H, W), or 3 (C, H, W) for one picture alone",
    ),
    "conv_transpose2d output_size of another batch": (
        lambda: ops.conv_transpose2d(z((2, 1, 5, 4)), z((1, 6, 3, 3)), output_size=(1, 6, 7, 6)),
        ValueError,
        "conv_transpose2d: output_size is (1, 6, 7, 6), but the result has 2 pictures of 6 channels; give (2, 6, H, W), or (H, W) alone",
    ),
    "conv_transpose2d output_size of the channels before": (
        lambda: ops.conv_transpose2d(z((2, 2, 5, 4)), z((2, 3, 3, 3)), groups=2, output_size=(2, 2, 7, 6)),
        ValueError,
        "conv_transpose2d: output_size is (2, 2, 7, 6), but the result has 2 pictures of 6 channels; give (2, 6, H, W), or (H, W) alone",
    ),
    "conv_transpose2d output_size without a batch": (
        lambda: ops.conv_transpose2d(z((2, 1, 5, 4)), z((1, 6, 3, 3)), output_size=(6, 7, 6)),
        ValueError,
        "conv_transpose2d: output_size is (6, 7, 6); expected an integer, (H, W), or the whole shape of the result, such as (N, C, H, W)",
    ),
    "conv_transpose2d output_size at stride 1": (
        lambda: ops.conv_transpose2d(z((1, 1, 5, 4)), z((1, 1, 3, 3)), output_size=(7, 7)),
        ValueError,
        "conv_transpose2d: output size 7 is impossible with kernel 3, stride 1, padding 0; 6 is",
    ),
    "conv_transpose2d output_size where none is possible": (
        lambda: ops.conv_transpose2d(z((1, 1, 1, 1)), z((1, 1, 1, 1)), padding=2, output_size=1),
        ValueError,
        "conv_transpose2d: output size 1 is impossible with kernel 1, stride 1, padding 2; none is",
    ),
    "conv_transpose2d output_padding": (
        lambda: ops.conv_transpose2d(z((1, 1, 3, 3)), z((1, 1, 3, 3)), stride=2, output_padding=(1, 2)),
        ValueError,
        "conv_transpose2d: output_padding 2 must be below stride or dilation, 2",
    ),
    "conv_transpose2d output size": (
        lambda: ops.conv_transpose2d(z((1, 1, 1, 2)), z((1, 1, 3, 3)), padding=2),
        ValueError,
        "conv_transpose2d: output size (-1, 0) is below 1: input (H, W) (1, 2), kernel (3, 3), stride (1, 1), "
        "padding ((2, 2), (2, 2)), dilation (1, 1); enlarge the input or the kernel, or use a smaller padding",
    ),
    "conv_transpose2d channels": (
        lambda: ops.conv_transpose2d(z((1, 3, 3, 3)), z((4, 1, 2, 2))),
        ValueError,
        "conv_transpose2d: input has 3 channels (1, 3, 3, 3) but weight expects 4 (4, 1, 2, 2)",
    ),
    "conv_transpose2d groups": (
        lambda: ops.conv_transpose2d(z((1, 3, 3, 3)), z((3, 1, 2, 2)), groups=2),
        ValueError,
        "conv_transpose2d: 2 groups must divide the 3 channels of input (1, 3, 3, 3) and the 3 of weight (3, 1, 2, 2)",
    ),
    "conv_transpose2d bias": (
        lambda: ops.conv_transpose2d(z((1, 4, 3, 3)), z((4, 3, 2, 2)), z(3), groups=2),
        ValueError,
        "conv_transpose2d: bias has shape (3,); expected (6,), one an output channel",
    ),
    "conv_transpose2d padding word": (
        lambda: ops.conv_transpose2d(z((1, 1, 3, 3)), z((1, 1, 2, 2)), padding="same"),
        ValueError,
        "conv_transpose2d: padding is 'same'; expected an integer or (vertical, horizontal)",
    ),
    "conv_transpose2d rank of weight": (
        lambda: ops.conv_transpose2d(z((1, 3, 5, 5)), z((3, 1, 1))),
        ValueError,
        "conv_transpose2d: weight has 3 axes (3, 1, 1); expected 4 (C, O/groups, KH, KW)",
    ),
}


@pytest.mark.parametrize("case", CONVOLUTION.values(), ids=CONVOLUTION)
def test_error(case):
    call, error, message = case
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


def test_error_mixed_devices(on_gpu):
    with pytest.raises(ValueError) as caught:
        ops.conv2d(on_gpu(z((1, 1, 3, 3))), z((1, 1, 1, 1)))
    assert (
        str(caught.value)
        == "conv2d: mixed devices (input on gpu, weight on cpu); move one with .to('cpu') or .to('gpu')"
    )
    with pytest.raises(ValueError) as caught:
        mf.Tensor(on_gpu(z(3))) + mf.Tensor(z(3))
    assert (
        str(caught.value) == "add: mixed devices (first on gpu, second on cpu); move one with .to('cpu') or .to('gpu')"
    )
    with pytest.raises(ValueError) as caught:
        ops.softmax_cross_entropy(on_gpu(z((1, 2))), mf.Tensor(z(1, int)))  # a plain array would go up
    assert (
        str(caught.value)
        == "softmax_cross_entropy: mixed devices (scores on gpu, labels on cpu); move one with .to('cpu') or .to('gpu')"
    )
    with pytest.raises(ValueError, match=r"^concat: .*(gpu.*cpu|cpu.*gpu)"):
        ops.concat([on_gpu(z(3)), z(3)])


def test_error_unknown_kernels():
    with (
        pytest.raises(ValueError, match=r"^kernels.use: unknown kernels 'quick'; choose one of simple, fast$"),
        mf.kernels.use("quick"),
    ):
        pass


def test_error_unknown_kernels_in_the_environment():
    done = subprocess.run(
        [sys.executable, "-c", "import minifcn"], env={"MINIFCN_KERNELS": "quick"}, capture_output=True, text=True
    )
    assert done.returncode == 1
    expected = (
        "ValueError: the environment variable MINIFCN_KERNELS: unknown kernels 'quick'; choose one of simple, fast"
    )
    assert done.stderr.strip().endswith(expected)
