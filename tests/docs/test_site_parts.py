"""What makes the site: links set anew, notebooks and docstrings as Markdown, and the check that must see each kind of fault."""

import json
import re
import sys
import types

import needs
import pytest

from tests.docs.loading import ROOT, script

sources, site = script("sources"), script("faults")


@pytest.mark.parametrize(
    "origin, page, link, wanted",
    [
        ("docs/gpu.md", "gpu.md", "../CONTRIBUTING.md#tests", "CONTRIBUTING.md#tests"),
        ("docs/gpu.md", "gpu.md", "../minifcn/files.py", "source/minifcn/files.py.md"),
        ("docs/gpu.md", "gpu.md", "../lessons/03_gradient_checks.ipynb", "lessons/03_gradient_checks.md"),
        ("docs/gpu.md", "gpu.md", "../minifcn/kernels", "source/minifcn/kernels/index.md"),
        ("docs/gpu.md", "gpu.md", "../README.md", "index.md"),
        ("docs/api/index.md", "api/index.md", "../speed.md", "../speed.md"),
        ("README.md", "index.md", "docs/gpu.md", "gpu.md"),
        ("README.md", "index.md", ".github/workflows/tests.yml", "source/github/workflows/tests.yml.md"),
        ("lessons/README.md", "lessons/README.md", "figures/demo.jpg", "figures/demo.jpg"),
        ("README.md", "index.md", "https://arxiv.org/abs/1411.4038", "https://arxiv.org/abs/1411.4038"),
        ("README.md", "index.md", "docs/no-such-page.md", "docs/no-such-page.md"),  # left alone: the build stops at it
        ("docs/gpu.md", "gpu.md", "../../elsewhere.md", "../../elsewhere.md"),
        ("docs/gpu.md", "gpu.md", "#options", "#options"),
    ],
)
def test_a_link_follows_what_it_means(origin, page, link, wanted):
    assert sources.with_links(f"see [it]({link}).", origin, page) == f"see [it]({wanted})."
    assert sources.with_links(f'<img src="{link}">', origin, page) == f'<img src="{wanted}">'


@pytest.mark.parametrize(
    "code", ["`[a](README.md)`", "``[a](README.md) ` ``", "```sh\n[a](README.md)\n```", "~~~~\n[a](README.md)\n~~~~"]
)
def test_code_holds_no_links(code):
    text = f"{code}\n\n[a](docs/gpu.md)"
    assert sources.with_links(text, "README.md", "index.md") == f"{code}\n\n[a](gpu.md)"


def test_a_notebook_becomes_text_code_and_what_it_showed():
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": ["# Title\n", "text"]},
            {
                "cell_type": "code",
                "source": ["print(1)"],
                "outputs": [
                    {"output_type": "stream", "text": ["1\n"]},
                    {"output_type": "display_data", "data": {"image/png": "aGk=", "text/plain": ["<Figure>"]}},
                    {"output_type": "display_data", "data": {"text/markdown": ["**said**"], "text/plain": ["said"]}},
                    {"output_type": "execute_result", "data": {"text/plain": ["array([1])"]}},
                ],
            },
        ]
    }
    assert "\n".join(sources.cells(notebook, "nb")) == (
        "# Title\ntext\n~~~~~~python\nprint(1)\n~~~~~~\n~~~~~~text\n1\n~~~~~~\n![what the cell drew](nb/1-1.png)\n**said**\n"
        "~~~~~~text\narray([1])\n~~~~~~"
    )
    assert list(sources.drawn(notebook, "lessons/nb")) == [("lessons/nb/1-1.png", b"hi")]


def test_a_drawing_of_a_notebook_lies_beside_its_page_with_its_words():
    drawing = {
        "output_type": "display_data",
        "data": {"image/svg+xml": ["<svg>\n", "</svg>"], "text/plain": ["a graph"]},
        "metadata": {"image/svg+xml": {"alt": "a [small]\ngraph"}},
    }
    notebook = {"cells": [{"cell_type": "code", "source": ["draw()"], "outputs": [drawing]}]}
    assert list(sources.cells(notebook, "nb"))[-1] == "![a small graph](nb/0-0.svg)"
    assert list(sources.drawn(notebook, "lessons/nb")) == [("lessons/nb/0-0.svg", b"<svg>\n</svg>")]


@pytest.mark.parametrize(
    "text, page",
    [
        ("<conv(a), b> = <a, deconv(b)>", "&lt;conv(a), b> = &lt;a, deconv(b)>"),
        ("`<f(x), y>` and <br> and <img src='a.png'/> and </b> and x <3", None),
        ("<https://example.org/a,b>", None),
        ("~~~~\n<f(x), y>\n~~~~", None),
    ],
)
def test_text_of_a_notebook_does_not_pass_for_a_tag(text, page):
    assert sources.without_tags(text) == (page or text)


def test_every_picture_that_a_lesson_names_is_written():
    path = ROOT / "lessons/04_convolution.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    named = {
        name for line in sources.cells(notebook, path.stem) for name in re.findall(rf"\]\(({path.stem}/[^)]+)\)", line)
    }
    assert named == {name for name, _ in sources.drawn(notebook, path.stem)} and named


