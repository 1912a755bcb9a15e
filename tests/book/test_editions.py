"""The book in print and as an EPUB: what needs neither a browser nor the built site."""

from __future__ import annotations

import re
from pathlib import Path

from bs4 import BeautifulSoup
from pypdf import PdfReader, PdfWriter

import editions
import epub
import print as printing


def test_edition_is_linked_from_each_page_once(tmp_path: Path) -> None:
    """From any depth, however often it is made; a page without the menu stays as it is."""
    (tmp_path / "nbs").mkdir()
    (tmp_path / "_static").mkdir()
    for name, text in {
        "search.html": f"<ul>{editions.PLACE}</ul>",
        "nbs/xor.html": f"<ul>{editions.PLACE}</ul>",
        "nbs/plain.html": "<p>",
    }.items():
        (tmp_path / name).write_text(text, "utf-8")
    for name in ("book.pdf", "book.epub", "book.pdf"):
        (tmp_path / name).write_bytes(b"made")
        editions.publish(tmp_path / name, tmp_path)
        assert (tmp_path / "_static" / "editions" / name).read_bytes() == b"made"
    for name in ("search.html", "nbs/xor.html"):
        page = tmp_path / name
        links = BeautifulSoup(page.read_text("utf-8"), "html.parser").select("a")
        assert [link.get_text() for link in links] == ["Book (.pdf)", "Book (.epub)"]
        assert all((page.parent / str(link["href"])).exists() for link in links)
    assert (tmp_path / "nbs" / "plain.html").read_text("utf-8") == "<p>"
    assert not list(tmp_path.rglob("*.new"))


def test_pdf_names_its_author(tmp_path: Path) -> None:
    path = tmp_path / "book.pdf"
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.write(path)
    printing.sign(path, "A book", "Its author")
    found = PdfReader(path).metadata
    assert found and (found.title, found.author) == ("A book", "Its author")


def test_chapter_of_an_epub_has_what_its_readers_know() -> None:
    """Links lead to the files of chapters, pictures lie beside them, live parts are gone."""
    page = BeautifulSoup(
        '<article class="a" data-x="1"><div class="nnbook-live" hidden></div>'
        '<p id="one.p" style="x" align="left"><a href="#two.">2</a> <a href="#two.id">3</a>'
        '<a href="https://example.org/">4</a><a id="one.a">5</a></p>'
        '<img loading="lazy" alt="A" src="/html/_images/a.svg"/></article>',
        "html.parser",
    )
    assert epub.clean(page.article) == ["a.svg"]
    assert page.decode() == (
        '<div class="a"><p id="one.p"><a href="two.xhtml">2</a> <a href="two.xhtml#two.id">3</a>'
        '<a href="https://example.org/">4</a><span id="one.a">5</span></p>'
        '<img alt="A" src="images/a.svg"/></div>'
    )


def test_formula_keeps_what_is_mathml() -> None:
    made = (
        '<math data-latex="x" class="c">'
        '<mi mathvariant="-tex-calligraphic" data-a="1">x</mi></math>'
    )
    math = epub.to_mathml("x\n <y", made, display=True)
    assert math.decode(formatter="minimal") == (
        '<math alttext="x &lt;y" display="block" xmlns="http://www.w3.org/1998/Math/MathML">'
        '<mi mathvariant="script">x</mi></math>'
    )


def test_picture_of_an_epub_names_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    kept = '<svg><path id="a" d="M 0 0"/>'
    path.write_text(
        f'<!DOCTYPE svg PUBLIC "x"\n  "http://x">{kept}<path id="blank"/></svg>', "utf-8"
    )
    assert epub.picture(path).decode() == f'{kept}<path d="" id="blank"/></svg>'


def test_code_that_begins_like_markup_is_none() -> None:
    """A name in braces, `equal_losses`, ended the print of the book."""
    assert not re.search(printing.MARKUP, 'f"{equal_losses[-1]:.4f} {reference} {eq.x}"')
    for raw in ("{eq}`a`", "{glue:text}`a`", "{py:func}`a`", "#| hide"):
        assert re.search(printing.MARKUP, raw), raw
