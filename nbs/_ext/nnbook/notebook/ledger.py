"""The ledger of claims: what the report says, beside what the chapters measured.

``claims.toml`` lists the claims. A chapter measures one with ``glue("claim-<id>", value)``: a box
with both appears there, and the page with the directive ``ledger`` lists all. The build fails on a
claim that is measured nowhere or twice, and on a measurement that contradicts the verdict on
record.
"""

from __future__ import annotations

import ast
import re
import tomllib
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
    "spread": "reproduced within spread",
    "confirmed": "confirmed",
    "corrected": "corrected",
    "refuted": "refuted",
    "unchecked": "not checkable",
}
AGREEING = {"digit", "spread", "confirmed"}
logger = logging.getLogger(__name__)


def load_claims(path: Path = CLAIMS) -> dict[str, dict[str, Any]]:
    """Read the claims by id; raise ValueError for an entry that makes no sense."""
    claims: dict[str, dict[str, Any]] = {}
    for claim in tomllib.loads(path.read_text(encoding="utf-8"))["claim"]:
        name = claim["id"]
        if name in claims:
            raise ValueError(f"{path.name}: claim {name} stands there twice")
        if claim["kind"] not in ("number", "spread", "words") or claim["verdict"] not in VERDICTS:
            raise ValueError(f"{path.name}: claim {name}: unknown kind or verdict")
        if (claim["kind"] == "words") == ("reported" in claim):
            raise ValueError(
                f"{path.name}: claim {name}: `reported` goes with numbers, and only with them"
            )
        if (claim["verdict"] == "unchecked") != ("reason" in claim):
            raise ValueError(
                f"{path.name}: claim {name}: a reason goes with `unchecked`, and only with it"
            )
        claims[name] = claim
    return claims


def measured_in(source: str) -> list[str]:
    """List the claims that a cell measures."""
    return re.findall(r"""glue\(\s*["']claim-([\w-]+)["']""", source)


def measured(env: BuildEnvironment) -> dict[str, list[tuple[str, str, bool]]]:
    """What each page measured: claims, values as they are shown, and whether they agree."""
    record: dict[str, list[tuple[str, str, bool]]] = vars(env).setdefault("nnbook_measured", {})
    return record


def read_value(claim: dict[str, Any], text: str) -> Any:
    """Read a measured value, as Python prints it; raise unless it is of the claim's kind."""
    value = ast.literal_eval(text)
    numbers = (int, float)
    shapes: dict[str, list[Any]] = {
        "number": [numbers],
        "spread": [numbers] * 3,
        "words": [bool, str],
    }
    kinds = shapes[claim["kind"]]
    parts = [value] if claim["kind"] == "number" else list(value)
    if len(parts) != len(kinds) or not all(map(isinstance, parts, kinds)):
        raise ValueError("see the head of claims.toml")
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
        holds, _ = value
        return bool(holds)
    reported = float(claim["reported"])
    if claim["kind"] == "spread":
        _, low, high = value
        return bool(low <= reported <= high)
    return bool(abs(value - reported) <= tolerance(claim) * (1 + 1e-9))


def shown(claim: dict[str, Any], value: Any) -> str:
    """Write a measured value for the reader."""
    if claim["kind"] == "words":
        return str(value[1])
    if claim["kind"] == "spread":
        digits = max(3, len(Decimal(claim["reported"]).as_tuple().digits))
        median, low, high = (f"{number:.{digits}g}" for number in value)
        return f"{median} ({low} to {high})"
    if "e" in claim["reported"] or not agrees(claim, value):
        return f"{value:.4g}"
    return f"{value:.{-exponent(claim)}f}"


