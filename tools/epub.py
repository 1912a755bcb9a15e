"""The whole book as an EPUB 3: ``python tools/epub.py``, after the site is built.

The articles of the built pages become chapters as in print, each a file of its own. Formulas are
MathML, which MathJax makes of them in Chromium now, so that no reader needs a script; solutions
stand unfolded, and what only lives in a page is left out.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
import uuid
import zipfile
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import sync_playwright

import editions
from browser import find_browser
from print import BUILD, ROOT, article, head_of, math_settings, parts_of_book
from serve import served

FORMULA = re.compile(r"\\\((.*?)\\\)|\\\[(.*?)\\\]", re.S)
KEPT = {  # of the attributes of the site, what a reader of books knows
    "alt", "class", "colspan", "dir", "height", "href", "id", "lang", "reversed", "rowspan",
    "scope", "span", "src", "start", "title", "type", "width",
}  # fmt: skip
ALONE = (".nnbook-live", ".nnbook-explorable", "svg.sd-octicon", "colgroup")
VARIANTS = {  # MathJax's own, and what they are in MathML
    "-tex-calligraphic": "script",
    "-tex-bold-calligraphic": "bold-script",
    "-tex-mathit": "italic",
}
MATHML = """async ([formulas]) => {
  await MathJax.startup.promise;
  const found = [];
  for (const [tex, display] of formulas)
    found.push(await MathJax.tex2mmlPromise(tex, { display }));
  return found;
}"""
STYLE = """\
body { line-height: 1.45; }
pre { font-size: .75em; white-space: pre-wrap; overflow-wrap: anywhere; }
pre { padding: .5em .8em; border-left: .15em solid #999; }
code { font-size: .85em; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-size: .85em; }
th, td { padding: .15em .5em; border-bottom: 1px solid #999; }
th, td { text-align: left; vertical-align: top; }
figure { margin: 1em 0; }
figcaption { font-size: .9em; }
.solution { font-weight: bold; }
.eqno { float: right; }
.admonition, blockquote { margin: 1em 0; padding: .1em 1em; border-left: .2em solid #999; }
"""
CONTAINER = """\
<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles>
<rootfile full-path="book/content.opf" media-type="application/oebps-package+xml"/>
</rootfiles>
</container>
"""
HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"
 lang="en" xml:lang="en">
<head><title>{title}</title><link rel="stylesheet" href="style.css"/></head>
"""
TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}


def name_of(page: str) -> str:
    """Name a page without its folder."""
    return PurePosixPath(page).name


def clean(text: Tag) -> list[str]:
    """Leave in a chapter what XHTML and readers know; return the pictures it shows."""
    for part in text.select(", ".join(ALONE)):
        part.decompose()
    pictures = []
    for part in [text, *text.find_all(True)]:
        part.attrs = {key: value for key, value in part.attrs.items() if key in KEPT}
        if part.name in ("article", "main"):
            part.name = "div"
        if part.name != "ol":
            part.attrs.pop("start", None)
        if part.name == "a":
            target, _, place = str(part.get("href", "")).partition("#")
            if place and not target:  # as `article` leads it: to a page, or to a place in one
                chapter, _, rest = place.partition(".")
                part["href"] = f"{chapter}.xhtml" + (f"#{place}" if rest else "")
        if part.name == "img":
            pictures.append(PurePosixPath(str(part["src"])).name)
            part["src"] = f"images/{pictures[-1]}"
    for link in text.select("a:not([href])"):
        link.name = "span"
    return pictures


def picture(path: Path) -> bytes:
    """Read a picture; of Matplotlib's, without the type of document, and a blank has a path."""
    data = path.read_bytes()
    if path.suffix == ".svg":
        data = re.sub(rb"<!DOCTYPE[^>]*>", b"", data, count=1)
        data = re.sub(rb"<path(?![^>]*\sd=)", b'<path d=""', data)
    return data


def formulas_of(texts: list[Tag]) -> list[tuple[Tag, str, bool]]:
    """List the formulas of the book: where each stands, what it is, whether it is on its own."""
    found = []
    for text in texts:
        for place in text.select(".math"):
            match = FORMULA.search(place.get_text())
            if match is None:
                sys.exit(f"a formula without its marks: {place}")
            found.append((place, match[1] or match[2], place.name == "div"))
    return found


def to_mathml(tex: str, mathml: str, display: bool) -> Tag:
    """Read MathJax's MathML, without what is its own; the TeX is what is read aloud without it."""
    math = BeautifulSoup(mathml, "html.parser").select_one("math")
    assert math is not None
    for part in [math, *math.find_all(True)]:
        part.attrs = {
            key: VARIANTS.get(str(value), value)
            for key, value in part.attrs.items()
            if not key.startswith(("data-", "intent", "arg"))
            and key not in ("class", "style", "id", "href")
        }
    math.attrs["xmlns"] = "http://www.w3.org/1998/Math/MathML"
    math.attrs["alttext"] = " ".join(tex.split())
    if display:
        math.attrs["display"] = "block"
    return math


def typeset(texts: list[Tag]) -> None:
    """Put MathML in the place of all formulas."""
    browser = find_browser()
    if browser is None:
        sys.exit("a browser makes the formulas: install Chromium or Google Chrome")
    found = formulas_of(texts)
    page = BUILD / "print" / "formulas.html"
    page.parent.mkdir(exist_ok=True)
    page.write_text(
        f"<!DOCTYPE html><script>{math_settings()}; MathJax.startup = {{typeset: false}};</script>"
        '<script src="/html/_static/mathjax/tex-chtml.js"></script>',
        encoding="utf-8",
    )
    with served(BUILD) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-gpu"]
        )
        tab = chromium.new_page()
        tab.goto(f"{address}/print/formulas.html")
        made = tab.evaluate(MATHML, [[[tex, display] for _, tex, display in found]])
        chromium.close()
    for (place, tex, display), mathml in zip(found, made):
        number = place.select_one(".eqno")
        place.clear()
        place.extend([number] if number else [])
        place.append(to_mathml(tex, mathml, display))
        if "merror" in mathml:
            sys.exit(f"a formula that MathJax does not read: {tex}")


def contents(title: str, parts: list[tuple[str, list[tuple[str, Tag]]]]) -> str:
    """Write the table of contents that readers of books show: parts, chapters, sections."""

    def entry(name: str, text: Tag) -> str:
        sections = [
            (str(section["id"]), heading.get_text(" ", strip=True))
            for heading in text.select("h2")
            if (section := heading.find_parent("section")) and section.get("id")
        ]
        inner = "".join(
            f'<li><a href="{name}.xhtml#{place}">{html.escape(said)}</a></li>'
            for place, said in sections
        )
        head = f'<a href="{name}.xhtml">{html.escape(head_of(text))}</a>'
        return f"<li>{head}{f'<ol>{inner}</ol>' if inner else ''}</li>"

    lines = []
    for caption, chapters in parts:
        entries = "".join(entry(name, text) for name, text in chapters)
        lines.append(
            f"<li><span>{html.escape(caption)}</span><ol>{entries}</ol></li>"
            if caption
            else entries
        )
    return (
        HEAD.format(title=html.escape(title))
        + f'<body><nav epub:type="toc" id="toc"><h1>Contents</h1><ol>{"".join(lines)}</ol></nav>'
        "</body></html>"
    )


def package(
    title: str, author: str, names: list[str], pictures: list[str], maths: set[str]
) -> str:
    """Write what a book says of itself: its title and author, its files and their order."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.fromtimestamp(int(seconds), UTC) if seconds else datetime.now(UTC)
    items = [
        '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
    ]
    items += ['<item id="style" href="style.css" media-type="text/css"/>']
    items += [
        f'<item id="c-{name}" href="{name}.xhtml" media-type="application/xhtml+xml"{says}/>'
        for name in names
        for says in [' properties="mathml"' if name in maths else ""]
    ]
    items += [
        f'<item id="i-{i}" href="images/{name}" media-type="{TYPES[Path(name).suffix]}"/>'
        for i, name in enumerate(pictures)
    ]
    spine = "".join(f'<itemref idref="c-{name}"/>' for name in names)
    access = "".join(
        f'<meta property="schema:{key}">{value}</meta>'
        for key, value in (
            ("accessMode", "textual"),
            ("accessMode", "visual"),
            ("accessModeSufficient", "textual"),
            ("accessibilityFeature", "MathML"),
            ("accessibilityFeature", "alternativeText"),
            ("accessibilityFeature", "tableOfContents"),
            ("accessibilityHazard", "none"),
            ("accessibilitySummary", "Figures have texts, formulas are MathML."),
        )
    )
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, title)}</dc:identifier>
<dc:title>{html.escape(title)}</dc:title>
<dc:creator>{html.escape(author)}</dc:creator>
<dc:language>en</dc:language>
<meta property="dcterms:modified">{now:%Y-%m-%dT%H:%M:%SZ}</meta>
{access}
</metadata>
<manifest>{"".join(items)}</manifest>
<spine>{spine}</spine>
</package>
"""


def check(path: Path) -> None:
    """Let epubcheck look at the book, where it is installed; in continuous integration it is."""
    command = shutil.which("epubcheck")
    if command is None:
        if "CI" in os.environ:
            sys.exit("epubcheck is not installed: the EPUB cannot be checked")
        print("epubcheck is not installed: the EPUB was not checked")
        return
    start = ["java", "-jar"] if zipfile.is_zipfile(command) else []  # as Debian installs it
    done = subprocess.run(
        [*start, command, str(path)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        found = (done.stdout + done.stderr).strip().splitlines()
        sys.exit("\n".join([*found[:20], f"{path}: epubcheck found what stands above"]))


def main() -> None:
    """Write the book into _build/epub."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    title, author = config["title"], config["author"]
    groups = parts_of_book()
    pages = {page for _, group in groups for page in group}
    parts = [
        (caption, [(name_of(page), article(page, pages)) for page in group])
        for caption, group in groups
    ]
    chapters = [chapter for _, group in parts for chapter in group]
    pictures = sorted({name for _, text in chapters for name in clean(text)})
    typeset([text for _, text in chapters])
    path = BUILD / "epub" / "nnlib-book.epub"
    path.parent.mkdir(exist_ok=True)
    maths = {name for name, text in chapters if text.select_one("math")}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        book.writestr("META-INF/container.xml", CONTAINER)
        names = [name for name, _ in chapters]
        book.writestr("book/content.opf", package(title, author, names, pictures, maths))
        book.writestr("book/nav.xhtml", contents(title, parts))
        book.writestr("book/style.css", STYLE)
        for name, text in chapters:
            head = HEAD.format(title=html.escape(head_of(text)))
            book.writestr(f"book/{name}.xhtml", f"{head}<body>{text.decode()}</body></html>")
        for name in pictures:
            book.writestr(f"book/images/{name}", picture(BUILD / "html" / "_images" / name))
    check(path)
    editions.publish(path)
    print(f"{path}: {len(chapters)} chapters, {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
