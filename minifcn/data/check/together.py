"""One fault of a whole folder is one sentence, with a count and the first files."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from minifcn.data.check.findings import Finding

MANY = 3  # files with one fault: so many are told together
SHOWN = 3  # of them by name
FILE = r"(labels|picture) (.*?): (.*)"  # how a sentence about a file begins


def told_together(findings: Iterable[Finding]) -> list[str]:
    """A sentence a fault, in the order in which faults were met: what three files or more have is said once for all of them."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.kind, finding.general or in_general(finding)), []).append(finding)
    sentences = []
    for (_, general), found in groups.items():
        if len(found) < MANY or "{}" not in general:
            sentences += [finding.message for finding in found]
        else:
            sentences.append(general.replace("{}", first_of([file_of(finding) for finding in found]), 1))
    return sentences


def file_of(finding: Finding) -> str:
    """The name of the file that a finding is about; of pictures that are alike two names; else the name in the split."""
    match = re.match(FILE, finding.message, re.DOTALL)
    if match and len(finding.names) == 1:
        return Path(match[2]).name
    return " and ".join(finding.names[:2])


def in_general(finding: Finding) -> str:
    """A finding's message without its file and numbers of pixels, {} for the file; the message itself where it names no file.

    >>> in_general(Finding("x", "labels /a/b.png: mode RGB; (1, 0, 0) in 12 pixels", ("b",)))
    'labels {}: mode RGB; (1, 0, 0) in some pixels'
    """
    match = re.match(FILE, finding.message, re.DOTALL)
    if not match or len(finding.names) != 1:
        return finding.message
    return f"{match[1]} {{}}: {re.sub(r'[0-9,]+ pixels', 'some pixels', match[3])}"


def first_of(names: Sequence[str]) -> str:
    """The first names, and how many they are in all.

    >>> first_of(["a", "b"]), first_of(["a", "b", "c", "d", "e"])
    ('a, b', 'a, b, c and 2 more (5 in all)')
    """
    if len(names) <= SHOWN:
        return ", ".join(names)
    return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more ({len(names):,} in all)"
