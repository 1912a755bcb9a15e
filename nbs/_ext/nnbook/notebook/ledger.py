"""The ledger of claims: what the report says, beside what was found about it.

``claims.toml`` lists the claims. A chapter measures one with ``glue("claim-<id>", value)``: behind
the text that says so, a folded box shows what is settled. A claim that is read, not run, gets its
box from the directive ``claim`` in the text. The page with the directive ``ledger`` lists all
claims; each entry leads to its box, and each box to its entry. The build fails on a claim that is
settled nowhere or twice, on a measurement that contradicts the verdict on record, and on a claim
that no page lists.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from myst_nb.ext.glue.utils import retrieve_glue_data
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

CLAIMS = Path(__file__).parents[3] / "claims.toml"
VERDICTS = {
    "digit": "reproduced to the digit",
    "spread": "within the spread",
    "confirmed": "confirmed",
    "corrected": "corrected",
    "outside": "outside the spread",
    "refuted": "refuted",
}
AGREEING = {"digit", "spread", "confirmed"}
KINDS = ("number", "spread", "limit", "words")
EVIDENCE = {
    "run": "run here",
    "report": "read in the report",
    "repository": "read in its repository",
}
ROUNDS = "the measured number rounds to the printed one"
logger = logging.getLogger(__name__)


def load_claims(path: Path = CLAIMS) -> dict[str, dict[str, Any]]:
    """Read the claims by id; raise ValueError for an entry that makes no sense."""
    claims: dict[str, dict[str, Any]] = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["claim"]:
        name = entry["id"]
        default = {"criterion": ROUNDS} if entry.get("kind") == "number" else {}
        claim: dict[str, Any] = {"evidence": "run", **default, **entry}
        problem = "stands there twice" if name in claims else problem_of(claim)
        if problem:
            raise ValueError(f"{path.name}: claim {name}: {problem}")
        claims[name] = claim | {"criterion": with_limits(claim)}
    return claims


def with_limits(claim: dict[str, Any]) -> str:
    """Write the limits of a claim into its criterion."""
    return re.sub(
        r"\{(above|below)(:[^}]*)?\}",
        lambda match: format(claim[match[1]], (match[2] or ":")[1:]),
        str(claim["criterion"]),
    )


def problem_of(claim: dict[str, Any]) -> str:
    """Say what is wrong with an entry, if anything."""
    kind, verdict = claim.get("kind", "words"), claim["verdict"]
    bounds = [key for key in ("above", "below") if key in claim]
    if kind not in KINDS or verdict not in VERDICTS or claim["evidence"] not in EVIDENCE:
        return "unknown kind, verdict or evidence"
    if not (claim.get("quote") and claim.get("criterion")):
        return "the report's words and the criterion are both needed"
    if (claim["evidence"] == "run") != ("kind" in claim):
        return "a kind goes with what is run, and only with it"
    if (claim["evidence"] == "run") == ("found" in claim):
        return "what was found goes with what is read, and only with it"
    if (kind in ("number", "spread")) != ("reported" in claim):
        return "`reported` goes with numbers, and only with them"
    if (kind == "limit") != bool(bounds):
        return "`above` or `below` goes with a limit, and only with it"
    if any(f"{{{key}" not in claim["criterion"] for key in bounds):
        return "the criterion does not print the limit"
    fits = {"digit": "number", "spread": "spread", "outside": "spread"}
    if kind != fits.get(verdict, kind):
        return f"the verdict {verdict!r} does not go with the kind {kind!r}"
    return ""


def measured_in(source: str) -> list[str]:
    """List the claims that a cell measures."""
    return re.findall(r"""glue\(\s*["']claim-([\w-]+)["']""", source)


def after_paragraphs(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put what hidden cells settle into one box behind the text that says so.

    That is the text before them, or, if code that is shown stands between, the text that
    follows, up to the next heading or to a paragraph that leads to the next code.
    """
    out: list[dict[str, Any]] = []
    names: list[str] = []
    text_before = False

    def settle() -> None:
        if names:
            last = len(out) - 1
            while last >= 0 and is_hidden(out[last]):
                last -= 1
            if last >= 0 and str(out[last].get("id", "")).startswith("claims-"):
                names[:0] = out.pop(last)["source"].split()[1:-1]
            source = "```{claim} " + " ".join(names) + "\n```"
            cell = {"cell_type": "markdown", "id": f"claims-{names[0]}", "metadata": {}}
            out.append({**cell, "source": source})
            names.clear()

    for cell in cells:
        source = "".join(cell["source"])
        if is_hidden(cell):
            out.append(cell)
            names += measured_in(source)
            continue
        if cell["cell_type"] == "code" or text_before:
            settle()
        text_before = cell["cell_type"] != "code"
        if not names:
            out.append(cell)
            names += measured_in(source) if cell["cell_type"] == "code" else []
            continue
        before, behind = split_text(source)
        out += [{**cell, "source": before}] if before.strip() else []
        settle()
        if behind:
            name = cell["id"] + "-rest" if before.strip() else cell["id"]
            out.append({**cell, "id": name, "source": behind})
    settle()
    return out


def is_hidden(cell: dict[str, Any]) -> bool:
    """Whether nothing of a cell is shown."""
    return cell["cell_type"] == "code" and "remove-cell" in cell["metadata"].get("tags", [])


def split_text(text: str) -> tuple[str, str]:
    """Split Markdown before its first heading, or else before a last paragraph with a colon."""
    before, behind = split_at_heading(text)
    if not behind and re.search(r"[^:]:\s*$", before):
        head, _, lead = before.rpartition("\n\n")
        return head, lead
    return before, behind


def split_at_heading(text: str) -> tuple[str, str]:
    """Split Markdown before its first heading, and before the target that belongs to it."""
    lines, fence = text.splitlines(keepends=True), ""
    for number, line in enumerate(lines):
        if mark := re.match(r" {0,3}(`{3,}|~{3,}|:{3,})", line):
            if not fence:
                fence = mark[1]
            elif line.strip() == line.strip()[0] * len(line.strip()) and mark[1] >= fence:
                fence = ""
        elif not fence and re.match(r"#{1,6} ", line):
            start = number
            while start and (not lines[start - 1].strip() or lines[start - 1].startswith("(")):
                start -= 1
            return "".join(lines[:start]), "".join(lines[start:])
    return text, ""


def settled(env: BuildEnvironment) -> dict[str, list[tuple[str, str, bool | None]]]:
    """What each page settles: claims, what was found, and whether they hold if it was measured."""
    record: dict[str, list[tuple[str, str, bool | None]]] = vars(env).setdefault(
        "nnbook_settled", {}
    )
    return record


def listed(env: BuildEnvironment) -> dict[str, list[str]]:
    """Return the sections of the report whose claims each page lists; an empty one is all."""
    record: dict[str, list[str]] = vars(env).setdefault("nnbook_listed", {})
    return record


def section(claim: dict[str, Any]) -> str:
    """Return the first section of the report in which a claim stands."""
    return re.split(r"[ ,:]", claim["where"])[0]


def within(claim: dict[str, Any], part: str) -> bool:
    """Whether a claim stands in a section of the report, or in one of that section's parts."""
    return not part or f"{section(claim)}.".startswith(f"{part}.")


def read_value(claim: dict[str, Any], text: str) -> Any:
    """Read a measured value, as Python prints it; raise unless it is of the claim's kind."""
    value = ast.literal_eval(text)
    numbers = (int, float)
    shapes: dict[str, list[Any]] = {
        "number": [numbers],
        "spread": [numbers] * 3,
        "limit": [numbers, str],
        "words": [bool, str],
    }
    kinds = shapes[claim["kind"]]
    parts = [value] if claim["kind"] == "number" else list(value)
    if len(parts) != len(kinds) or not all(map(isinstance, parts, kinds)):
        raise ValueError("see the head of claims.toml")
    if claim["kind"] == "limit" and isinstance(value[0], bool):
        raise ValueError("a limit is for numbers")
    return value


def exponent(claim: dict[str, Any]) -> int:
    """Count the places of the last printed digit of a number, negative after the point."""
    return int(Decimal(claim["reported"]).as_tuple().exponent)


def tolerance(claim: dict[str, Any]) -> float:
    """How far from `reported` a measured number may lie: half a unit in the last printed digit."""
    unit = Decimal(1).scaleb(exponent(claim))
    return float(claim.get("tolerance", unit / 2))


def agrees(claim: dict[str, Any], value: Any) -> bool:
    """Whether a measured value says the same as the report."""
    if claim["kind"] == "words":
        return bool(value[0])
    if claim["kind"] == "limit":
        low, high = claim.get("above", float("-inf")), claim.get("below", float("inf"))
        return bool(low < value[0] < high)
    reported = float(claim["reported"])
    if claim["kind"] == "spread":
        _, low, high = value
        return bool(low <= reported <= high)
    return bool(abs(value - reported) <= tolerance(claim) * (1 + 1e-9))


def shown(claim: dict[str, Any], value: Any) -> str:
    """Write a measured value for the reader."""
    if claim["kind"] in ("words", "limit"):
        return str(value[1])
    if claim["kind"] == "spread":
        digits = max(3, len(Decimal(claim["reported"]).as_tuple().digits))
        median, low, high = (f"{number:.{digits}g}" for number in value)
        return f"measured: median {median}, range {low} to {high}"
    if "e" in claim["reported"] or not agrees(claim, value):
        return f"measured: {value:.4g}"
    return f"measured: {value:.{-exponent(claim)}f}"


class claims_box(nodes.General, nodes.Element):
    """What a place in a chapter settles, folded; its first child is its ``claims_head``."""


class claims_head(nodes.TextElement):
    """The line of a folded box that is always seen."""


class ledger_link(nodes.General, nodes.Element):
    """Where a box links to the entry of its claim in the ledger."""


class Claim(SphinxDirective):
    """A folded box with what the text or the cells before it settle."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(CLAIMS))
        claims = load_claims()
        names = self.arguments[0].split()
        if unknown := [name for name in names if name not in claims]:
            raise self.error(f"claim {unknown[0]!r} is not listed in {CLAIMS.name}")
        entries = [self.entry(name, claims[name]) for name in names]
        return [
            claims_box("", claims_head("", "", *head([claims[name] for name in names])), *entries)
        ]

    def entry(self, name: str, claim: dict[str, Any]) -> nodes.Node:
        found, holds = self.measure(name, claim) if "kind" in claim else (claim["found"], None)
        settled(self.env).setdefault(self.env.docname, []).append((name, found, holds))
        lines = [said(claim), [nodes.Text(f"{sentence(found)} "), verdict_node(claim)]]
        return nodes.container(
            "",
            *(nodes.paragraph("", "", *line) for line in lines),
            rule(claim),
            nodes.paragraph(
                "",
                f"Evidence: {EVIDENCE[claim['evidence']]}. ",
                ledger_link("", name=name),
                classes=["nnbook-evidence"],
            ),
            ids=[f"claim-{name}"],
            classes=["nnbook-claim"],
        )

    def measure(self, name: str, claim: dict[str, Any]) -> tuple[str, bool]:
        """Return what a cell measured, as it is shown, and whether the claim holds by it."""
        text = retrieve_glue_data(self.state.document, f"claim-{name}").data["text/plain"]
        try:
            value = read_value(claim, text)
        except (KeyError, SyntaxError, TypeError, ValueError) as error:
            kind = f"which is no value of kind {claim['kind']!r}"
            raise self.error(f"claim {name!r}: measured {text}, {kind}: {error}") from error
        return shown(claim, value), agrees(claim, value)


def head(claims: list[dict[str, Any]]) -> Iterator[nodes.Node]:
    """Say in a line what a box holds."""
    verdicts = [claim["verdict"] for claim in claims]
    if len(claims) == 1:
        yield nodes.Text(f"The report, {claims[0]['where']}: ")
        yield verdict_node(claims[0])
        return
    yield nodes.Text(f"{len(claims)} claims of the report are settled here: ")
    for number, key in enumerate(key for key in VERDICTS if key in verdicts):
        yield nodes.Text(f"{', ' if number else ''}{verdicts.count(key)} ")
        yield verdict_node({"verdict": key})


def sentence(text: str) -> str:
    """Begin with a capital letter, and end with a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def rule(claim: dict[str, Any]) -> nodes.Node:
    """Write what decides: the criterion, with its threshold, and a remark if there is one."""
    text = f"Criterion: the claim holds if {claim['criterion']}."
    note = f" {claim['note']}" if "note" in claim else ""
    return nodes.paragraph("", "", *with_formulas(text + note), classes=["nnbook-criterion"])


def verdict_node(claim: dict[str, Any]) -> nodes.Node:
    """Write a verdict, with a class for its look."""
    return nodes.inline(
        "", VERDICTS[claim["verdict"]], classes=["nnbook-verdict", f"nnbook-{claim['verdict']}"]
    )


def said(claim: dict[str, Any]) -> list[nodes.Node]:
    """Write where the report says it, and its words, with formulas between dollar signs."""
    where = nodes.strong("", claim["where"])
    words = with_formulas(claim["quote"])
    return [where, nodes.Text(": \u201c"), *words, nodes.Text("\u201d")]


def with_formulas(text: str) -> list[nodes.Node]:
    """Make formulas of what stands between dollar signs."""
    return [
        nodes.math("", part) if number % 2 else nodes.Text(part)
        for number, part in enumerate(text.split("$"))
        if part
    ]


class ledger_node(nodes.General, nodes.Element):
    """Where a table of claims is to stand, or (with ``summary``) their count."""


class Ledger(Directive):
    """The table of all claims, or of those of a section of the report; ``summary`` counts them."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        part = "".join(self.arguments)
        if part != "summary":
            env = self.state.document.settings.env
            listed(env).setdefault(env.docname, []).append(part)
        return [ledger_node("", part=part)]


def fill_ledgers(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put tables, summaries and links to them in their places, once all chapters are read."""
    for link in list(doctree.findall(ledger_link)):
        link.replace_self(to_entry(app, link["name"], docname))
    for node in list(doctree.findall(ledger_node)):
        claims, part = load_claims(), node["part"]
        if part == "summary":
            node.replace_self(summary(claims))
            continue
        rows = {name: claim for name, claim in claims.items() if within(claim, part)}
        node.replace_self(table(app, rows, docname))
        # asked by what loads the script for formulas, which has looked before
        app.env.get_domain("math").data.setdefault("has_equations", {})[docname] = True


def to_entry(app: Sphinx, name: str, docname: str) -> nodes.Node:
    """Link to the entry of a claim in the ledger; nothing, if no page lists it."""
    claim, text = load_claims()[name], nodes.Text("Entry in the ledger")
    for page, parts in listed(app.env).items():
        if any(within(claim, part) for part in parts):
            return make_refnode(app.builder, docname, page, f"ledger-{name}", text)
    return nodes.Text("")


def summary(claims: dict[str, dict[str, Any]]) -> nodes.Node:
    """Count the verdicts in a sentence."""
    verdicts = [claim["verdict"] for claim in claims.values()]
    counts = [f"{verdicts.count(key)} {text}" for key, text in VERDICTS.items() if key in verdicts]
    return nodes.paragraph(
        "", f"Of {len(claims)} claims: {', '.join(counts[:-1])} and {counts[-1]}."
    )


def table(app: Sphinx, claims: dict[str, dict[str, Any]], docname: str) -> nodes.Node:
    """List claims: the report's words, what was found and how it is judged, the verdict."""
    where = {
        name: (page, text) for page, rows in settled(app.env).items() for name, text, _ in rows
    }
    heads = ["The report says", "Found, and what decides", "Verdict"]
    group = nodes.tgroup(
        "", *(nodes.colspec(colwidth=width) for width in (36, 48, 16)), cols=len(heads)
    )
    group += nodes.thead("", row([[nodes.Text(head)] for head in heads]))
    body = nodes.tbody()
    for name, claim in claims.items():
        page, text = where.get(name, (None, claim.get("found", "")))
        verdict = verdict_node(claim)
        source: list[nodes.Node] = [nodes.Text(EVIDENCE[claim["evidence"]])]
        if page:
            verdict = make_refnode(app.builder, docname, page, f"claim-{name}", verdict)
            title = nodes.Text(app.env.titles[page].astext())
            chapter = make_refnode(app.builder, docname, page, f"claim-{name}", title)
            how = "run in " if "kind" in claim else f"{EVIDENCE[claim['evidence']]}; see "
            source = [nodes.Text(how), chapter]
        source.insert(0, nodes.Text("Evidence: "))
        entry = row([said(claim)])
        entry += nodes.entry(
            "",
            nodes.paragraph("", sentence(text)),
            rule(claim),
            nodes.paragraph("", "", *source, classes=["nnbook-evidence"]),
        )
        entry += row([[verdict]]).children
        entry["classes"] = [f"nnbook-is-{claim['verdict']}"]
        entry["ids"] = [f"ledger-{name}"]
        body += entry
    group += body
    return nodes.table("", group, classes=["nnbook-ledger"])


def row(cells: list[list[nodes.Node]]) -> nodes.row:
    """Make a row of a table."""
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


def check_ledger(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn, and so fail the build, unless each claim is settled once, as its verdict has it."""
    all_rows = [(page, *row) for page, rows in settled(env).items() for row in rows]
    parts = [part for parts in listed(env).values() for part in parts]
    for name, claim in load_claims().items():
        found = [row for row in all_rows if row[1] == name]
        if len(found) != 1:
            logger.warning(f"{CLAIMS.name}: claim {name!r} is settled {len(found)} times")
        for page, _, text, holds in found:
            if holds is not None and holds != (claim["verdict"] in AGREEING):
                logger.warning(
                    f"claim {name!r}: {text}, which contradicts the verdict {claim['verdict']!r}",
                    location=page,
                )
        times = sum(within(claim, part) for part in parts)
        if times != 1:
            logger.warning(f"{CLAIMS.name}: claim {name!r} is listed {times} times")


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget what a page settled and listed before it is read again."""
    settled(env).pop(docname, None)
    listed(env).pop(docname, None)


def add_filter(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Load the filter on the page that lists the claims."""
    if page in listed(app.env):
        app.add_js_file("ledger.js", loading_method="defer")


def setup(app: Sphinx) -> None:
    app.add_node(ledger_node)
    app.add_node(
        claims_box,
        html=(
            lambda self, node: self.body.append('<details class="nnbook-claims">'),
            lambda self, node: self.body.append("</details>\n"),
        ),
    )
    app.add_node(
        claims_head,
        html=(
            lambda self, node: self.body.append("<summary>"),
            lambda self, node: self.body.append("</summary>\n"),
        ),
    )
    app.add_directive("claim", Claim)
    app.add_directive("ledger", Ledger)
    app.connect("env-purge-doc", purge)
    app.connect("env-check-consistency", check_ledger)
    app.connect("doctree-resolved", fill_ledgers)
    app.connect("html-page-context", add_filter)
