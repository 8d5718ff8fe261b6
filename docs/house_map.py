"""Draws the map of the rooms from the imports, as docs/images/house.svg: `python docs/house_map.py`. A test draws it again and compares.

A room stands below all rooms that import from it. An arrow is left out where a way through other rooms says the same.
"""

import ast
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "minifcn"
FILE = ROOT / "docs" / "images" / "house.svg"

SAYS = {
    "cli": "the commands",
    "paper": "the paper's claims, measured",
    "bench": "time and memory",
    "draw": "pictures and pages",
    "training": "the loop, runs, scores",
    "data": "pictures and labels in",
    "export": "networks for other programs",
    "pretrained": "what others trained",
    "models": "FCNs and their trunks",
    "weights": "named arrays in files",
    "nn": "layers, optimisers",
    "ops": "forwards with their backwards",
    "verify": "is a gradient right?",
    "autodiff": "Tensor, Function, backward",
    "kernels": "arrays in, arrays out",
    "backend": "NumPy or CuPy",
    "downloads": "files from the net",
    "scopes": "what holds inside a with",
    "names": "the nearest name",
    "files": "whole or not at all",
}
WIDTH, BOX, HEIGHT, GAP = 800, 216, 58, 40


def rooms() -> dict[str, set[str]]:
    """Each room or file on the top floor of the package, and those that it imports from."""
    found: dict[str, set[str]] = {name: set() for name in SAYS}
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("minifcn"):
                names = [node.module] if node.module != "minifcn" else [f"minifcn.{alias.name}" for alias in node.names]
                found.get(room, set()).update(name.split(".")[1] for name in names)
    return {room: (names & SAYS.keys()) - {room} for room, names in found.items()}


def floors(below: dict[str, set[str]]) -> dict[str, int]:
    """How many rooms stand one on the other above each: arrows stay short."""
    above = {room: {user for user, names in below.items() if room in names} for room in below}
    floor: dict[str, int] = {}
    while len(floor) < len(below):
        for room, users in above.items():
            if room not in floor and users <= floor.keys():
                floor[room] = max((floor[user] + 1 for user in users), default=0)
    return floor


def reached(below: dict[str, set[str]], room: str) -> set[str]:
    return below[room].union(*(reached(below, name) for name in below[room]))


def needed(below: dict[str, set[str]]) -> list[tuple[str, str]]:
    """The arrows that say something no other way says."""
    return [
        (room, name)
        for room, names in below.items()
        for name in sorted(names)
        if not any(name in reached(below, other) for other in names - {name})
    ]


def inner(room: str) -> str:
    folder = PACKAGE / room
    names = (
        sorted(path.name for path in folder.glob("*/") if (path / "__init__.py").exists()) if folder.is_dir() else []
    )
    return " · ".join(names)


def drawing() -> str:
    below = rooms()
    floor = floors(below)
    top = max(floor.values())
    place = {}
    for level in range(top + 1):
        row = [room for room in SAYS if floor[room] == level]
        for number, room in enumerate(row):
            place[room] = (
                round(WIDTH * (number + 0.5) / len(row) - BOX / 2),
                12 + level * (HEIGHT + GAP),
            )
    height = 12 + (top + 1) * (HEIGHT + GAP) - GAP + 12
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-family="sans-serif">',
        "<title>The rooms of minifcn: an arrow leads to a room that is imported from</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#777"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for room, name in needed(below):
        (x, y), (to_x, to_y) = place[room], place[name]
        x, to_x, y = x + BOX // 2, to_x + BOX // 2, y + HEIGHT
        bend = (to_y - y) // 2
        lines.append(
            f'<path d="M{x} {y}C{x} {y + bend} {to_x} {to_y - bend} {to_x} {to_y}" fill="none" stroke="#999" marker-end="url(#tip)"/>'
        )
    for room, (x, y) in place.items():
        within = inner(room)
        lines.append(f'<rect x="{x}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="6" fill="#eef3fa" stroke="#36c"/>')
        rows = [(room + ("/" if (PACKAGE / room).is_dir() else ".py"), 15, "#123"), (SAYS[room], 11, "#345")]
        rows += [(within, 9, "#567")] if within else []
        for number, (text, size, colour) in enumerate(rows):
            middle = y + (20 if within else 25) + 16 * number
            weight = ' font-weight="bold"' if number == 0 else ""
            lines.append(
                f'<text x="{x + BOX // 2}" y="{middle}" font-size="{size}" fill="{colour}" text-anchor="middle"{weight}>{escape(text)}</text>'
            )
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    FILE.write_text(drawing(), encoding="utf-8")
    print(f"wrote {FILE.relative_to(ROOT)}")
