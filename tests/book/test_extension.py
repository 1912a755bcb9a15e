"""The local Sphinx extension: directive lines, the cache, the ledger."""

from __future__ import annotations

import asyncio
import html
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from bs4 import BeautifulSoup, Tag
from docutils.core import publish_doctree
from jupyter_cache import get_cache
from myst_nb.core.config import NbParserConfig
from sphinx_external_toc.parsing import parse_toc_yaml

from nnbook.notebook import directives, equations, execution, exercises, ledger
from nnbook.site import fixes

ROOT = Path(__file__).parents[2]


def code_cell(source: str) -> dict:
    return {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def test_directive_lines_are_split_from_the_code() -> None:
    found, code = directives.split_directives("#| export\n#| label: fig-a\n\nx = 1\n#| not one\n")
    assert found == {"export": "", "label": "fig-a"}
    assert code == "x = 1\n#| not one\n"


def test_a_name_left_out_of_all_is_exported_as_any() -> None:
    assert directives.split_directives("#| exporti arrays\nx = 1")[0] == {"exporti": "arrays"}


@pytest.mark.parametrize(
    ("line", "tag"),
    [("hide", "remove-cell"), ("code-fold", "hide-input"), ("solution", "hide-cell")],
)
def test_directive_becomes_a_tag(line: str, tag: str) -> None:
    cell = code_cell(f"#| {line}\nx = 1")
    directives.rewrite_cell(cell, "")
    assert cell["metadata"]["tags"] == [tag]
    assert cell["source"] == "x = 1"


def test_export_goes_to_the_chapter_s_module_unless_it_names_one() -> None:
    module = directives.rewrite_cell(code_cell("#| default_exp layers"), "")
    own, other = code_cell("#| export\nx = 1"), code_cell("#| export losses\nx = 1")
    for cell in (own, other):
        directives.rewrite_cell(cell, module)
    assert own["metadata"]["nnbook"]["module"] == "layers"
    assert other["metadata"]["nnbook"]["module"] == "losses"


def test_target_of_a_chapter_stands_over_its_title() -> None:
    notebook = [{"source": "# Title"}, {"source": ["(ch-one)=\n", "## Section\n", "Text."]}]
    directives.move_target(notebook)
    assert notebook == [{"source": "(ch-one)=\n# Title"}, {"source": "## Section\nText."}]


def test_figure_needs_name_caption_and_alt_text() -> None:
    with pytest.raises(KeyError):
        directives.rewrite_cell(code_cell("#| fig-cap: A caption.\n#| label: fig-a\nx = 1"), "")


def test_hash_of_the_package_follows_its_code_and_not_its_words(tmp_path: Path) -> None:
    module = tmp_path / "a.py"
    hashes = []
    for source in (
        '"""One."""\nx = 1\n',
        '"""Two."""\nx = 1  # a remark\n',
        '"""Two."""\nx = 2\n',
    ):
        module.write_text(source, encoding="utf-8")
        hashes.append(directives.package_hash(tmp_path))
    assert hashes[0] == hashes[1] != hashes[2]


def test_hash_of_the_package_follows_the_data_that_chapters_read(tmp_path: Path) -> None:
    """A stored run that is replaced runs the chapters again that show it."""
    for name in ("nnlib", "data/runs"):
        (tmp_path / name).mkdir(parents=True)
    hashes = []
    for text in ("{}", "[]", "[]"):
        (tmp_path / "data" / "runs" / "a.json").write_text(text, encoding="utf-8")
        hashes.append(directives.package_hash(tmp_path / "nnlib"))
    assert hashes[0] != hashes[1] == hashes[2]


NUMBER = {"id": "a", "kind": "number", "reported": "0.247", "verdict": "digit"}
SPREAD = {"id": "b", "kind": "spread", "reported": "1.10e-10", "verdict": "spread"}
LIMIT = {"id": "d", "kind": "limit", "above": 0.5, "below": 0.95, "verdict": "confirmed"}
WORDS = {"id": "c", "kind": "words", "verdict": "confirmed"}


@pytest.mark.parametrize(
    ("claim", "value", "holds"),
    [
        (NUMBER, 0.2474, True),
        (NUMBER, 0.2476, False),
        ({**NUMBER, "reported": "100"}, 99.4, False),
        ({**NUMBER, "tolerance": 0.1}, 0.3, True),
        (NUMBER, float("nan"), False),
        (SPREAD, (2e-10, 1e-11, 1e-9), True),
        (SPREAD, (2e-10, 2e-10, 1e-9), False),
        (LIMIT, (0.6, "60%"), True),
        (LIMIT, (0.5, "50%"), False),
        (LIMIT, (0.96, "96%"), False),
        (LIMIT, (float("nan"), "nan"), False),
        (WORDS, (True, "it holds"), True),
        (WORDS, (False, "it does not"), False),
    ],
)
def test_claim_agrees_only_within_its_printed_digits(
    claim: dict, value: object, holds: bool
) -> None:
    assert ledger.agrees(claim, value) is holds


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        (NUMBER, "nan"),
        (NUMBER, "np.float64(0.247)"),
        (NUMBER, "(0.2, 0.1, 0.3)"),
        (SPREAD, "(1e-10, 1e-9)"),
        (WORDS, "('False', 'what was measured')"),
        (WORDS, "True"),
        (LIMIT, "(True, 'what was measured')"),
        (LIMIT, "0.7"),
    ],
)
def test_measured_value_of_another_kind_is_refused(claim: dict, text: str) -> None:
    with pytest.raises((TypeError, ValueError)):
        ledger.read_value(claim, text)