def cell(source, *outputs, **metadata):
    return {"cell_type": "code", "source": [source], "metadata": metadata, "outputs": list(outputs)}


def picture(kind, content, words):
    return {"output_type": "display_data", "data": {kind: content}, "metadata": {kind: {"alt": words}}}


def test_pictures_of_a_notebook_have_their_words():
    outputs = picture("image/png", "aGk=", "a [small]\ncat"), picture("image/svg+xml", ["<svg", "/>"], "a graph")
    notebook = {"cells": [cell("draw()", *outputs)]}
    assert list(sources.cells(notebook, "nb"))[1:] == ["![a small cat](nb/0-0.png)", "![a graph](nb/0-1.svg)"]
    assert list(sources.drawn(notebook, "nb")) == [("nb/0-0.png", b"hi"), ("nb/0-1.svg", b"<svg/>")]


def test_what_is_folded_in_a_notebook_is_folded_on_the_site():
    hidden = {"jupyter": {"source_hidden": True}, "tags": ["figure"]}
    figure, table = cell("a = 1\nlook.show(a)", **hidden), cell("look.say(rows)", **hidden)
    assert list(sources.cells({"cells": [cell("pip()", tags=["install"]), figure, table, cell("c = 3")]}, "nb")) == [
        '<details class="code" markdown="1"><summary>Code of the figure, 2 lines</summary>\n\n'
        "~~~~~~python\na = 1\nlook.show(a)\n~~~~~~\n\n</details>",
        '<details class="code" markdown="1"><summary>Code of the table, 1 line</summary>\n\n'
        "~~~~~~python\nlook.say(rows)\n~~~~~~\n\n</details>",
        "~~~~~~python\nc = 3\n~~~~~~",
    ]


@pytest.mark.parametrize(
    "text, page",
    [
        (
            "<details><summary>The answer</summary>\n\n*yes*\n\n</details>",
            '<details class="answer" markdown="1"><summary>The answer</summary>\n\n*yes*\n\n</details>',
        ),
        ("<details><summary>Hint</summary>a <code>x[i]</code></details>", None),  # HTML inside, and x[i] no link
        ("`<details><summary>a</summary>\n\n`", None),
    ],
)
def test_the_inside_of_a_fold_is_markdown_where_it_was(text, page):
    assert sources.as_page(text) == (page or text)


@pytest.fixture
def as_markdown(monkeypatch):
    monkeypatch.setitem(sys.modules, "griffe", types.SimpleNamespace(Extension=object, Object=object))
    return script("docstrings").as_markdown


def test_examples_of_docstrings_become_code(as_markdown):
    example = ">>> a = 1\n>>> a\n1"
    assert as_markdown(f"Says.\n\n{example}\n\nMore.") == f"Says.\n\n```pycon\n{example}\n```\n\nMore."
    assert as_markdown(f"Says.\n\n{example}\n\n>>> a + 1\n2") == f"Says.\n\n```pycon\n{example}\n\n>>> a + 1\n2\n```"
    assert as_markdown("No example: a >>> b.") == "No example: a >>> b."


@pytest.mark.parametrize(
    "docstring, page",
    [
        ("<f(x), y> = <f(0), y> and <x, g(y)>", "&lt;f(x), y> = &lt;f(0), y> and &lt;x, g(y)>"),
        ("where a < b, 1 <2", "where a < b, 1 <2"),
        ("an `<svg>` element <split>", "an `<svg>` element &lt;split>"),
        ("as in:\n\n    if a <b: <c>\n\n<d>", "as in:\n\n    if a <b: <c>\n\n&lt;d>"),
        (">>> '<a>'\n'<a>'", "```pycon\n>>> '<a>'\n'<a>'\n```"),
    ],
)
def test_nothing_in_a_docstring_passes_for_html(as_markdown, docstring, page):
    assert as_markdown(docstring) == page


@pytest.fixture
def made(tmp_path):
    """A site of two pages without a fault."""
    (tmp_path / "api").mkdir()
    (tmp_path / "style.css").write_text("")
    (tmp_path / "index.html").write_text(
        '<link rel="stylesheet" href="style.css"><link rel="canonical" href="https://example.org/">'
        '<h1 id="top">x</h1><a href="api/a.html#minifcn.x">x</a><a href="#top">x</a><a href="api/">x</a>'
        '<a href="https://arxiv.org/abs/1411.4038">x</a><img src="data:image/png;base64,aGk=">'
    )
    (tmp_path / "api/index.html").write_text('<a href="../index.html">x</a>')
    (tmp_path / "api/a.html").write_text('<h2 id="minifcn.x">x</h2><a href="/index.html#top">x</a>')
    return tmp_path


def test_a_whole_site_has_no_faults(made):
    assert site.faults(made, [("minifcn.x", "minifcn.y.x")]) == []


