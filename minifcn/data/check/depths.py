"""Pictures of 16 bits whose upper ones nobody used: as they are they would be black, or nearly."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from minifcn.data.check.findings import Finding, Pair
from minifcn.data.pixels.depth import dark_set, not_meant, too_dark


def dark_findings(pairs: Mapping[str, Pair], files: Mapping[str, Path], bits: int | None) -> Iterator[Finding]:
    """What comes out black is not read by a training, what comes out nearly so is; and `bits` that do not belong to the pictures. One sentence about a set that uses 12 bits of 16 or fewer; else one for each picture that comes out black."""
    deep = {name: pair.top for name, pair in pairs.items() if pair.top is not None}
    if any(pair.size for pair in pairs.values()) and (sentence := not_meant(deep.values(), bits)):
        yield Finding("bits", f"pictures: {sentence}")
    if sentence := dark_set(deep.values(), bits):
        first = next(iter(deep))
        kind = "black" if any(too_dark(top, bits) for top in deep.values()) else "dark"
        yield Finding(kind, f"pictures, {files[first]} first: {sentence}", tuple(deep))
        return
    for name, top in deep.items():
        if sentence := too_dark(top, bits):
            yield Finding("black", f"picture {files[name]}: {sentence}", (name,))