class Claim(SphinxDirective):
    """The box of one claim, after the cell that measures it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        self.env.note_dependency(str(CLAIMS))
        claim = load_claims().get(name)
        if claim is None:
            raise self.error(f"claim {name!r} is not listed in {CLAIMS.name}")
        text = retrieve_glue_data(self.state.document, f"claim-{name}").data["text/plain"]
        try:
            value = read_value(claim, text)
        except (SyntaxError, TypeError, ValueError) as error:
            kind = f"which is no value of kind {claim['kind']!r}"
            raise self.error(f"claim {name!r}: measured {text}, {kind}: {error}") from error
        found = shown(claim, value)
        measured(self.env).setdefault(self.env.docname, []).append(
            (name, found, agrees(claim, value))
        )
        lines = [
            [nodes.Text("The report, "), *said(claim)],
            [nodes.Text(f"Measured: {found}. "), verdict_node(claim)],
        ]
        return [
            nodes.container(
                "",
                *(nodes.paragraph("", "", *line) for line in lines),
                ids=[f"claim-{name}"],
                classes=["nnbook-claim"],
            )
        ]


def verdict_node(claim: dict[str, Any]) -> nodes.Node:
    """Write a verdict, with a class for its look."""
    return nodes.inline(
        "", VERDICTS[claim["verdict"]], classes=["nnbook-verdict", f"nnbook-{claim['verdict']}"]
    )


class ledger_node(nodes.General, nodes.Element):
    """Where the table of all claims is to stand, or (with ``summary``) their count."""


class Ledger(Directive):
    """The table of all claims; ``summary`` for a sentence that counts the verdicts."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        return [ledger_node("", summary=self.arguments == ["summary"])]


def fill_ledgers(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put table and summary in their places, once all chapters are read."""
    for node in list(doctree.findall(ledger_node)):
        claims = load_claims()
        node.replace_self(summary(claims) if node["summary"] else table(app, claims, docname))


def summary(claims: dict[str, dict[str, Any]]) -> nodes.Node:
    """Count the verdicts in a sentence."""
    verdicts = [claim["verdict"] for claim in claims.values()]
    counts = [f"{verdicts.count(key)} {text}" for key, text in VERDICTS.items() if key in verdicts]
    return nodes.paragraph(
        "", f"Of {len(claims)} claims: {', '.join(counts[:-1])} and {counts[-1]}."
    )


def table(app: Sphinx, claims: dict[str, dict[str, Any]], docname: str) -> nodes.Node:
    """List all claims: reported, measured, verdict with a link to the cell."""
    where = {
        name: (page, text) for page, rows in measured(app.env).items() for name, text, _ in rows
    }
    heads = ["The report says", "Measured", "Verdict"]
    group = nodes.tgroup(
        "", *(nodes.colspec(colwidth=width) for width in (40, 45, 15)), cols=len(heads)
    )
    group += nodes.thead("", row([[nodes.Text(head)] for head in heads]))
    body = nodes.tbody()
    for name, claim in claims.items():
        page, text = where.get(name, (None, claim.get("reason", "")))
        verdict = verdict_node(claim)
        if page:
            verdict = make_refnode(app.builder, docname, page, f"claim-{name}", verdict)
        body += row([said(claim), [nodes.Text(text)], [verdict]])
    group += body
    return nodes.table("", group, classes=["nnbook-ledger"])


def said(claim: dict[str, Any]) -> list[nodes.Node]:
    """Write what the report says, and where."""
    reported = f": {claim['reported']}" if "reported" in claim else ""
    return [nodes.strong("", claim["where"]), nodes.Text(f". {claim['says']}{reported}")]


def row(cells: list[list[nodes.Node]]) -> nodes.row:
    """Make a row of a table."""
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


def check_ledger(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn, and so fail the build, unless each claim is measured once, as its verdict has it."""
    all_rows = [(page, *row) for page, rows in measured(env).items() for row in rows]
    for name, claim in load_claims().items():
        found = [row for row in all_rows if row[1] == name]
        if len(found) != (claim["verdict"] != "unchecked"):
            logger.warning(f"{CLAIMS.name}: claim {name!r} is measured {len(found)} times")
        for page, _, text, holds in found:
            if holds != (claim["verdict"] in AGREEING):
                logger.warning(
                    f"claim {name!r}: measured {text}, "
                    f"which contradicts the verdict {claim['verdict']!r}",
                    location=page,
                )


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget what a page measured before it is read again."""
    measured(env).pop(docname, None)


def setup(app: Sphinx) -> None:
    app.add_node(ledger_node)
    app.add_directive("claim", Claim)
    app.add_directive("ledger", Ledger)
    app.connect("env-purge-doc", purge)
    app.connect("env-check-consistency", check_ledger)
    app.connect("doctree-resolved", fill_ledgers)