@pytest.mark.parametrize(
    "planted, said",
    [
        ('<a href="gone.html">x</a>', "index.html: link to gone.html, which is not there"),
        ('<a href="api/a.html#gone">x</a>', "index.html: link to api/a.html#gone; that page has no such anchor"),
        ('<a href="#gone">x</a>', "index.html: link to #gone; that page has no such anchor"),
        ('<a href="../secret.html">x</a>', "index.html: link to ../secret.html, which is not there"),
        ('<script src="https://unpkg.com/x"></script>', "index.html: fetches https://unpkg.com/x from outside"),
        (
            '<link rel="stylesheet" href="//fonts.example/x.css">',
            "index.html: fetches //fonts.example/x.css from outside",
        ),
        ('<img src="gone.png">', "index.html: fetches gone.png, which is not there"),
        ("<p><x, f(y)> = 1</p>", "index.html: <x,> is no HTML; a text with a < in it was taken for a tag"),
        ("<p><split>.txt</p>", "index.html: <split> is no HTML; a text with a < in it was taken for a tag"),
    ],
)
def test_each_kind_of_fault_is_seen(made, planted, said):
    (made.parent / "secret.html").write_text("")
    page = made / "index.html"
    page.write_text(page.read_text() + planted)
    assert site.faults(made) == [said]


def test_a_name_without_an_entry_is_seen(made):
    assert site.faults(made, [("minifcn.y", "minifcn.z.y")]) == [
        "no page has an entry for minifcn.y; add it to docs/api"
    ]


def test_a_page_that_the_search_does_not_know_is_seen(made):
    (made / "source").mkdir()
    (made / "source/x.py.html").write_text("")
    known = [{"location": "index.html"}, {"location": "api/a.html#minifcn.x"}]
    (made / "search.json").write_text(json.dumps({"items": known}))
    assert site.unsearched(made) == ["api/index.html: the search does not know this page"]
    (made / "search.json").write_text(json.dumps({"items": [*known, {"location": "api/index.html"}]}))
    assert site.unsearched(made) == []


def test_no_pages_is_a_fault(tmp_path):
    assert "build the site first" in site.faults(tmp_path)[0]


@pytest.fixture
def build():
    pytest.importorskip("latex2mathml", reason=needs.DOCS)
    return script("build")


@pytest.fixture
def formulas(build):
    return build.formulas


def test_a_wide_figure_knows_its_width_and_a_narrow_one_or_a_photograph_does_not(build, tmp_path):
    (tmp_path / "a").mkdir()
    for name, width in (("wide.png", 700), ("narrow.png", 300), ("photograph.jpg", 900)):
        build.Image.new("RGB", (width, 10)).save(tmp_path / "a" / name)
    (tmp_path / "a" / "my graph.svg").write_text('<svg xmlns="x" viewBox="0 0 9 9" width="650.5" height="3">')
    (tmp_path / "a" / "plain.svg").write_text('<svg viewBox="0 0 900 900">')
    page = "".join(
        f'<p><img alt="says" src="a/{name}" /></p>'
        for name in ("wide.png", "narrow.png", "photograph.jpg", "my%20graph.svg", "plain.svg", "missing.png")
    )
    other = '<td><img src="a/wide.png" /></td><p><img src="https://example.org/a.png" /></p>'
    found = build.sized(page + other, tmp_path)
    assert found.count("--own-width") == 2 and found.endswith(other)
    assert found.startswith('<p><img class="wide" style="--own-width: 700px" alt="says" src="a/wide.png" />')
    assert '<img class="wide" style="--own-width: 650px" alt="says" src="a/my%20graph.svg" />' in found


def test_a_long_line_that_was_printed_is_wrapped_and_code_is_not(build):
    def block(line):
        return f'<div class="highlight"><pre><span></span><code><a id="l1"></a>{line}\n</code></pre></div>'

    long = block("&lt;" * 111)
    code = block('<span class="n">' + "x" * 200 + "</span>")
    assert build.wrapped(long + code + block("&lt;" * 110)) == (
        long.replace('"highlight"', '"highlight wrapped"') + code + block("&lt;" * 110)
    )


def test_rows_of_a_table_among_wrapped_lines_keep_their_columns(build):
    page = (
        f'<div class="highlight"><pre><code><a id="l1"></a>{"x y " * 40}\n<a id="l2"></a>val  5 %\n</code></pre></div>'
    )
    found = build.wrapped(page)
    assert '<a id="l2"></a><span class="row">val  5 %</span>\n' in found and found.count("<span") == 1


def test_formulas_become_mathml(formulas):
    page = formulas(
        '<p><span class="arithmatex">\\(x &lt; y\\)</span></p><div class="arithmatex">\\[\\frac{1}{2}\\]</div>'
    )
    assert "arithmatex" not in page and page.count("<math ") == 2
    assert 'display="inline"><mrow><mi>x</mi><mo>&#x0003C;</mo><mi>y</mi>' in page
    assert 'display="block"><mrow><mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>' in page


@pytest.mark.parametrize("formula", ["\\begin{aligned} a &amp;= b \\end{aligned}", "\\left( x"])
def test_a_formula_that_cannot_be_read_is_named(formulas, formula):
    with pytest.raises(ValueError, match="cannot be read"):
        formulas(f'<span class="arithmatex">\\({formula}\\)</span>')
