"""Which attribute of VIA's regions is their class, and the class of each. VIA leaves it to its users what an attribute means."""

from collections import Counter
from collections.abc import Mapping, Sequence

from minifcn.data.errors import DataError
from minifcn.data.formats.via.files import Attribute, Region

ALL_ALIKE = "object"  # what regions are called where nothing says what they are
SHOWN = 4

Attributes = Mapping[str, Attribute]


def values_of(region: Region, name: str, attributes: Attributes) -> list[str]:
    """What a region has for an attribute: a text, a choice, or the choices that are ticked; empty where it has nothing."""
    value = region.attributes.get(name)
    known = attributes.get(name)
    if isinstance(value, dict):  # boxes to tick, of version 2
        chosen = [key for key, ticked in value.items() if ticked and ticked != "false"]
    elif known and known.several and isinstance(value, str):  # of version 3
        chosen = value.split(",")
    else:  # a list is of other programs' making
        several = value if isinstance(value, list) else [value]
        chosen = [str(each) for each in several if isinstance(each, (str, int, float)) and not isinstance(each, bool)]
    names = [known.choices.get(each, each) if known else each for each in chosen]
    return [each.strip() for each in names if each.strip()]


def chosen_attribute(
    regions: Sequence[Region], attributes: Attributes, wanted: str | None
) -> tuple[str | None, list[str]]:
    """The attribute that is the class, None where no region has any, and a sentence about it. DataError where a person has to say it."""
    values: dict[str, Counter[str]] = {}
    for region in regions:
        for name in region.attributes:
            if found := values_of(region, name, attributes):
                values.setdefault(name, Counter())[found[0]] += 1
    if wanted is not None:
        if wanted not in values:
            raise DataError(f"--attribute {wanted}: no region has it; there are {said_of(values) or 'none'}")
        return wanted, []
    if not values:
        return None, [f"no region has an attribute that says what it is: all are called {ALL_ALIKE}"]
    everywhere = [name for name, each in values.items() if each.total() == len(regions)]
    names = everywhere if len(values) > 1 else list(values)
    if len(names) != 1:
        raise DataError(
            f"the regions have several attributes, and {'each of some' if everywhere else 'none'} is on all {len(regions)} of them: {said_of(values)}. "
            "Say which is the class with --attribute NAME"
        )
    others = [name for name in values if name != names[0]]
    said = f"of the attributes {names[0]!r} alone is on all regions, so it is the class; --attribute {others[0] if others else ''} takes another"
    return names[0], [said] if others else []


def said_of(values: Mapping[str, Counter[str]]) -> str:
    """Attributes, on how many regions each is, and some of its values."""

    def some(each: Counter[str]) -> str:
        return ", ".join(name for name, _ in each.most_common(SHOWN)) + ", …" * (len(each) > SHOWN)

    return "; ".join(f"{name!r} on {each.total()} ({some(each)})" for name, each in values.items())
