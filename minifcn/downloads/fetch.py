"""One file from a server that may break off, lie, or send something else: tried again from where it stopped, and kept only if it is right."""

import hashlib
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any

from minifcn.downloads.catalogue import Item
from minifcn.files import named, put_in_place

CHUNK = 1 << 18
TRIES, STALLED = 5, 30.0  # how often; seconds without a byte
SPARE = 64 << 20  # bytes that stay free on the disk
MOST = 1.5  # times what the catalogue says: a server that sends more sends something else
PARTIAL = ".part"

Progress = Callable[[int, int], Any]  # (bytes so far, of how many; 0 where nobody said)


class DownloadError(OSError):
    """A download did not come to a good end: the sentence says why, and what to do."""


class Broken(Exception):
    """A connection that may work better the next time."""


class SameSafety(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not from an address that is encrypted to one that is not, nor to anything but the web."""

    def redirect_request(self, request: Any, file: Any, code: int, message: str, headers: Any, newurl: str) -> Any:
        if not newurl.startswith(("https:", "http:")[: 1 if request.full_url.startswith("https:") else 2]):
            raise DownloadError(
                f"{request.full_url}: the server redirects to {newurl[:200]}, which is less safe; nothing was taken"
            )
        return super().redirect_request(request, file, code, message, headers, newurl)


ask = urllib.request.build_opener(SameSafety).open


def fetch(
    item: Item, folder: Path, progress: Progress | None = None, wait: float = 1.0, stalled: float = STALLED
) -> Path:
    """The file of `item` in `folder`, which it joins whole and right or not at all. What is there already is checked, and kept.

    A download that was stopped goes on where a checksum can prove the result. Raises DownloadError.
    """
    target = folder / item.file
    if target.is_file():
        check(item, target)
        return target
    partial = folder / f"{item.file}{PARTIAL}"
    if partial.exists() and not item.checksums:
        partial.unlink()  # nobody could tell whether both halves are of one file
    state = State(item, partial, progress or (lambda done, total: None))
    for number in range(1, TRIES + 1):
        before = state.done
        try:
            state.go_on(stalled)
            break
        except Broken as error:
            if number == TRIES:
                keep = (
                    f"; {state.done:,} bytes are kept, and the same command goes on from there"
                    if item.checksums and state.done
                    else ""
                )
                raise DownloadError(
                    f"{item.address}: {error}, {TRIES} times{keep}. Or fetch it otherwise, and give it with --from FILE"
                ) from error
            time.sleep(0 if state.done > before else wait * number)
    check(item, partial, remove=True)
    with named(target):
        put_in_place(partial, target)
    return target


class State:
    """A download on its way."""

    def __init__(self, item: Item, partial: Path, progress: Progress) -> None:
        self.item, self.partial, self.progress = item, partial, progress
        self.mark: str | None = None  # of the version that the first bytes are of

    @property
    def done(self) -> int:
        return self.partial.stat().st_size if self.partial.exists() else 0

    def go_on(self, stalled: float) -> None:
        """Take the rest from the server. Raises Broken where it is worth another try, DownloadError where not."""
        request = urllib.request.Request(
            self.item.address, headers={"User-Agent": "minifcn", "Accept-Encoding": "identity"}
        )
        if self.done:
            request.add_header("Range", f"bytes={self.done}-")
            if self.mark:
                request.add_header("If-Range", self.mark)
        try:
            with ask(request, timeout=stalled) as answer:
                self.take(answer)
        except urllib.error.HTTPError as error:
            self.refused(error)
        except DownloadError:
            raise
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
            reason = getattr(error, "reason", error)
            why = (
                f"no byte came for {stalled:g} s"
                if isinstance(reason, TimeoutError)
                else f"the connection broke ({reason or type(error).__name__})"
            )
            raise Broken(why) from error

    def refused(self, error: urllib.error.HTTPError) -> None:
        if error.code == 416 and self.done:  # there is no rest: it is whole, or of another version
            self.partial.unlink()
            raise Broken("the server has no more than is here already") from error
        if error.code in (408, 425, 429, 500, 502, 503, 504):
            raise Broken(f"the server answers {error.code}, {error.reason}") from error
        raise DownloadError(
            f"{self.item.address}: the server answers {error.code}, {error.reason}: look for it elsewhere, and give it with --from FILE"
        ) from error

    def take(self, answer: Any) -> None:
        """Write what `answer` sends behind what is there, or anew where the server begins from the beginning."""
        if answer.headers.get_content_type() == "text/html":
            raise DownloadError(
                f"{self.item.address}: the server sends a web page and no file: open the address in a browser, and give the file with --from FILE"
            )
        start = self.start_of(answer)
        strong = answer.headers.get("ETag", "")
        self.mark = strong if strong.startswith('"') else answer.headers.get("Last-Modified")
        length = answer.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else 0
        self.room_for(total - start if total else int(self.item.megabytes * 1e6) - start)
        with named(self.partial):
            if not start:
                self.partial.unlink(missing_ok=True)
            file = open(self.partial, "ab")  # noqa: SIM115  # what the server does wrong is no fault of this file
        done = start
        with file:
            while chunk := answer.read1(CHUNK):
                done += len(chunk)
                if done > MOST * self.item.megabytes * 1e6 + CHUNK:
                    break
                with named(self.partial):
                    file.write(chunk)
                    file.flush()
                self.progress(done, total)
        if chunk:
            self.partial.unlink()
            raise DownloadError(
                f"{self.item.address}: the server sends more than {self.item.megabytes:g} MB, which is what the file has: it is something else"
            )
        if done < total:
            raise Broken(f"the server promised {total:,} bytes and sent {done:,}")

    def start_of(self, answer: Any) -> int:
        """From which byte on the answer is."""
        if answer.status != 206:
            return 0
        said = answer.headers.get("Content-Range", "")
        if not said.startswith(f"bytes {self.done}-"):
            self.partial.unlink()
            raise Broken(f"the server was asked for the bytes from {self.done:,} on and sends {said[:60]!r}")
        return self.done

    def room_for(self, more: int) -> None:
        free = shutil.disk_usage(self.partial.parent).free
        if more + SPARE > free:
            raise DownloadError(
                f"{self.item.file}: it needs {more / 1e6:,.0f} MB more, and {self.partial.parent} has {free / 1e6:,.0f} MB free: make room, or choose another folder"
            )


def check(item: Item, path: Path, remove: bool = False) -> None:
    """Raise DownloadError where the file at `path` is not the one of the catalogue. `remove`: it is of no use then."""
    found = {kind: digits(path, kind) for kind in {kind for kind, _ in item.checksums}}
    if not item.checksums or any(found[kind].startswith(wanted) for kind, wanted in item.checksums):
        return
    kind, wanted = item.checksums[0]
    begins = " begins with" if len(wanted) < 32 else " is"
    if remove:
        path.unlink()
    gone = "; it was deleted: download it again" if remove else ": delete it, and download it again"
    raise DownloadError(
        f"{path}: not the file of the catalogue: its {kind.upper()} is {found[kind]}, and that of {item.file}{begins} {wanted}{gone}"
    )


def digits(path: Path, kind: str) -> str:
    """The checksum of a file."""
    found = hashlib.new(kind, usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(1 << 22):
            found.update(chunk)
    return found.hexdigest()
