"""Many lines of findings become one file: the machine, a summary, the targets beside what was measured, and every finding by stage."""

import json
import subprocess
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import minifcn as mf

from .bench import MEMORY, TARGETS

ENDINGS = {0: "ended", 124: "timed out", 137: "timed out"}


def lines(path):
    """The whole lines of JSON in a file; a process that was killed may have left half a one."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            found.append({"name": "half a line", "outcome": "error", "said": line[:200]})
    return found


def collect(folder, stages, standin):
    """`stages`: name -> seconds allowed. What the script wrote of each: NAME.jsonl, and NAME.end, "exit code, seconds"."""
    report = {
        "minifcn": mf.__version__, "commit": commit(), "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "on": "the stand-in for CuPy: nothing here is shown of a GPU" if standin else "a GPU", "machine": {}, "summary": {}, "targets": [],
        "stages": {},
    }  # fmt: skip
    counts = Counter()
    for name, limit in stages.items():
        findings = lines(Path(folder, f"{name}.jsonl"))
        end = Path(folder, f"{name}.end")
        code, seconds = (int(word) for word in end.read_text().split()) if end.is_file() else (None, None)
        ended = "not run" if code is None else ENDINGS.get(code, f"died with code {code}")
        if ended == "ended" and not findings:
            ended = "found nothing"
        report["stages"][name] = {"process": ended, "seconds": seconds, "limit": limit, "findings": shorter(findings)}
        counts.update(finding["outcome"].split(":")[0] for finding in findings)
        counts["stages that did not end"] += ended not in ("ended", "not run")
        counts["stages not run"] += ended == "not run"
        if name == "facts":
            report["machine"] = next((finding for finding in findings if finding["name"] == "machine"), {})
    report["summary"] = dict(counts)
    report["targets"] = targets(report["stages"])
    return report


def shorter(findings):
    """Tests that passed are counted; all else stands as it is."""
    kept = [finding for finding in findings if not (finding.get("stage") == "tests" and finding["outcome"] == "right")]
    passed = len(findings) - len(kept)
    return kept + ([{"stage": "tests", "name": f"{passed} tests passed", "outcome": "right"}] if passed else [])


def targets(stages):
    """Each target, with what was found: None where it was not measured."""
    measured = {
        finding["name"]: finding
        for stage in ("bench", "bench_tf32")
        for finding in stages.get(stage, {}).get("findings", [])
    }
    rows = []
    for (case, precision), (reach, hope) in TARGETS.items():
        found = measured.get(f"{case}, {precision}", {})
        rows.append({
            "case": case, "precision": precision, "to_reach": reach, "hoped": hope, "found": found.get("ratio"), "reached": found.get("reached"),
            "memory_to_reach": MEMORY, "memory_found": found.get("memory_ratio"), "memory_reached": found.get("memory_reached"),
        })  # fmt: skip
    return rows


def commit():
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() or None


def wrong(report):
    """Lines for the screen: what is not right, and where."""
    for name, stage in report["stages"].items():
        if stage["process"] not in ("ended", "not run"):
            yield f"{name}: {stage['process']}, {stage['seconds']} s of {stage['limit']}"
        for finding in stage["findings"]:
            if finding["outcome"] in ("wrong", "error"):
                yield f"{name}: {finding['name']}: {finding['outcome']} {finding.get('said', '')}"[:300]


def missed(report):
    """Lines for the screen: targets of speed and memory. A target that is missed is no fault, so it does not decide how the run ends."""
    for row in report["targets"]:
        for kind in ("", "memory_"):
            if row[f"{kind}reached"] is False:
                found, aim = row[f"{kind}found"], row["memory_to_reach" if kind else "to_reach"]
                yield f"target: {row['case']}, {row['precision']}: {kind.replace('_', ' ')}{found} of PyTorch's, to reach {aim}"
