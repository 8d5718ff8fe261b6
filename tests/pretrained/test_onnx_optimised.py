"""Graphs that an exporter or a runtime has worked over: what is zero left out, operations of its own, weights in another order or quantised."""

import numpy as np
import pytest

from minifcn.pretrained import import_file
from minifcn.weights import WeightsError

from . import proto, stand_ins
from .test_onnx import NAMINGS, Graph, squeezenet_graph


class Reworked(Graph):
    """SqueezeNet whose convolution `changed` comes as `way` says."""

    def __init__(self, arrays, changed, way):
        super().__init__(arrays, NAMINGS["numbers"])
        self.changed, self.way = changed, way

    def conv(self, x, layer, stride=1, padding=0, **attributes):
        if layer != self.changed:
            return super().conv(x, layer, stride, padding, **attributes)
        weight, bias = self.arrays[layer]
        names = self.constant(layer, "w", weight), self.constant(layer, "b", bias)
        settings = dict(kernel_shape=weight.shape[2:], strides=[stride] * 2, pads=[padding] * 4)
        return getattr(self, self.way)(x, *names, settings)

    def of(self, domain, operation, inputs, settings):
        made = self.add(operation, inputs, **settings)
        self.nodes[-1] += proto.block(7, domain)
        return made

    def without_bias(self, x, weight, bias, settings):
        self.tensors.pop()
        return self.add("Relu", [self.add("Conv", [x, weight], **settings)])

    def bias_behind(self, x, weight, bias, settings):
        side = self.constant("shape", "w", np.array([1, -1, 1, 1]))
        made = self.add("Reshape", [bias, side])
        return self.add("Relu", [self.add("Add", [self.add("Conv", [x, weight], **settings), made])])

    def bias_worked_out(self, x, weight, bias, settings):
        made = self.add("Slice", [bias, self.constant("from", "w", np.array([0]))])
        return self.add("Relu", [self.add("Add", [self.add("Conv", [x, weight], **settings), made])])

    def fused(self, x, weight, bias, settings):
        return self.of("com.microsoft", "FusedConv", [x, weight, bias], settings)

    def in_blocks(self, x, weight, bias, settings):
        return self.of("com.microsoft.nchwc", "Conv", [x, weight, bias], settings)

    def quantised(self, x, weight, bias, settings):
        return self.add("ConvInteger", [x, weight], **settings)

    def quantised_apart(self, x, weight, bias, settings):
        made = self.add("DequantizeLinear", [weight, bias])
        return self.add("Conv", [x, made, bias], **settings)


@pytest.fixture
def written(tmp_path, monkeypatch):
    arrays = stand_ins.numbers(stand_ins.squeezenet())

    def write(way, changed="fire5/expand3x3"):
        monkeypatch.setattr("pretrained.test_onnx.Graph", lambda *given: Reworked(arrays, changed, way))
        (tmp_path / "m.onnx").write_bytes(squeezenet_graph().content())
        return tmp_path / "m.onnx"

    return arrays, write


def test_a_bias_that_is_left_out_is_zero_and_that_is_said(written):
    """PyTorch 2.13's exporter leaves out a bias of zeros, as every convolution of an untrained network has."""
    arrays, write = written
    done = import_file(write("without_bias"))
    found = done.network.state_dict()
    assert not found["backbone.fire5.expand3x3.bias"].any()
    assert found["backbone.fire5.expand1x1.bias"].tolist() == arrays["fire5/expand1x1"][1].tolist()
    assert "backbone.fire5.expand3x3.bias 128: zero, as the graph adds nothing there" in done.lines()
    assert "1 zero" in done.in_words() and len(done.moves) == 52


@pytest.mark.parametrize("way", ["bias_behind", "fused"])
def test_the_same_network_written_otherwise(way, written):
    arrays, write = written
    found = import_file(write(way)).network.state_dict()
    for name, (weight, bias) in arrays.items():
        ours = "classifier" if name == "conv10" else "backbone." + name.replace("/", ".")
        np.testing.assert_array_equal(found[f"{ours}.weight"], weight, err_msg=name)
        np.testing.assert_array_equal(found[f"{ours}.bias"], bias, err_msg=name)


REFUSED = {
    "bias_worked_out": r"its graph works out t\d+, of Add, from constants, by Slice; fold its constants before, for example with onnxsim",
    "in_blocks": r"its graph has Conv of com\.microsoft\.nchwc, which is no operation of ONNX and can keep its weights in any order; import the file as it was",
    "quantised": r"its graph has ConvInteger, so its weights are quantised, which is not read; export it before",
    "quantised_apart": r"its graph has DequantizeLinear, so its weights are quantised",
}


@pytest.mark.parametrize("way", REFUSED)
def test_what_would_give_other_numbers_is_refused(way, written):
    """onnxruntime's blocked weights have the shape that they had: read as they lie they would make a network that scores nonsense."""
    with pytest.raises(WeightsError, match=rf"m\.onnx: {REFUSED[way]}"):
        import_file(written[1](way))
