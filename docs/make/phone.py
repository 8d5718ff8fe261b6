"""Do the pages of the built site fit on a phone? Opened 360 pixels wide, folded and unfolded, none may scroll sideways: `python docs/make/phone.py`.

A page is opened in a frame, for a browser's own window does not become so narrow. Wide code and tables scroll in boxes of their own.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from html import escape, unescape
from pathlib import Path

SITE = Path(__file__).resolve().parents[2] / "site"
WIDTH = 360  # pixels of a small phone
AT_ONCE = 12  # pages in one start of the browser
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MEASURE = """\
addEventListener("load", () => {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, wide = () => page.scrollingElement.scrollWidth - frame.clientWidth;
    found[frame.name] = [wide()];
    page.querySelectorAll("details").forEach((fold) => (fold.open = true));
    found[frame.name].push(wide());
  }
  document.getElementById("found").textContent = JSON.stringify(found);
});"""


def browser() -> str | None:
    return next((found for found in map(shutil.which, BROWSERS) if found), None)


def pages(site: Path) -> list[Path]:
    """What somebody reads: all pages but those that show a source file."""
    return [path for path in sorted(site.rglob("*.html")) if path.relative_to(site).parts[0] != "source"]


def measured(program: str, paths: Sequence[Path]) -> Iterator[tuple[Path, int, int]]:
    """Each page with the pixels that it is too wide, folded and unfolded. Raises RuntimeError where the browser says nothing."""
    for start in range(0, len(paths), AT_ONCE):
        some = paths[start : start + AT_ONCE]
        frames = "".join(
            f'<iframe name="{number}" width="{WIDTH}" height="800" src="{escape(path.resolve().as_uri())}"></iframe>'
            for number, path in enumerate(some)
        )
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            wrapper = Path(folder, "phone.html")
            wrapper.write_text(f'<pre id="found"></pre>{frames}<script>{MEASURE}</script>', encoding="utf-8")
            command = [
                program,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                f"--user-data-dir={folder}/profile",
            ]
            command += ["--allow-file-access-from-files", "--dump-dom", wrapper.as_uri()]
            done = subprocess.run(command, capture_output=True, text=True, timeout=900)
        found = re.search(r'<pre id="found">(\{.*?\})</pre>', done.stdout)
        if found is None:
            raise RuntimeError(f"{program} measured nothing: {done.stderr.strip()[-500:]}")
        for number, (closed, opened) in json.loads(unescape(found[1])).items():
            yield some[int(number)], closed, opened


def faults(site: Path, program: str) -> list[str]:
    return [
        f"{path.relative_to(site).as_posix()}: on a phone of {WIDTH} pixels it scrolls sideways, by {max(closed, opened)} pixels"
        + ("" if closed > 0 else " once its folds are open")
        for path, closed, opened in measured(program, pages(site))
        if max(closed, opened) > 0
    ]


if __name__ == "__main__":
    found = browser()
    if found is None:
        sys.exit(f"no browser: none of {', '.join(BROWSERS)} is installed")
    wide = faults(SITE, found)
    print("\n".join(wide) or f"{len(pages(SITE))} pages fit into {WIDTH} pixels")
    sys.exit(bool(wide))
