"""minifcn paper: every kind of outcome as a row, a page and a file that are whole however the run ends, and the exit status."""

import json
import re
import sys

import numpy as np
import pytest

from minifcn import backend
from minifcn.cli.commands import paper
from minifcn.paper import CLAIMS, Bars, Claim, Curves, Outcome, Picture, Setting, claim, running

SAYS = "It is said that {} is so."


def add(name, section, kind, run):
    CLAIMS[name] = Claim(name, section, SAYS.format(name), kind, run)


def holds(setting):
    return Outcome(np.True_, "0 of 7 differ", [("net", "differ"), ("a", "0")])


def trained(setting):
    value = [0.1 * seed for seed in setting.seeds]
    plots = [Curves("Loss", "step", "loss", {"ours": ([1, 2], [3, 1])}), Bars("Score", "mean IU", {"ours": value})]
    return Outcome(False, f"{setting.steps(200)} steps from seeds {setting.seeds}", (), plots)


def counted(setting):
    return Outcome(None, "no data given") if setting.data is None else Outcome(True, f"counted in {setting.data.name}")


def raises(setting):
    raise ValueError("no such\nluck")


@pytest.fixture
def claims():
    """One claim a kind, entered in no order; `add` enters more."""
    before = dict(CLAIMS)
    CLAIMS.clear()
    for name, section, kind, run in (
        ("coarse labels", "arXiv v2, appendix A", "data", counted),
        ("skips-help", "4.2, table 2", "experiment", trained),
        ("drawn", "3.1", "identity", lambda setting: Outcome(True, "as drawn", (), [Picture("a dot", DOT)])),
        ("exact", "2", "identity", holds),
    ):
        add(name, section, kind, run)
    yield CLAIMS
    CLAIMS.clear()
    CLAIMS.update(before)


DOT = np.full((4, 6, 3), 200, np.uint8)
ROW = re.compile(r"^(holds|does not hold|not measured|failed) +[\d.]+  (.{20})  (.*)$", re.M)


def rows(answer):
    """(verdict, section, claim) as they were printed."""
    return [(verdict, section.strip(), name) for verdict, section, name in ROW.findall(answer.out)]


def record(folder):
    return json.loads((folder / "claims.json").read_text(encoding="utf-8"))


def page(folder):
    return (folder / "index.html").read_text(encoding="utf-8")


def test_a_row_each_identities_first_and_a_finding_is_no_fault(call, claims):
    answer = call("paper").worked()
    assert rows(answer) == [
        ("holds", "2", "exact"),
        ("holds", "3.1", "drawn"),
        ("not measured", "arXiv v2, appendix A", "coarse labels"),
        ("does not hold", "4.2, table 2", "skips-help"),
    ]
    assert "    0 of 7 differ\n" in answer.out and "    200 steps from seeds (0, 1, 2)\n" in answer.out
    assert re.search(r"4 of 4 claims in [\d.]+ s: 2 hold, 1 does not hold, 1 not measured\n", answer.out)
    assert "otherwise than in the paper, which is a finding: skips-help" in answer.out
    assert "at fault" not in answer.out and "failed to run" not in answer.out
    assert f"NumPy {np.__version__}" in answer.out.splitlines()[0] and "seeds 0, 1, 2" in answer.out.splitlines()[0]


def test_an_identity_that_does_not_hold_is_exit_status_1(call, claims):
    add("broken", "3", "identity", lambda setting: Outcome(False, "7 of 7 differ"))
    answer = call("paper")
    assert answer.status == 1 and ("does not hold", "3", "broken") in rows(answer)
    assert "at fault here, since identities hold exactly: broken" in answer.out
    call("paper exact drawn").worked()


