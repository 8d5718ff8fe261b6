"""Archives: what they hold ends up in the folder; what would end up elsewhere, or is no file, ends the whole."""

import io
import tarfile

import pytest

from minifcn.downloads.fetch import DownloadError
from minifcn.downloads.unpack import unpack


def archive(path, members, mode="w"):
    with tarfile.open(path, mode) as made:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                made.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                made.addfile(info)
    return path


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_files_and_folders(mode, tmp_path):
    members = [("VOCdevkit", (tarfile.DIRTYPE, "")), ("VOCdevkit/VOC2012/a.txt", b"hello"), ("./b.txt", b"")]
    steps = []
    assert unpack(archive(tmp_path / "a.tgz", members, mode), tmp_path / "out", steps.append) == 2
    assert (tmp_path / "out/VOCdevkit/VOC2012/a.txt").read_bytes() == b"hello" and (tmp_path / "out/b.txt").exists()
    assert steps == [1, 2]


OUTSIDE = {
    "above": ("../evil", b"x"), "within, then above": ("a/../../evil", b"x"), "absolute": ("/tmp/minifcn-evil", b"x"), "a drive": ("C:/evil", b"x"),
    "backslashes": ("..\\evil", b"x"), "a link": ("evil", (tarfile.SYMTYPE, "/etc/passwd")), "a hard link": ("evil", (tarfile.LNKTYPE, "../evil")),
    "a device": ("evil", (tarfile.CHRTYPE, "")), "a pipe": ("evil", (tarfile.FIFOTYPE, "")),
}  # fmt: skip


@pytest.mark.parametrize("kind", OUTSIDE)
def test_nothing_is_written_outside_and_nothing_at_all_then(kind, tmp_path):
    path = archive(tmp_path / "a.tar", [("good.txt", b"x"), OUTSIDE[kind]])
    with pytest.raises(
        DownloadError,
        match=r"a\.tar: holds '.*', which (would lie outside of the folder|is no plain file); nothing was unpacked",
    ):
        unpack(path, tmp_path / "out")
    assert not (tmp_path / "out").exists() and not (tmp_path / "evil").exists()


def test_a_link_that_lies_there_already_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    try:
        (tmp_path / "out/d").symlink_to(tmp_path / "elsewhere")
    except OSError:
        pytest.skip("needs a system that lets links be made")
    with pytest.raises(DownloadError, match="is a link already"):
        unpack(archive(tmp_path / "a.tar", [("d/x", b"x")]), tmp_path / "out")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_an_archive_that_claims_too_much(tmp_path):
    info = tarfile.TarInfo("x")
    info.size = 1 << 40
    (tmp_path / "a.tar").write_bytes(info.tobuf() + bytes(1024))
    with pytest.raises(DownloadError, match=r"a\.tar: (it unpacks to 1100 GB|an archive that is cut off)"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_an_archive_that_is_cut_off(mode, tmp_path):
    path = archive(tmp_path / "a.tar", [("x", bytes(range(256)) * 400), ("y", b"z" * 5000)], mode)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])
    with pytest.raises(DownloadError, match=r"a\.tar: an archive that is cut off or damaged"):
        unpack(path, tmp_path / "out")
