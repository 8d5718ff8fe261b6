"""Downloads from a server on this machine that drops, redirects, lies about lengths, sends web pages and stalls."""

import shutil
from collections import namedtuple

import pytest

from minifcn.downloads import fetch as module
from minifcn.downloads.catalogue import ITEMS, Item
from minifcn.downloads.fetch import DownloadError, fetch

from . import server as does
from .server import CONTENT, Server, sha256


def item(server, checksums=None, megabytes=1.05):
    return Item(
        "x",
        "a file",
        server.address,
        megabytes,
        ((("sha256", sha256(CONTENT)[:8]),) if checksums is None else checksums),
        "none",
    )


def download(server, folder, stalled=0.5, **options):
    return fetch(item(server, **options), folder, wait=0.01, stalled=stalled)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_file_with_its_progress(tmp_path):
    steps = []
    with Server(does.good) as server:
        path = fetch(item(server), tmp_path, lambda done, total: steps.append((done, total)))
    assert path == tmp_path / "file.bin" and path.read_bytes() == CONTENT and names(tmp_path) == ["file.bin"]
    assert steps[-1] == (len(CONTENT), len(CONTENT)) and steps == sorted(steps) and server.asked == [None]


def test_what_is_there_already_is_not_fetched_again(tmp_path):
    (tmp_path / "file.bin").write_bytes(CONTENT)
    with Server(does.status(500)) as server:
        assert download(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == []
    (tmp_path / "file.bin").write_bytes(CONTENT[:-1])
    with pytest.raises(
        DownloadError,
        match=r"file\.bin: not the file of the catalogue: its SHA256 is [0-9a-f]{64}, and that of file\.bin begins with [0-9a-f]{8}: delete it",
    ):
        download(server, tmp_path)
    assert (tmp_path / "file.bin").exists()  # it is somebody's file


def test_a_connection_that_breaks_off_goes_on_from_there(tmp_path):
    with Server(does.drops) as server:
        assert download(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-", "bytes=600000-", "bytes=900000-"]


def test_a_stopped_download_goes_on_in_the_next_process(tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:500_000])
    with Server(does.good) as server:
        assert download(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == ["bytes=500000-"] and names(tmp_path) == ["file.bin"]


def test_a_stopped_download_of_another_file_is_noticed(tmp_path):
    (tmp_path / "file.bin.part").write_bytes(bytes(500_000))
    with (
        Server(does.good) as server,
        pytest.raises(DownloadError, match=r"not the file of the catalogue: .*; it was deleted: download it again"),
    ):
        download(server, tmp_path)
    assert names(tmp_path) == []


def test_without_a_checksum_a_stopped_download_begins_anew(tmp_path):
    """Nobody could tell whether both halves are of one file."""
    (tmp_path / "file.bin.part").write_bytes(bytes(500_000))
    with Server(does.drops, does.good) as server:
        assert download(server, tmp_path, checksums=()).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-"]  # but within one process it goes on


def test_a_server_that_knows_no_ranges_begins_anew(tmp_path):
    with Server(does.drops, does.without_ranges) as server:
        assert download(server, tmp_path).read_bytes() == CONTENT


def test_a_part_that_nobody_asked_for(tmp_path):
    with Server(does.drops, does.other_range, does.good) as server:
        assert download(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-", None]


def test_a_server_with_less_than_is_here_already(tmp_path):
    (tmp_path / "file.bin.part").write_bytes(bytes(1_040_000))
    with Server(does.status(416), does.good) as server:
        assert download(server, tmp_path).read_bytes() == CONTENT


def test_a_server_that_stalls_is_given_up_and_asked_again(tmp_path):
    with Server(does.stalls, does.good) as server:
        assert download(server, tmp_path, stalled=0.3).read_bytes() == CONTENT
    assert server.asked[1].startswith("bytes=")


def test_a_server_that_never_gets_further(tmp_path):
    with Server(does.drops, does.status(503)) as server, pytest.raises(
        DownloadError, match=r"the server answers 503, Service Unavailable, 5 times; 300,000 bytes are kept, and the same command goes on from there\. Or fetch it otherwise"
    ):  # fmt: skip
        download(server, tmp_path)
    assert len(server.asked) == 5 and names(tmp_path) == ["file.bin.part"]


def test_nobody_answers(tmp_path):
    with Server(does.good) as server:
        pass
    with pytest.raises(
        DownloadError,
        match=r"the connection broke \(.*\), 5 times\. Or fetch it otherwise, and give it with --from FILE",
    ):
        download(server, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("code", [403, 404, 410])
def test_a_file_that_is_gone_is_asked_for_once(code, tmp_path):
    with (
        Server(does.status(code)) as server,
        pytest.raises(
            DownloadError, match=rf"the server answers {code}, .*: look for it elsewhere, and give it with --from FILE"
        ),
    ):
        download(server, tmp_path)
    assert len(server.asked) == 1 and names(tmp_path) == []


def test_a_web_page_is_no_file(tmp_path):
    with (
        Server(does.web_page) as server,
        pytest.raises(DownloadError, match=r"the server sends a web page and no file: open the address in a browser"),
    ):
        download(server, tmp_path)
    assert names(tmp_path) == []


def test_a_server_that_sends_without_end(tmp_path):
    with (
        Server(does.endless) as server,
        pytest.raises(DownloadError, match=r"the server sends more than 1\.05 MB, which is what the file has"),
    ):
        download(server, tmp_path)
    assert names(tmp_path) == []


def test_a_server_that_lies_about_the_length(tmp_path):
    with Server(does.too_long) as server, pytest.raises(DownloadError, match="not the file of the catalogue"):
        download(server, tmp_path)
    assert names(tmp_path) == []


def test_redirects_are_followed_but_not_for_ever(tmp_path):
    with Server(does.good) as target, Server(does.redirect(target.address)) as server:
        assert download(server, tmp_path).read_bytes() == CONTENT
    with Server(does.redirect("/file.bin")) as server, pytest.raises(DownloadError, match=r"answers 302"):
        (tmp_path / "other").mkdir()
        download(server, tmp_path / "other")


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://example.org/x"])
def test_a_redirect_to_something_else_than_the_web(to, tmp_path):
    with (
        Server(does.redirect(to)) as server,
        pytest.raises(DownloadError, match=r"which is less safe; nothing was taken|answers 302"),
    ):
        download(server, tmp_path)
    assert names(tmp_path) == []


def test_a_redirect_out_of_encryption_is_refused():
    import urllib.request

    request = urllib.request.Request("https://example.org/a")
    with pytest.raises(
        DownloadError,
        match=r"https://example\.org/a: the server redirects to http://example\.org/b, which is less safe",
    ):
        module.SameSafety().redirect_request(request, None, 302, "Found", {}, "http://example.org/b")
    assert (
        module.SameSafety()
        .redirect_request(request, None, 302, "Found", {}, "https://example.org/b")
        .full_url.endswith("/b")
    )


def test_a_disk_with_too_little_room_is_said_before(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("Usage", "total used free")(1, 1, 64 << 20))
    with (
        Server(does.good) as server,
        pytest.raises(DownloadError, match=r"file\.bin: it needs 1 MB more, and .* has 67 MB free: make room"),
    ):
        download(server, tmp_path, megabytes=1.05)
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_written(tmp_path):
    from minifcn.files import FileError

    with Server(does.good) as server, pytest.raises((FileError, FileNotFoundError)):
        download(server, tmp_path / "none")


def test_the_catalogue():
    """A checksum is of a known kind and length, or what PyTorch's hub puts into the name; a name is a file's."""
    assert {"vgg16", "alexnet", "googlenet", "squeezenet", "fcn8s", "voc2012", "sbd"} <= set(ITEMS)
    for each in ITEMS.values():
        assert each.address.startswith(("https://", "http://")) and each.file and "/" not in each.file and each.licence
        for kind, digits in each.checksums:
            assert len(digits) == {"md5": 32, "sha256": 8}[kind] and int(digits, 16) >= 0
            assert kind == "md5" or digits in each.file