def test_a_page_of_others_is_not_written_over_and_its_own_is(call, claims, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<title>My site</title>")
    call("paper exact --out", tmp_path / "site").failed("its index.html is another page", "give another folder")
    assert (tmp_path / "site" / "index.html").read_text() == "<title>My site</title>"
    for _ in range(2):
        call("paper exact --out", tmp_path / "own").worked()


def test_a_claim_that_raises_is_a_row_and_the_others_go_on(call, claims, tmp_path):
    add("unlucky", "1", "identity", raises)
    answer = call("paper --out", tmp_path / "out")
    assert answer.status == 1 and [name for *_, name in rows(answer)] == [
        "unlucky", "exact", "drawn", "coarse labels", "skips-help"
    ]  # fmt: skip
    assert rows(answer)[0][0] == "failed" and re.search(
        r"    ValueError: no such luck \(test_paper\.py, line \d+\)", answer.out
    )
    assert "failed to run: unlucky" in answer.out
    first = record(tmp_path / "out")["claims"][0]
    assert (first["verdict"], first["holds"]) == ("failed", None) and "no such\nluck" in first["measured"]
    assert "no such\nluck" in page(tmp_path / "out")


@pytest.mark.parametrize(
    "outcome, words",
    [
        (lambda: Outcome(True, "x", [("a", "b"), ("1",)]), "expected 2, as many as the head"),
        (lambda: Outcome(True, "x", (), ["a plot"]), "expected Curves, Bars or Picture"),
        (lambda: Outcome(True, "x", (), [Picture("a dot", DOT[0])]), "expected uint8 (height, width, 3)"),
        (lambda: None, "TypeError"),
    ],
)
def test_an_outcome_that_cannot_be_shown_fails_its_claim_alone(outcome, words, call, claims, tmp_path):
    add("bad", "1", "identity", lambda setting: outcome())
    answer = call("paper --out", tmp_path)
    assert answer.status == 1 and ("failed", "1", "bad") in rows(answer) and len(rows(answer)) == 5
    bad, *others = record(tmp_path)["claims"]
    assert bad["verdict"] == "failed" and words in bad["measured"] and others[0]["verdict"] == "holds"


def test_list_prints_the_papers_order_and_measures_nothing(call, claims, tmp_path):
    for name in claims:
        claims[name] = claims[name]._replace(run=raises)
    call("paper --list --out", tmp_path / "out").failed("--out says how to measure, and --list measures nothing")
    assert not (tmp_path / "out").exists()
    answer = call("paper --list").worked()
    assert answer.out.splitlines() == [
        "2  exact  (identity)", "    It is said that exact is so.",
        "3.1  drawn  (identity)", "    It is said that drawn is so.",
        "4.2, table 2  skips-help  (experiment)", "    It is said that skips-help is so.",
        "arXiv v2, appendix A  coarse labels  (data)", "    It is said that coarse labels is so.",
    ]  # fmt: skip
    assert "coarse" not in call("paper --list --kind identity,experiment").out
    assert call("paper --list exact exact").out.count("exact  (") == 1


def test_the_papers_order(claims):
    sections = [
        "2",
        "3",
        "3.1",
        "3.4",
        "3.10",
        "4.2",
        "4.2, footnote 6",
        "4.2, Table 2",
        "4.3 and the FAQ",
        "10",
        "appendix A",
        "arXiv v2",
    ]
    for number, section in enumerate(reversed(sections)):
        add(f"claim {number}", section, "data", counted)
    for name in ("exact", "drawn", "coarse labels", "skips-help"):
        del claims[name]
    assert [each.section for each in running.chosen()] == sections


def test_an_unknown_claim_names_the_nearest(call, claims):
    answer = call("paper skip-helps")
    assert answer.status == 2 and "unknown claim 'skip-helps': did you mean skips-help? minifcn paper" in answer.err
    with pytest.raises(ValueError, match=r"^unknown claim 'qqqq'; minifcn paper --list prints all names$"):
        running.chosen(["qqqq"])


def test_no_claim_of_that_kind(call, claims):
    call("paper exact --kind data").failed("there is no claim of kind data among 'exact'; leave --kind out")


@pytest.mark.parametrize(
    "options, words",
    [
        ("--kind identity,truth", "expected one or more of identity, experiment, data"),
        ("--kind ,", "expected one or more of"),
        ("--seeds 1,1", "expected different whole numbers"),
        ("--seeds ,", "expected different whole numbers"),
        ("--seeds 0,x", "'x' is not a whole number"),
        ("--seeds=-1", "expected 0 or more"),
    ],
)
def test_wrong_usage(options, words, call, claims):
    answer = call(f"paper {options}")
    assert answer.status == 2 and words in answer.err


def test_seeds_and_quick(call, claims):
    assert "200 steps from seeds (4, 2)" in call("paper skips-help --seeds 4,2").out
    quick = call("paper skips-help --quick").out
    assert "20 steps from seeds (0,)" in quick and "what they found says little" in quick
    assert "20 steps from seeds (1, 2)" in call("paper skips-help --quick --seeds 1,2").out


def test_data_reaches_the_claims_and_a_wrong_folder_is_found_before_all(call, claims, small_set, tmp_path):
    answer = call("paper --data", small_set).worked()
    assert f"counted in {small_set.name}" in answer.out and f"data {small_set.name}" in answer.out
    assert f"note: {small_set}: 9 classes that are not VOC's, with which the paper measured" in answer.out
    claims["exact"] = claims["exact"]._replace(run=raises)
    answer = call("paper --data", tmp_path / "none").failed(f"data {tmp_path / 'none'}: there is no such folder")
    assert answer.out == ""


def test_the_page_and_the_file(call, claims, tmp_path):
    answer = call("paper --seeds 0,2 --out", tmp_path / "a" / "b").worked()
    folder = tmp_path / "a" / "b"
    assert sorted(path.name for path in folder.iterdir()) == ["claims.json", "index.html"]
    assert str(folder / "index.html") in answer.out and str(folder / "claims.json") in answer.out
    found = record(folder)
    assert [each["name"] for each in found["claims"]] == ["exact", "drawn", "skips-help", "coarse labels"]
    assert [each["holds"] for each in found["claims"]] == [True, True, False, None]
    assert found["claims"][0] | {"seconds": 0} == {
        "name": "exact", "section": "2", "kind": "identity", "says": SAYS.format("exact"), "verdict": "holds", "holds": True,
        "measured": "0 of 7 differ", "table": [["net", "differ"], ["a", "0"]], "seconds": 0,
    }  # fmt: skip
    assert all(each["seconds"] >= 0 for each in found["claims"]) and found["seconds"] > 0
    assert (found["seeds"], found["numpy"], found["python"]) == ([0, 2], np.__version__, sys.version.split()[0])
    assert (found["claims_wanted"], found["stopped"], found["steps"], found["data"]) == (4, False, 1.0, None)
    text = page(folder)
    assert f"<code>minifcn paper --seeds 0,2 --out {folder}</code>" in text
    assert text.count("<svg") == 2 and text.count("<img") == 1 and 'class="hints"' not in text
    words = (
        "Of 4 claims 2 hold, 1 does not hold, 1 not measured. Does not hold: skips-help. Not measured: coarse labels."
    )
    assert words in text


def test_ctrl_c_leaves_a_whole_page_of_what_was_done(call, claims, tmp_path):
    def interrupted(setting):
        raise KeyboardInterrupt

    claims["coarse labels"] = claims["coarse labels"]._replace(run=interrupted)
    answer = call("paper --out", tmp_path)
    assert answer.status == 130 and "minifcn paper: stopped after 2 of 4 claims" in answer.err
    assert "2 of 4 claims in" in answer.out and "2 hold" in answer.out
    text = page(tmp_path)
    assert "Stopped after 2 of 4 claims." in text and text.endswith("</html>\n") and "skips-help" not in text
    found = record(tmp_path)
    assert found["stopped"] is True and [each["name"] for each in found["claims"]] == ["exact", "drawn"]


def test_the_page_is_whole_after_every_claim(call, claims, tmp_path):
    seen = []
    claims["skips-help"] = claims["skips-help"]._replace(
        run=lambda setting: seen.append(page(tmp_path)) or trained(setting)
    )
    call("paper --out", tmp_path).worked()
    assert "3 of 4 claims were done when this page was written." in seen[0] and seen[0].endswith("</html>\n")
    assert "when this page was written" not in page(tmp_path)


def test_stopped_before_anything_was_done_the_earlier_page_stays(call, claims, tmp_path):
    call("paper --out", tmp_path).worked()
    before = page(tmp_path)

    def interrupted(setting):
        raise KeyboardInterrupt

    claims["exact"] = claims["exact"]._replace(run=interrupted)
    answer = call("paper --out", tmp_path)
    assert answer.status == 130 and "nothing was measured" in answer.out and page(tmp_path) == before


def test_a_file_in_place_of_the_folder_is_found_before_all(call, claims, tmp_path):
    (tmp_path / "file").write_text("x")
    answer = call("paper --out", tmp_path / "file").failed("this is a file; give a folder")
    assert answer.out == "" and (tmp_path / "file").read_text() == "x"


def test_what_is_drawn_does_not_depend_on_what_ran_before(claims):
    def draws(setting):
        return Outcome(True, str(backend.random_generator().random()))

    add("draws", "1", "identity", draws)
    first = running.measure(CLAIMS["draws"], Setting())
    running.measure(CLAIMS["draws"], Setting())
    backend.random_generator().random(5)
    assert running.measure(CLAIMS["draws"], Setting()).outcome == first.outcome


class Terminal:
    """What `bar` gives on a terminal, as far as `ticking` asks."""

    disable = False

    def __init__(self):
        self.said, self.drawn = [], 0

    def set_description_str(self, name):
        self.said.append(name)

    def refresh(self):
        self.drawn += 1


def test_the_clock_runs_on_a_terminal_and_stops_after_the_claim(monkeypatch):
    monkeypatch.setattr(paper, "TICK", 0.001)
    terminal = Terminal()
    with pytest.raises(ValueError, match="out"), paper.ticking(terminal, "exact"):
        while terminal.drawn < 3:
            pass
        raise ValueError("out")
    drawn = terminal.drawn
    assert terminal.said == ["exact"]
    paper.threading.Event().wait(0.02)
    assert terminal.drawn == drawn


def test_the_registry_refuses_a_second_claim_of_a_name(claims):
    with pytest.raises(ValueError, match="claim 'exact': kind 'identity'; expected a new name"):
        claim("exact", "2", "again")
    with pytest.raises(ValueError, match="kind 'belief'; expected a new name and one of identity"):
        claim("new", "2", "again", "belief")


def test_every_claim_there_is_may_be_listed(call):
    out = call("paper --list").worked().out
    for each in CLAIMS.values():
        assert f"{each.section}  {each.name}  ({each.kind})" in out and each.says.strip()


def test_labels_that_nobody_explains_are_not_taken_for_voc_s(call, claims, own_set, voc_set):
    """Nor are they counted as VOC's where they are said to be others."""
    seen = []
    claims["coarse labels"] = claims["coarse labels"]._replace(
        run=lambda setting: seen.append(setting.known().names) or Outcome(True, "seen")
    )
    call("paper --kind data --data", own_set).failed(
        "nobody says what the numbers in its labels mean", "The labels hold 0 to 2", "add --class-names voc"
    )
    assert seen == []
    names = own_set.parent / "three.txt"
    names.write_text("sky\ntree\nroad\n")
    answer = call(f"paper --kind data --class-names {names} --data", own_set).worked()
    assert seen == [("sky", "tree", "road")] and "3 classes that are not VOC's" in answer.out
    answer = call("paper --kind data --data", voc_set).worked()
    assert (
        len(seen[1]) == 21
        and "the numbers are taken for VOC's 21 classes" in answer.out
        and "not VOC's" not in answer.out
    )
    call("paper --kind data --class-names voc").failed(
        "--class-names says what the labels of --data mean: give --data ROOT too"
    )
