"""Hold the built site: every link and anchor leads somewhere, nothing is fetched from outside, every public name has its entry.

A generator checks the links that it made itself. This looks at the pages as a browser gets them, whoever made the link.
"""

import json
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from importlib import import_module
from inspect import isclass, isfunction
from pathlib import Path
from urllib.parse import unquote, urlsplit

# where a browser fetches by itself; <a href> it follows only when asked
FETCHED = {
    "script": "src",
    "img": "src",
    "source": "src",
    "iframe": "src",
    "video": "src",
    "audio": "src",
    "link": "href",
}
# what pages are made of; another "tag" is text that was taken for one, and a reader does not see it
ELEMENTS = frozenset(
    """
    a article aside b blockquote body br button circle code col colgroup dd del details div dl dt ellipse em figcaption figure
    footer form g h1 h2 h3 h4 h5 h6 head header hr html i img input kbd label li line link main mark meta nav noscript ol p path
    picture polygon polyline pre q rect s script section small source span strong style sub summary sup svg symbol table tbody td
    template text tfoot th thead time title tr tspan u ul use var video wbr
    """.split()  # noqa: SIM905 - a list of a hundred quoted words is no easier to read
)
FORMULAS = re.compile("math|m[a-z]+|annotation|semantics|none")
NAMED_ONLY = {"canonical", "alternate", "license"}  # <link> that only names an address


class Page(HTMLParser):
    """One page: its anchors, where its links lead, what it fetches."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.strangers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in ELEMENTS and not FORMULAS.fullmatch(tag):
            self.strangers.append(tag)
        given = {name: value or "" for name, value in attributes}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        address = given.get(FETCHED.get(tag, ""))
        if address and not (tag == "link" and NAMED_ONLY & set(given.get("rel", "").split())):
            self.fetched.append(address)


def faults(site: Path, names: Iterable[tuple[str, ...]] = ()) -> list[str]:
    """What is wrong with the site, a sentence each. `names`: of each of these anchors some page must have one."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    if not pages:
        return [f"{site}: no pages; build the site first: make docs"]
    found = []
    for path, page in pages.items():
        here = path.relative_to(site).as_posix()
        for tag in dict.fromkeys(page.strangers):
            found.append(f"{here}: <{tag}> is no HTML; a text with a < in it was taken for a tag")
        for address in page.fetched:
            if outside(address):
                found.append(f"{here}: fetches {address} from outside")
            elif target(site, path, address) is None:
                found.append(f"{here}: fetches {address}, which is not there")
        for address in page.links:
            if outside(address) or urlsplit(address).scheme:
                continue
            leads_to, anchor = target(site, path, address), unquote(urlsplit(address).fragment)
            if leads_to is None:
                found.append(f"{here}: link to {address}, which is not there")
            elif anchor and leads_to in pages and anchor not in pages[leads_to].anchors:
                found.append(f"{here}: link to {address}; that page has no such anchor")
    anchors = set().union(*(page.anchors for page in pages.values()))
    found += [f"no page has an entry for {name[0]}; add it to docs/api" for name in names if not anchors & set(name)]
    return found


def unsearched(site: Path) -> list[str]:
    """Pages that the one search does not find: all but those that show a source file belong into it, the lessons too."""
    index = json.loads((site / "search.json").read_text(encoding="utf-8"))
    found = {item["location"].partition("#")[0] for item in index["items"]}
    pages = [path.relative_to(site).as_posix() for path in sorted(site.rglob("*.html"))]
    wanted = [page for page in pages if not page.startswith("source/") and page != "404.html"]
    return [f"{page}: the search does not know this page" for page in wanted if page not in found]


def outside(address: str) -> bool:
    return address.startswith("//") or urlsplit(address).scheme in ("http", "https")


def target(site: Path, page: Path, address: str) -> Path | None:
    """The file that an address of `page` means; None where there is none. "data:" addresses bring their own content."""
    parts = urlsplit(address)
    if parts.scheme == "data":
        return page
    path = unquote(parts.path)
    file = site / path.lstrip("/") if path.startswith("/") else (page.parent / path if path else page)
    file = (file / "index.html" if file.is_dir() else file).resolve()
    return file if file.is_file() and file.is_relative_to(site.resolve()) else None


def public_names() -> list[tuple[str, ...]]:
    """What `import minifcn as mf` and its rooms offer: for each the anchors under which the API reference may have it."""
    from minifcn.draw import LATER

    found: list[tuple[str, ...]] = [(f"{home}.{name}",) for name, home in LATER.items()]
    for room in (
        "minifcn",
        "minifcn.ops",
        "minifcn.nn",
        "minifcn.nn.optim",
        "minifcn.models",
        "minifcn.data",
        "minifcn.training",
    ):
        module = import_module(room)
        names = getattr(module, "__all__", None)
        for name, value in vars(module).items():
            home = getattr(value, "__module__", "")
            offered = name in names if names else home == room and not name.startswith("_") and value.__doc__
            if offered and (isclass(value) or isfunction(value)):
                found.append((f"{room}.{name}", f"{home}.{value.__qualname__}"))
    return found
