"""What a run shows while it goes on, and its report in a real browser."""

import json
import re
import shutil
import subprocess

import needs
import pytest

from minifcn.cli import finish
from minifcn.data import VOCFolder

from .conftest import ONE, SMALL


def test_watch_draws_the_report_while_the_run_goes_on(call, small_set, tmp_path, monkeypatch):
    pages = []
    written = finish.report

    def keep(*arguments, **options):
        written(*arguments, **options)
        pages.append((tmp_path / "run" / "report.html").read_text())

    monkeypatch.setattr(finish, "report", keep)
    line = f"train --data {small_set} --lr 0.1 --width 2 --size 32 --batch 2 --steps 3"
    call(f"{line} --out {tmp_path}/run --watch 0.0001").worked()
    assert len(pages) == 3 * 3 + 1  # after each step, and at the end
    for number, page in enumerate(pages[:-1]):
        assert '<meta http-equiv="refresh" content="1">' in page
        stages = [
            stage for stage in ("fcn32s", "fcn16s", "fcn8s") if f"<td>{stage}</td>" in page or f"{stage} · " in page
        ]
        assert len(stages) == number // 3 + 1  # what is trained and what is being trained
    assert "http-equiv" not in pages[-1]
    # watching changes nothing
    call(f"{line} --out {tmp_path}/alone").worked()
    for name in ("fcn8s.safetensors", "metrics.json"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


def test_a_resumed_run_is_watched_from_its_beginning(call, small_set, tmp_path):
    line = f"train --data {small_set} --width 2 --size 32 --batch 2 --steps 3 --lr 0.1"
    call(f"{line} --arch fcn32s --out {tmp_path}/run --watch").worked()
    rows = (tmp_path / "run" / "log.csv").read_text().splitlines()
    assert rows[0].startswith("stage,step,loss") and len(rows) == 4


def test_verbose_has_a_line_for_every_step(call, small_set, tmp_path):
    out = call(f"train --data {small_set} {ONE} --steps 5 --lr 0.1 --out {tmp_path}/run --verbose").worked().out
    lines = re.findall(
        r"^fcn32s  step (\d)/5  loss [\d.]+  learning rate [\de.-]+  [\d.]+ s, [\d.]+ of it waiting", out, re.M
    )
    assert lines == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    "options, fields",
    [
        ("--recipe paper", dict(loss="sum", lr=1e-10, momentum=0.99, batch=1, size=None, bias_factor=2.0)),
        ("--recipe paper --lr 1e-8 --batch 2 --size 32", dict(loss="sum", lr=1e-8, batch=2, size=32)),
        ("--optimizer adam", dict(optimizer="adam", lr=3e-4)),
        ("--optimizer adam --lr 0.01 --accumulate 3", dict(optimizer="adam", lr=0.01, accumulate=3)),
        ("--keep-cells 0.5 --schedule constant --momentum 0", dict(keep_cells=0.5, schedule="constant", momentum=0.0)),
        ("--keep-cells 0.5", dict(keep_cells=0.5, balance_cells=False)),
        ("--keep-cells 0.5 --balance-cells", dict(keep_cells=0.5, balance_cells=True)),
        ("--no-mirror --scale 0.5,2 --jitter 3 --colour 0.2", dict(augmentation=dict(mirror=False, scale=[0.5, 2.0], jitter=3, colour=0.2))),
        ("--balance classes --weight-decay 0.001", dict(balance="classes", weight_decay=0.001)),
        ("--size 0", dict(size=None)),
        ("--head-factor 10", dict(head_factor=10.0)),
    ],
)  # fmt: skip
def test_options_change_the_recipe(options, fields, call, small_set, tmp_path):
    call(
        f"train --data {small_set} --width 2 --arch fcn32s --steps 1 --batch 1 {options} --out {tmp_path}/run"
    ).worked()
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert {name: config[name] for name in fields} == fields


def test_paper_mean_measures_the_pictures(call, small_set, tmp_path):
    call(
        f"train --data {small_set} --width 2 --arch fcn32s --steps 1 --recipe paper-mean --out {tmp_path}/run"
    ).worked()
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    from minifcn.data import ClassMap

    data = VOCFolder(small_set, "train", ClassMap.from_dict(config["classes"]))
    pixels = sum(int((data.labels(i) != 255).sum()) for i in range(len(data))) / len(data)
    assert config["loss"] == "mean" and config["lr"] == pytest.approx(1e-10 * pixels)
    assert config["weight_decay"] == pytest.approx(5e-4 / pixels)


def test_class_weights_are_measured(call, small_set, tmp_path):
    call(f"train --data {small_set} {ONE} --class-weights median --out {tmp_path}/run").worked()
    weights = json.loads((tmp_path / "run" / "config.json").read_text())["class_weights"]
    assert len(weights) == 9 and weights[0] == min(weights) < 1 < max(weights)  # the background is everywhere


def test_what_went_wrong_is_said_and_stands_in_the_report(call, small_set, tmp_path):
    answer = call(f"train --data {small_set} {SMALL} --steps 25 --arch fcn32s --lr 1e-9 --out {tmp_path}/run").worked()
    assert "fcn32s: The loss did not fall: 2.2 at the first step" in answer.out
    page = (tmp_path / "run" / "report.html").read_text()
    assert '<div class="hints"><p>fcn32s: The loss did not fall' in page


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(BROWSER is None, reason=needs.BROWSER)
@pytest.mark.parametrize("width", [390, 1200])
def test_the_report_in_a_browser(width, call, small_set, tmp_path):
    call(f"train --data {small_set} {SMALL} --colour 0.2 --lr 0.1 --out {tmp_path}/run").worked()
    report, picture = tmp_path / "run" / "report.html", tmp_path / "page.png"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    options += [
        "--enable-logging=stderr",
        "--v=0",
        f"--user-data-dir={tmp_path / 'profile'}",
        f"--window-size={width},2000",
    ]
    done = subprocess.run(
        [BROWSER, *options, f"--screenshot={picture}", report.as_uri()], capture_output=True, text=True, timeout=120
    )
    assert picture.exists(), done.stderr
    assert "CONSOLE" not in done.stderr, done.stderr
    dom = subprocess.run(
        [BROWSER, *options, "--dump-dom", report.as_uri()], capture_output=True, text=True, timeout=120
    )
    for heading in ("Scores", "Samples", "Training", "Augmentation", "Repeat it", "Configuration"):
        assert f"<h2>{heading}</h2>" in dom.stdout
    # nothing is asked of the network, and no script runs
    text = report.read_text()
    assert "<script" not in text and not re.search(r'(?:src|href)="(?!data:|#)', text)
