"""Claims chosen, put in order, measured one by one, and written down so that two runs can be compared."""

import re
import time
import traceback
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from minifcn import backend
from minifcn.names import did_you_mean
from minifcn.paper.claims import CLAIMS, KINDS, Claim, Outcome, Setting

VERDICTS = ("holds", "does not hold", "not measured", "failed")
ORDER = ("identity", "data", "experiment")  # of running: what is done in seconds first


class Result(NamedTuple):
    """A claim and what came of it. `failure`: where `run` raised, its error and the line; `outcome` then says so too."""

    claim: Claim
    outcome: Outcome
    seconds: float
    failure: str | None = None

    @property
    def verdict(self) -> str:
        """One of VERDICTS."""
        if self.failure:
            return "failed"
        return {None: "not measured", True: "holds", False: "does not hold"}[self.outcome.holds]

    @property
    def wrong(self) -> bool:
        """Something here is at fault. An experiment that comes out otherwise than in the paper is a finding, not a fault."""
        return self.failure is not None or (self.claim.kind == "identity" and self.outcome.holds is False)

    def failed(self, error: BaseException) -> "Result":
        """The same, with `error` in place of what was measured."""
        line = traceback.extract_tb(error.__traceback__)[-1]
        failure = f"{type(error).__name__}: {error} ({Path(line.filename).name}, line {line.lineno})"
        return self._replace(outcome=Outcome(None, failure), failure=failure)


def chosen(names: Collection[str] = (), kinds: Collection[str] = KINDS) -> list[Claim]:
    """The claims of these names (all, if there are none) and kinds, in the paper's order. ValueError for a name that there is not."""
    for name in names:
        if name not in CLAIMS:
            raise ValueError(no_claim(name))
    claims = [claim for claim in CLAIMS.values() if (not names or claim.name in names) and claim.kind in kinds]
    if not claims:
        of = f" among {', '.join(map(repr, names))}" if names else ""
        raise ValueError(f"there is no claim of kind {', '.join(kinds)}{of}; leave --kind out, or name others")
    return sorted(claims, key=place)


def no_claim(name: str) -> str:
    """The sentence about a name that no claim has. All names would fill the screen."""
    return f"unknown claim {name!r}{did_you_mean(name, CLAIMS) or ';'} minifcn paper --list prints all names"


def place(claim: Claim) -> tuple[int, tuple[int, ...], str]:
    """Where a claim stands, to sort by: numbered sections as numbers, then all else, such as an appendix, by its letters."""
    number = re.match(r"\d+(\.\d+)*", claim.section)
    if not number:
        return 1, (), claim.section.casefold()
    return 0, tuple(map(int, number[0].split("."))), claim.section[number.end() :].casefold()


def running_order(claims: Iterable[Claim]) -> list[Claim]:
    """Identities first, experiments last, else as they come."""
    return sorted(claims, key=lambda claim: ORDER.index(claim.kind))


def measure(claim: Claim, setting: Setting) -> Result:
    """Run one claim. What it raises is its result; Ctrl-C passes."""
    backend.manual_seed(0)  # what a claim finds must not depend on those that ran before
    started = time.perf_counter()
    try:
        outcome = Outcome(*claim.run(setting))
        if outcome.holds is not None:
            outcome = outcome._replace(holds=bool(outcome.holds))  # NumPy's truth is no word of JSON
        return Result(claim, outcome, time.perf_counter() - started)
    except Exception as error:
        return Result(claim, Outcome(None, ""), time.perf_counter() - started).failed(error)


def counts(results: Iterable[Result]) -> str:
    """
    >>> counts([Result(None, Outcome(holds, ""), 0.0) for holds in (True, True, False, None)])
    '2 hold, 1 does not hold, 1 not measured'
    """
    found = Counter(result.verdict for result in results)
    plural = {"holds": "hold", "does not hold": "do not hold"}
    said = [f"{found[v]} {v if found[v] == 1 else plural.get(v, v)}" for v in VERDICTS if found[v]]
    return ", ".join(said) or "nothing was measured"


def record(results: Sequence[Result], about: Mapping[str, Any]) -> dict[str, Any]:
    """`about` the run, and then every result, as JSON takes it."""
    claims = [
        {
            "name": one.claim.name,
            "section": one.claim.section,
            "kind": one.claim.kind,
            "says": one.claim.says,
            "verdict": one.verdict,
            "holds": one.outcome.holds,
            "measured": one.outcome.measured,
            "table": [[str(cell) for cell in row] for row in one.outcome.table],
            "seconds": round(one.seconds, 3),
        }
        for one in results
    ]
    return {**about, "claims": claims}
