"""Pages that are too wide for a phone are seen, also those that only an open fold makes wide. The site itself is held by `make docs`."""

import sys

import needs
import pytest

from tests.docs.loading import script

phone = script("phone")
PAGES = {
    "fits.html": "<p>Words.</p><pre style='overflow:auto'>" + "x" * 400 + "</pre>",
    "wide.html": "<div style='width:500px'>too wide</div>",
    "folded.html": "<details><summary>more</summary><div style='width:450px'>too wide</div></details>",
    "source/wide.html": "<div style='width:900px'>a source file, which nobody reads on a phone</div>",
}


@pytest.fixture
def site(tmp_path):
    (tmp_path / "source").mkdir()
    for name, body in PAGES.items():
        head = '<meta name="viewport" content="width=device-width"><style>body{margin:0}</style>'
        (tmp_path / name).write_text(f"<!doctype html><html><head>{head}</head><body>{body}</body></html>")
    return tmp_path


@pytest.mark.slow
@pytest.mark.skipif(phone.browser() is None, reason=needs.BROWSER)
def test_pages_that_scroll_sideways_are_seen(site):
    assert phone.faults(site, phone.browser()) == [
        "folded.html: on a phone of 360 pixels it scrolls sideways, by 90 pixels once its folds are open",
        "wide.html: on a phone of 360 pixels it scrolls sideways, by 140 pixels",
    ]


@pytest.mark.slow
@pytest.mark.skipif(phone.browser() is None, reason=needs.BROWSER)
def test_all_pages_are_measured_however_many(site, monkeypatch):
    monkeypatch.setattr(phone, "AT_ONCE", 1)
    assert len(list(phone.measured(phone.browser(), phone.pages(site)))) == 3


def test_a_browser_that_says_nothing_is_an_error(site):
    with pytest.raises(RuntimeError, match="measured nothing"):
        list(phone.measured(sys.executable, phone.pages(site)))


def test_without_a_browser_nothing_is_looked_at(monkeypatch):
    monkeypatch.setattr(phone.shutil, "which", lambda name: None)
    assert phone.browser() is None
