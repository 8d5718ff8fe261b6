"""minifcn download: from a server on this machine to a model and to a folder of pictures."""

import hashlib
from dataclasses import replace

import pytest
from downloads import server as does
from downloads.test_unpack import archive
from pretrained import stand_ins

from minifcn.downloads import catalogue
from minifcn.pretrained import load_pretrained


@pytest.fixture(scope="module")
def content():
    layers = stand_ins.squeezenet()
    return stand_ins.caffemodel(layers, stand_ins.numbers(layers))


def offered(monkeypatch, name, address, content, **changes):
    """The catalogue's entry, from another address and with the checksum of what lies there."""
    checks = (("sha256", hashlib.sha256(content).hexdigest()[:8]),)
    monkeypatch.setitem(
        catalogue.ITEMS, name, replace(catalogue.ITEMS[name], address=address, checksums=checks, **changes)
    )


def test_weights_become_a_model(call, monkeypatch, content, tmp_path):
    with does.Server(does.good, content=content) as server:
        offered(monkeypatch, "squeezenet", server.address, content)
        out = call(f"download squeezenet --to {tmp_path}/d").worked().out
    assert "Caffe's squeezenet from file.bin (Caffe): 52 parameters: 52 copied; 0 arrays left" in out
    assert f"use it   minifcn train --trunk {tmp_path}/d/squeezenet.safetensors" in out and "licence  " in out
    assert load_pretrained(tmp_path / "d/squeezenet.safetensors").name == "squeezenet"


def test_a_copy_that_is_here_already(call, monkeypatch, content, tmp_path):
    offered(monkeypatch, "squeezenet", "http://127.0.0.1:9/none", content)
    (tmp_path / "mine.bin").write_bytes(content)
    call(f"download squeezenet --from {tmp_path}/mine.bin --to {tmp_path}/d").worked()
    (tmp_path / "mine.bin").write_bytes(content[:-1])
    call(f"download squeezenet --from {tmp_path}/mine.bin --to {tmp_path}/d").failed(
        "mine.bin: not the file of the catalogue: its SHA256 is"
    )
    assert (tmp_path / "mine.bin").exists()
    call(f"download squeezenet --from {tmp_path}/none --to {tmp_path}/d").failed("none")


def test_a_data_set_is_unpacked(call, monkeypatch, tmp_path):
    content = archive(tmp_path / "a.tar", [("VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt", b"x\n")]).read_bytes()
    with does.Server(does.good, content=content) as server:
        offered(monkeypatch, "voc2012", server.address, content)
        out = call(f"download voc2012 --to {tmp_path}/d").worked().out
    assert "unpacked 1 files into" in out and f"look at  minifcn check-data {tmp_path}/d" in out
    assert (tmp_path / "d/VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt").read_text() == "x\n"


def test_the_catalogue_is_listed(call):
    out = call("download").worked().out
    assert "vgg16             553 MB  VGG16 on ImageNet, torchvision's" in out and "SHA256 397923af" in out
    assert "no checksum is known" in out
    answer = call("download vgg19")
    assert answer.status == 2 and "unknown name vgg19: did you mean vgg16" in answer.err
