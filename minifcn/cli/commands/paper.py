"""Hold what the paper says against measurements made here, one claim after the other: first identities, which hold exactly, last
experiments, which train. Exit status 1 if an identity does not hold or a claim fails to run; an experiment that comes out otherwise than
in the paper is a finding, and printed as one."""

import argparse
import json
import platform
import shutil
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from minifcn import workers
from minifcn.cli.classes import CLASS_NAMES, meaning_for
from minifcn.cli.commands.bench import processor
from minifcn.cli.options import as_typed, bar, comma_list, refuse_given, seed_list
from minifcn.cli.overwriting import check_page
from minifcn.data import ClassMap, DataError
from minifcn.files import make_folder, write_whole
from minifcn.kernels import threads
from minifcn.names import instead
from minifcn.paper import Claim, Setting, running
from minifcn.paper.claims import CLAIMS, KINDS
from minifcn.paper.running import Result
from minifcn.version import __version__

QUICK = 0.1  # of the steps
QUICK_WORDS = f"A quick look: the experiments took {QUICK:g} of their steps, and what they found says little."
LISTED = ("--out", "--data", "--class-names", "--seeds", "--quick")
TICK = 1.0  # seconds between two drawings of the clock
INDENT = 4 * " "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("claims", nargs="*", type=claim_name, metavar="CLAIM", help="names that --list prints (all)")
    parser.add_argument("--list", action="store_true", help="print what the claims are, and measure nothing")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write index.html there, a page with tables and plots, and claims.json"
    )
    parser.add_argument(
        "--kind", type=kind_list, default=KINDS, metavar="KIND,…", help=f"only these kinds of {', '.join(KINDS)}"
    )
    parser.add_argument(
        "--data", type=Path, metavar="ROOT", help="a folder in VOC layout, for claims about real labels"
    )
    parser.add_argument("--class-names", metavar="FILE|voc", help=CLASS_NAMES)
    parser.add_argument(
        "--seeds",
        type=seed_list,
        metavar="N,…",
        help="experiments run from each of these seeds (0,1,2; with --quick 0)",
    )
    parser.add_argument(
        "--quick", action="store_true",
        help=f"experiments take {QUICK:g} of their steps: a look at how they run, not at what comes out",
    )  # fmt: skip


def claim_name(text: str) -> str:
    """An argparse type: the name of a claim."""
    if text not in CLAIMS:
        raise argparse.ArgumentTypeError(running.no_claim(text))
    return text


def kind_list(text: str) -> tuple[str, ...]:
    """An argparse type: "identity,data" -> those kinds."""
    kinds = tuple(comma_list(text))
    unknown = next((kind for kind in kinds if kind not in KINDS), "")
    if unknown or not kinds:
        raise argparse.ArgumentTypeError(
            f"{unknown or text!r}{instead(unknown, KINDS, 'expected one or more of')}, with commas between"
        )
    return kinds


def run(arguments: argparse.Namespace) -> int:
    claims = running.chosen(arguments.claims, arguments.kind)
    if arguments.list:
        refuse_given(arguments, LISTED, "says how to measure, and --list measures nothing; leave one of them out")
        print("\n".join(entry(claim) for claim in claims))
        return 0
    setting = setting_of(arguments)
    if arguments.out:
        check_page(arguments.out)
    report = Report(arguments.out, claims, setting, f"minifcn {as_typed(arguments.words)}")
    print(report.about())
    print(heading(claims), flush=True)
    stopped = False
    try:
        with bar(len(claims), "", bar_format="{desc} {n_fmt}/{total_fmt} {bar} {elapsed}") as progress:
            for claim in running.running_order(claims):
                with ticking(progress, claim.name):
                    result = running.measure(claim, setting)
                result = report.add(result)
                progress.write(row(result, claims))
                progress.update()
    except KeyboardInterrupt:
        stopped = True
    report.write(stopped)
    print(report.footing(), flush=True)
    if stopped:
        raise KeyboardInterrupt(f" after {len(report.results)} of {len(claims)} claims")
    return 1 if any(result.wrong for result in report.results) else 0


def setting_of(arguments: argparse.Namespace) -> Setting:
    """Raises DataError for a data folder that is none, or whose labels nobody explains."""
    classes = None
    if arguments.data:
        meaning = meaning_for(arguments.data, "val", arguments.class_names)
        classes = meaning.class_map()
        for note in meaning.notes:
            print(f"note: {note}")
        if classes.names != ClassMap.voc().names:
            print(
                f"note: {arguments.data}: {len(classes.names)} classes that are not VOC's, with which the paper measured"
            )
    elif arguments.class_names:
        raise DataError("--class-names says what the labels of --data mean: give --data ROOT too")
    seeds = arguments.seeds or ((0,) if arguments.quick else Setting().seeds)
    return Setting(seeds, arguments.data, QUICK if arguments.quick else 1.0, classes)


@contextmanager
def ticking(progress: Any, name: str) -> Iterator[None]:
    """Show `name` and a clock that runs, on a terminal, while a claim keeps the program busy."""
    if progress.disable or not workers.threads_to_be_had(1):
        yield
        return
    progress.set_description_str(name)
    over = threading.Event()

    def tick() -> None:
        while not over.wait(TICK):
            progress.refresh()

    clock = threading.Thread(target=tick, daemon=True)
    clock.start()
    try:
        yield
    finally:
        over.set()
        clock.join()


