"""Table 1: what was counted agrees with the paper, and a network that is not the paper's is told."""

import pytest

from minifcn.models import BACKBONES
from minifcn.models.trunks.backbones import vgg
from minifcn.models.trunks.googlenet import googlenet
from minifcn.paper import CLAIMS, Setting


def test_table_1():
    outcome = CLAIMS["table-1"].run(Setting())
    assert outcome.holds is True
    head, *lines = outcome.table
    assert head == ["", "AlexNet", "paper", "VGG16", "paper", "GoogLeNet", "paper"]
    assert {len(line) for line in lines} == {7}
    assert lines[1] == ["parameters", "56,954,261", "57 M", "134,346,581", "134 M", "5,995,077", "6 M"]
    assert lines[2][-2:] == ["715, with the average pool 907", "907"]
    for words in ("8, 16 and 22 conv", "57.0, 134.3 and 6.0 M", "355, 404 and 715;", "715 become 907", "32, 32 and 32"):
        assert words in outcome.measured


def without_conv5_3(padding, width=None, in_channels=3):
    return vgg((2, 2, 3, 3, 2), (64, 128, 256, 512, 512), 4096, 0.5, padding, in_channels)


def narrow(padding, width=None, in_channels=3):
    return vgg((2, 2, 3, 3, 3), (64, 128, 256, 512, 512), 4000, 0.5, padding, in_channels)


def without_its_pool(padding, width=None, in_channels=3):
    trunk = googlenet(padding, width, in_channels)
    trunk.average_pool = 1
    return trunk


@pytest.mark.parametrize(
    "name, fault", [("vgg16", without_conv5_3), ("vgg16", narrow), ("googlenet", without_its_pool)]
)
def test_a_fault_is_seen(monkeypatch, name, fault):
    monkeypatch.setitem(BACKBONES, name, fault)
    assert CLAIMS["table-1"].run(Setting()).holds is False