def test_measured_value_is_read_as_python_prints_it() -> None:
    assert ledger.read_value(NUMBER, "0.2469") == 0.2469
    assert ledger.read_value(SPREAD, "(2e-10, 1e-11, 1e-09)") == (2e-10, 1e-11, 1e-9)
    assert ledger.read_value(WORDS, "(True, 'it holds')") == (True, "it holds")


NUMBERED = """\
format: jb-book
root: index
parts:
  - numbered: true
    chapters: [{file: one}, {file: 01_two}]
  - chapters: [{file: api}]
"""


def test_chapters_are_counted_as_the_contents_number_them(tmp_path: Path) -> None:
    """The number at the head of a file's name was taken for that of the chapter."""
    (tmp_path / "_toc.yml").write_text(NUMBERED, encoding="utf-8")
    config = SimpleNamespace(external_site_map=parse_toc_yaml(tmp_path / "_toc.yml"))
    app = SimpleNamespace(config=config)
    found = [equations.chapter_number(app, name) for name in ("one", "01_two", "api")]
    assert found == ["1", "2", ""]


def test_exercises_get_places_and_labels() -> None:
    text = "Exercises\n=========\n\n**1.** One.\n\n**2. A title** (core). Two.\n\n**Not** 3."
    doctree = publish_doctree(
        f"Page\n####\n\nText.\n\n{text}", settings_overrides={"doctitle_xform": False}
    )
    domain = SimpleNamespace(data={"labels": {}, "anonlabels": {}})
    env = SimpleNamespace(docname="nbs/xor", domains={"std": domain})
    part = SimpleNamespace(numbered=True, items=["nbs/a", "nbs/xor"])
    site_map = SimpleNamespace(root=SimpleNamespace(subtrees=[part]))
    exercises.label_exercises(
        SimpleNamespace(env=env, config=SimpleNamespace(external_site_map=site_map)), doctree
    )
    assert domain.data["labels"] == {
        "exercise-xor-1": ("nbs/xor", "exercise-1", "exercise 2.1"),
        "exercise-xor-2": ("nbs/xor", "exercise-2", "exercise 2.2"),
    }


def test_every_notebook_carries_the_hash() -> None:
    """Also one that does not import the package: the look of its figures is in the hash too."""
    notebook = {
        "cells": [{"cell_type": "markdown", "source": "# Title"}, code_cell("x = 1")],
        "metadata": {"kernelspec": {"name": "python3"}},
    }
    directives.rewrite_notebook(notebook, "abc")
    assert notebook["metadata"]["kernelspec"]["package"] == "abc"


def test_measured_claims_are_found_in_a_cell() -> None:
    assert ledger.measured_in(
        'glue("claim-eq-1", (True, "x"))\nglue(\n    "claim-table-6-00", 1.0)\nglue("loss", 1)'
    ) == ["eq-1", "table-6-00"]


RAN = 'quote = "x"\ncriterion = "y"\n'


