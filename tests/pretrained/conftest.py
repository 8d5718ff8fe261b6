"""A VGG16 that fits a test."""

import pytest

from . import stand_ins


@pytest.fixture
def narrow(monkeypatch):
    """VGG16 with an eighth of its channels, so that a whole FCN of the authors' is a small file. Its layers and names are the same."""
    from minifcn.models.trunks import backbones

    def vgg16(padding="same", width=None, in_channels=3):
        return backbones.vgg((2, 2, 3, 3, 3), (8, 16, 32, 64, 64), 32, 0.5, padding, in_channels)

    monkeypatch.setitem(backbones.BACKBONES, "vgg16", vgg16)

    def thin(layers):
        return [(name, kind, None if shape is None else thinner(name, kind, shape)) for name, kind, shape in layers]

    def thinner(name, kind, shape):
        if kind == stand_ins.DECONVOLUTION:
            return shape
        out, into, *window = shape
        out = out if name.startswith("score") else 32 if out == 4096 else out // 8
        into = into if into == 3 else 32 if into == 4096 else into // 8
        return (out, into, *window)

    return thin