def entry(claim: Claim) -> str:
    return f"{claim.section}  {claim.name}  ({claim.kind})\n{indented(claim.says)}"


def indented(text: str) -> str:
    """Wrapped to the terminal, or to 100 letters elsewhere."""
    wide = max(40, min(120, shutil.get_terminal_size((100, 24)).columns))
    return textwrap.fill(text, wide, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False)


def heading(claims: Sequence[Claim]) -> str:
    return f"\n{'verdict':13}{'seconds':>9}  {'section':{section_width(claims)}}  claim, and what was measured here"


def section_width(claims: Sequence[Claim]) -> int:
    return max(len("section"), *(len(claim.section) for claim in claims))


def row(result: Result, claims: Sequence[Claim]) -> str:
    section = f"{result.claim.section:{section_width(claims)}}"
    first = f"{result.verdict:13}{result.seconds:>9.2f}  {section}  {result.claim.name}"
    return f"{first}\n{indented(result.outcome.measured)}"


def headline(results: Sequence[Result]) -> str:
    """The counts, and by name what did not simply hold."""
    said = [f"Of {len(results)} claims {running.counts(results)}."]
    for verdict in running.VERDICTS[1:]:
        names = [result.claim.name for result in results if result.verdict == verdict]
        said += [f"{verdict.capitalize()}: {', '.join(names)}."] if names else []
    return " ".join(said)


class Report:
    """What was measured so far, and the files that say so: whole after every claim, however the run may end."""

    def __init__(self, folder: Path | None, claims: Sequence[Claim], setting: Setting, command: str) -> None:
        self.folder, self.claims, self.setting, self.command = folder, claims, setting, command
        self.results: list[Result] = []
        self.started = time.perf_counter()
        self.page: Any = None
        if folder:
            from minifcn.draw.paper.page import PaperPage  # matplotlib takes a second to load

            if folder.exists() and not folder.is_dir():
                raise DataError(f"--out {folder}: this is a file; give a folder, or one that does not exist yet")
            make_folder(folder)
            self.page = PaperPage(folder)

    def add(self, result: Result) -> Result:
        """Keep a result and write the files; where its table or plots cannot be drawn, the claim has failed."""
        if self.page:
            try:
                self.page.draw(result)
            except Exception as error:
                result = result.failed(error)
                self.page.draw(result)
        self.results.append(result)
        self.write(stopped=False)
        return result

    def write(self, stopped: bool) -> None:
        """Both files, from the results so far. None without results: those of an earlier run stay."""
        if not (self.folder and self.results):
            return
        done, of = len(self.results), len(self.claims)
        notices = []
        if done < of:
            notices.append(
                f"Stopped after {done} of {of} claims."
                if stopped
                else f"{done} of {of} claims were done when this page was written."
            )
        if self.setting.scale != 1:
            notices.append(QUICK_WORDS)
        ordered = sorted(self.results, key=lambda result: running.place(result.claim))
        self.page.write(ordered, headline(ordered), self.about(finished=True), " ".join(notices), self.command)
        record = running.record(ordered, self.versions() | {"claims_wanted": of, "stopped": stopped})
        write_whole(self.folder / "claims.json", (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())

    def versions(self) -> dict[str, Any]:
        """What a number may depend on."""
        return {
            "minifcn": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "processor": processor(),
            "cores": threads.available_cores(),
            "seeds": list(self.setting.seeds),
            "steps": self.setting.scale,
            "data": str(self.setting.data) if self.setting.data else None,
            "seconds": round(time.perf_counter() - self.started, 3),
        }

    def about(self, finished: bool = False) -> str:
        """What runs where, in a line; once there are results, how long it took too."""
        of = self.versions()
        seeds = f"seed{'s' * (len(of['seeds']) > 1)} {', '.join(map(str, of['seeds']))}"
        parts = [
            f"minifcn {of['minifcn']}, Python {of['python']}, NumPy {of['numpy']}",
            f"{of['cores']} core{'s' * (of['cores'] > 1)} of {of['processor']}",
            seeds,
            f"data {self.setting.data.name}" if self.setting.data else "no real data",
        ]
        return "; ".join(parts + ([in_minutes(of["seconds"])] if finished else []))

    def footing(self) -> str:
        """Counts, what does not hold by name, and where the files are."""
        done = len(self.results)
        lines = [
            f"\n{done} of {len(self.claims)} claims in {in_minutes(self.versions()['seconds'])}: {running.counts(self.results)}"
        ]
        broken = [r.claim.name for r in self.results if r.wrong and not r.failure]
        failed = [r.claim.name for r in self.results if r.failure]
        otherwise = [r.claim.name for r in self.results if r.verdict == "does not hold" and not r.wrong]
        if broken:
            lines.append(f"at fault here, since identities hold exactly: {', '.join(broken)}")
        if failed:
            lines.append(f"failed to run: {', '.join(failed)}")
        if otherwise:
            lines.append(f"otherwise than in the paper, which is a finding: {', '.join(otherwise)}")
        if self.setting.scale != 1:
            lines.append(QUICK_WORDS)
        if self.folder and self.results:
            lines.append(f"page     {self.folder / 'index.html'}\nresults  {self.folder / 'claims.json'}")
        return "\n".join(lines)


def in_minutes(seconds: float) -> str:
    """7.2 s, 21 min 30 s."""
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