@pytest.mark.parametrize(
    "entry",
    [
        RAN + 'kind = "number"\nverdict = "digit"',
        RAN + 'kind = "words"\nreported = "1"\nverdict = "confirmed"',
        RAN + 'kind = "words"\nverdict = "true"',
        RAN + 'kind = "limit"\nverdict = "confirmed"',
        RAN + 'kind = "limit"\nabove = 1\nverdict = "confirmed"',
        RAN + 'kind = "words"\nverdict = "outside"',
        RAN + 'kind = "words"\nverdict = "confirmed"\nfound = "it was read"',
        RAN + 'verdict = "refuted"',
        RAN + 'verdict = "refuted"\nevidence = "report"',
        RAN + 'verdict = "refuted"\nevidence = "hearsay"\nfound = "z"',
        'quote = "x"\nkind = "words"\nverdict = "confirmed"',
        'criterion = "y"\nkind = "words"\nverdict = "confirmed"',
    ],
)
def test_claim_that_makes_no_sense_is_rejected(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(f'[[claim]]\nid = "a"\nwhere = "1"\n{entry}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="claim a"):
        ledger.load_claims(path)


def test_criterion_prints_the_limit_that_decides(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    entry = 'quote = "x"\nkind = "limit"\nbelow = 0.3\nverdict = "refuted"'
    criterion = 'criterion = "it is below {below:.0%} of $10^{-3}$"'
    path.write_text(f'[[claim]]\nid = "a"\nwhere = "1"\n{entry}\n{criterion}', encoding="utf-8")
    assert ledger.load_claims(path)["a"]["criterion"] == "it is below 30% of $10^{-3}$"


def test_every_claim_of_the_book_has_words_criterion_and_evidence() -> None:
    """`load_claims` refuses others; here, that those that are read say what was found."""
    claims = ledger.load_claims(ROOT / "nbs" / "claims.toml")
    assert len(claims) > 140
    assert {claim["evidence"] for claim in claims.values()} == set(ledger.EVIDENCE)
    assert all(claim["evidence"] == "run" or claim["found"] for claim in claims.values())


def test_home_page_promises_no_more_exercises_than_there_are() -> None:
    """The same for the file that presents the repository."""
    solutions = sum(
        any("#| solution" in line for line in cell["source"].splitlines())
        for path in (ROOT / "nbs").glob("*.ipynb")
        for cell in nbformat.read(path, as_version=4).cells
    )
    assert solutions > 140
    for name in ("nbs/index.md", "README.md"):
        assert "more than 140 exercises" in (ROOT / name).read_text(encoding="utf-8").lower()


@pytest.mark.skipif("NNLIB_REPORT" not in os.environ, reason="the report is not in the repository")
def test_quotations_are_the_words_of_the_report() -> None:
    """NNLIB_REPORT names the report as a text file, with formulas as TeX."""

    def plain(text: str) -> str:
        return " ".join(re.sub(r"[*`$]", "", text).split())

    text = plain(Path(os.environ["NNLIB_REPORT"]).read_text(encoding="utf-8"))
    for name, claim in ledger.load_claims(ROOT / "nbs" / "claims.toml").items():
        for part in claim["quote"].split(" \u2026 "):
            assert plain(part) in text, name


def cells(*sources: str) -> list[dict]:
    """Make cells of text, of shown code (it begins with >) and of hidden code (with %)."""
    found = []
    for number, source in enumerate(sources):
        cell = {**code_cell(source), "id": str(number)}
        if source.startswith("%"):
            cell["metadata"] = {"tags": ["remove-cell"]}
        elif not source.startswith(">"):
            cell["cell_type"] = "markdown"
        found.append(cell)
    return found


MEASURE = "% glue('claim-a', 1)"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # the text before says it
        ([">code", "It is.", MEASURE, "Next."], [">code", "It is.", MEASURE, "BOX", "Next."]),
        # the text after says it, up to the next heading
        ([">code", MEASURE, "It is."], [">code", MEASURE, "It is.", "BOX"]),
        (
            [">code", MEASURE, "It is.\n\n(ch-b)=\n## Next\n\nText."],
            [">code", MEASURE, "It is.\n", "BOX", "\n(ch-b)=\n## Next\n\nText."],
        ),
        ([">code", MEASURE, "## Next"], [">code", MEASURE, "BOX", "## Next"]),
        # what is no heading
        (
            [">code", MEASURE, "It is:\n\n```python\n# so\n```\n\nSee."],
            [">code", MEASURE, "It is:\n\n```python\n# so\n```\n\nSee.", "BOX"],
        ),
        # a paragraph that leads to the next code stays with it
        (
            [">code", MEASURE, "It is.\n\nAnd so:", ">code"],
            [">code", MEASURE, "It is.", "BOX", "And so:", ">code"],
        ),
        ([">code", MEASURE, "And so:", ">code"], [">code", MEASURE, "BOX", "And so:", ">code"]),
        ([">code", MEASURE, ">code"], [">code", MEASURE, "BOX", ">code"]),
        ([">code", MEASURE], [">code", MEASURE, "BOX"]),
    ],
)
def test_box_stands_behind_the_text_that_its_claims_settle(
    before: list[str], after: list[str]
) -> None:
    box = "```{claim} a\n```"
    found = [cell["source"] for cell in ledger.after_paragraphs(cells(*before))]
    assert [text.strip("\n") for text in found] == [
        text.strip("\n").replace("BOX", box) for text in after
    ]


def test_claims_of_neighbouring_cells_share_a_box() -> None:
    two = MEASURE, MEASURE.replace("claim-a", "claim-b")
    found = ledger.after_paragraphs(cells("It is.", *two, "Next."))
    assert [cell["source"] for cell in found][3:] == ["```{claim} a b\n```", "Next."]
    found = ledger.after_paragraphs(cells(">code", two[0], "It is.", two[1], "Next."))
    assert [cell["source"] for cell in found][4:] == ["```{claim} a b\n```", "Next."]


def contrast(one: str, other: str) -> float:
    def luminance(color: str) -> float:
        parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("theme", "grounds"),
    [("html", ("#ffffff", "#f3f4f5")), ('html[data-theme="dark"]', ("#14181e", "#29313d"))],
)
def test_each_verdict_has_a_colour_of_its_own_that_can_be_read(
    theme: str, grounds: tuple[str, ...]
) -> None:
    """On the page, and on the grey of boxes and of every second row of a table."""
    style = (ROOT / "nbs/_ext/nnbook/static/book.css").read_text(encoding="utf-8")
    rule = re.search(re.escape(theme) + r" \{ (--nnbook-digit.*?) \}", style)
    assert rule is not None
    colors = dict(re.findall(r"--nnbook-(\w+): (#\w{6})", rule[1]))
    assert set(colors) == set(ledger.VERDICTS) and len(set(colors.values())) == len(colors)
    for name, color in colors.items():
        assert all(contrast(color, ground) >= 4.5 for ground in grounds), name


# ---------------------------------------------------------------- running chapters
MEET = """import os, pathlib, time
here = pathlib.Path({!r})
(here / {!r}).write_text(os.getcwd(), encoding="utf-8")
while not (here / {!r}).exists() or {}:
    time.sleep(0.01)
{}"""
GONE = "os.path.exists((here / 'one').read_text(encoding='utf-8'))"


def test_chapters_run_side_by_side_and_what_ran_beside_a_failure_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two wait for each other; the first fails, the second ends after that, and the third does not
    begin.
    """
    here = tmp_path / "Bücher & mehr"
    here.mkdir()
    monkeypatch.setattr(execution, "cores", lambda: 2)
    sources = {
        "one": MEET.format(str(here), "one", "two", False, "1 / 0"),
        "two": MEET.format(str(here), "two", "one", GONE, ""),
        "three": "",
    }
    books = [
        (
            here / name,
            nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, ("", source))]),
        )
        for name, source in sources.items()
    ]
    cache = get_cache(here / "cache")

    def run() -> list[Exception]:
        with asyncio.Runner(loop_factory=execution.Loop) as runner:
            return runner.run(
                execution.run_all(books, NbParserConfig(execution_timeout=60), cache)
            )

    with ThreadPoolExecutor(1) as pool:  # a browser's loop may be running in this thread
        failures = pool.submit(run).result()
    assert [str(failure).splitlines()[-1] for failure in failures] == [
        "ZeroDivisionError: division by zero"
    ]
    assert [Path(record.uri).name for record in cache.list_cache_records()] == ["two"]


# ---------------------------------------------------------------- a small book, built for real
TOC = "format: jb-book\nroot: nbs/index\nchapters:\n  - file: nbs/chapter\n  - file: nbs/ledger\n"
CLAIMS = """[[claim]]
id = "answer"
where = "1, Table 1"
quote = "The answer is $42$"
kind = "number"
reported = "42"
verdict = "{}"
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book of one chapter, which imports a package of one number and measures one claim."""
    shutil.copytree(ROOT / "nbs" / "_ext", tmp_path / "nbs" / "_ext")
    shutil.copy(ROOT / "_config.yml", tmp_path)
    shutil.copy(ROOT / "nbs" / "references.bib", tmp_path / "nbs")
    for name, text in {
        "_toc.yml": TOC,
        "nbs/claims.toml": CLAIMS.format("digit"),
        "nbs/index.md": "# A book\n",
        "nbs/ledger.md": "# Ledger\n\nSee {ref}`ch-one`.\n\n```{ledger}\n```\n",
        "nnlib/__init__.py": "answer = 42\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    write_chapter(
        tmp_path,
        "import nnlib\nprint('the answer is', nnlib.answer)",
        "from myst_nb import glue\nglue('claim-answer', nnlib.answer, display=False)",
    )
    return tmp_path


def write_chapter(book: Path, *sources: str) -> None:
    cells = [
        *map(nbformat.v4.new_markdown_cell, ["# Chapter", "(ch-one)=\nText."]),
        *map(nbformat.v4.new_code_cell, sources),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "python3"}}
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata=kernel), book / "nbs" / "chapter.ipynb"
    )


def build(book: Path, *options: str, **environment: str) -> tuple[int, str]:
    """Build it; return the exit code and what was printed."""
    command = [
        Path(sys.executable).with_name("jupyter-book"),
        "build",
        ".",
        "--all",
        "-W",
        "-n",
        "--keep-going",
        *options,
    ]
    environment = {**os.environ, "PYTHONPATH": str(book), "BASEURL": "", **environment}
    done = subprocess.run(
        command,
        check=False,
        cwd=book,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return done.returncode, done.stdout + done.stderr


def test_change_in_the_package_runs_the_chapter_again(book: Path) -> None:
    """Neither an old output nor an old measurement survives; without a change, nothing runs."""
    page = book / "_build" / "html" / "nbs" / "chapter.html"
    code, output = build(book)
    assert code == 0 and "chapter.ipynb ran" in output and "Executing" not in output
    assert "the answer is 42" in page.read_text("utf-8")
    # without Pyodide at hand the page cannot be made live
    assert '"megabytes": {}' in html.unescape(page.read_text("utf-8"))
    again = build(book)[1]
    assert "Executing" not in again and "chapter.ipynb ran" not in again
    (book / "nnlib" / "__init__.py").write_text("answer = 43\n", encoding="utf-8")
    code, output = build(book)
    assert "the answer is 43" in page.read_text("utf-8")
    assert code == 1 and "contradicts the verdict 'digit'" in output


def test_contradicted_or_unmeasured_claim_fails_every_build(book: Path) -> None:
    """Also the second build, in which nothing has changed."""
    claims = book / "nbs" / "claims.toml"
    claims.write_text(CLAIMS.format("corrected"), encoding="utf-8")
    for _ in range(2):
        code, output = build(book)
        assert code == 1 and "measured: 42, which contradicts" in output
    claims.write_text(
        CLAIMS.format("digit") + CLAIMS.format("digit").replace("answer", "other"),
        encoding="utf-8",
    )
    code, output = build(book)
    assert code == 1 and "'other' is settled 0 times" in output
    claims.write_text(CLAIMS.format("digit"), encoding="utf-8")
    (book / "nbs" / "ledger.md").write_text("# Ledger\n\n```{ledger} 2\n```\n", encoding="utf-8")
    code, output = build(book)
    assert code == 1 and "'answer' is listed 0 times" in output


READ = """
[[claim]]
id = "read"
where = "1"
quote = "It is enough"
criterion = "it is"
verdict = "refuted"
evidence = "report"
found = "section 2 says that it is not"
"""


def test_claim_that_is_read_needs_a_box_in_a_chapter(book: Path) -> None:
    """The directive makes it, and it and the ledger lead to each other."""
    (book / "nbs" / "claims.toml").write_text(CLAIMS.format("digit") + READ, encoding="utf-8")
    code, output = build(book)
    assert code == 1 and "'read' is settled 0 times" in output
    path = book / "nbs" / "chapter.ipynb"
    chapter = nbformat.read(path, as_version=4)
    chapter.cells[1].source += "\n\n```{claim} read\n```"
    nbformat.write(chapter, path)
    code, output = build(book)
    assert code == 0, output
    pages = {
        name: BeautifulSoup((book / "_build/html/nbs" / name).read_text("utf-8"), "html.parser")
        for name in ("chapter.html", "ledger.html")
    }
    box = pages["chapter.html"].find(id="claim-read")
    row = pages["ledger.html"].find(id="ledger-read")
    assert isinstance(box, Tag) and isinstance(row, Tag)
    assert box.select_one('a[href="ledger.html#ledger-read"]')
    assert row.select_one('a[href="chapter.html#claim-read"]')
    assert "Section 2 says that it is not." in box.get_text() and "read in the report" in str(row)


def test_chapter_that_raises_fails_every_build_and_is_named_at_its_end(book: Path) -> None:
    """With the cell and the error, below all that Sphinx and jupyter-book have to say."""
    write_chapter(book, "x = 1", "# two lines\nraise RuntimeError('on purpose')", "x = 2")
    for _ in range(2):
        code, output = build(book)
        chapter, *cell, error = output.rstrip().splitlines()[-4:]
        assert code == 1 and chapter.startswith("nbs/chapter.ipynb, cell 2 (")
        assert (
            cell == ["    # two lines", "    raise RuntimeError('on purpose')"]
            and error == "RuntimeError: on purpose"
        )


def test_unresolved_reference_fails_the_build_and_is_named(book: Path) -> None:
    (book / "nbs" / "index.md").write_text(
        "# A book\n\nSee {eq}`nowhere` and {ref}`neither`.\n", encoding="utf-8"
    )
    code, output = build(book)
    assert code == 1 and "nowhere" in output and "neither" in output


@pytest.mark.parametrize(
    ("address", "link"),
    [
        ("", None),
        ("https://example.org/errors", "https://example.org/errors"),
        ("errors@example.org", "mailto:errors@example.org?subject=Error%20in%3A%20A%20page"),
    ],
)
def test_page_has_a_link_for_errors_if_there_is_an_address(address: str, link: str | None) -> None:
    app = SimpleNamespace(config=SimpleNamespace(nnbook_errors=address))
    context = {"body": "<h1>A page</h1>", "title": "A <em>page</em>"}
    fixes.add_error_link(app, "nbs/page", "page.html", context, None)
    found = BeautifulSoup(context["body"], "html.parser").select_one(".nnbook-errors a")
    assert (found and found["href"]) == link


def test_address_of_the_site_is_in_its_pages_if_it_is_set(book: Path) -> None:
    """With an address, shared links show a card; without one, no page leads anywhere else."""
    page, card = book / "_build/html/nbs/chapter.html", book / "_build/html/_static" / fixes.CARD
    assert build(book, BASEURL="https://example.org/book/")[0] == 0
    head, address = (
        BeautifulSoup(page.read_text("utf-8"), "html.parser"),
        "https://example.org/book/nbs/chapter.html",
    )
    assert [tag["href"] for tag in head.select("link[rel=canonical]")] == [address]
    about = {tag["property"]: tag["content"] for tag in head.select("meta[property^='og:']")}
    assert about["og:url"] == address and about["og:title"] == "Chapter" and about["og:image:alt"]
    assert about["og:image"] == "https://example.org/book/_static/card.png"
    assert card.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and card.stat().st_size < 150_000
    assert build(book)[0] == 0
    text = page.read_text("utf-8")
    assert "canonical" not in text and "og:" not in text and "example.org" not in text


def test_page_is_translated_and_built(book: Path) -> None:
    """Its texts can be extracted, without its code, and come back in another language."""
    code, output = build(book, "--builder", "custom", "--custom-builder", "gettext")
    assert code == 0, output
    texts = (book / "_build" / "gettext" / "nbs" / "chapter.pot").read_text("utf-8")
    assert 'msgid "Chapter"' in texts and "nnlib.answer" not in texts
    asked = 'msgid "Text."\nmsgstr ""'
    assert asked in texts
    catalogue = book / "nbs" / "locale" / "de" / "LC_MESSAGES" / "nbs" / "chapter.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text(texts.replace(asked, 'msgid "Text."\nmsgstr "Ein Satz."'), "utf-8")
    code, output = build(book, NNLIB_LANGUAGE="de")
    assert code == 0, output
    page = (book / "_build" / "html" / "nbs" / "chapter.html").read_text("utf-8")
    assert "<p>Ein Satz.</p>" in page and "<p>Text.</p>" not in page
    assert '<html lang="de"' in page and "the answer is 42" in page
