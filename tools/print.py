"""The whole book as one PDF: ``python tools/print.py``, after the site is built.

Chromium prints it. The articles of the built pages are put one after the other, their links led to
each other's places, what is folded is opened, and the table of contents gets its page numbers from
a first printing of the same page.
"""

from __future__ import annotations

import html
import re
import shutil
import sys
from pathlib import Path

import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader, PdfWriter

import editions
from browser import find_browser
from serve import served

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "_build"
MARKUP = r"\{(?:glue|ref|eq|cite|numref|py)(?::\w+)*\}|#\|"  # a name in code may begin so
LEFT_OUT = (
    ".headerlink, .nnbook-check, .viewcode-link, script, button, .tag_remove-cell, #pst-page-toc, "
    ".no-print"
)


def parts_of_book() -> list[tuple[str, list[str]]]:
    """List the parts of the book with their pages, as _toc.yml has them."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    parts = toc.get("parts") or [{"caption": "", "chapters": toc["chapters"]}]
    return [
        ("", [toc["root"]]),
        *((part["caption"], [page["file"] for page in part["chapters"]]) for part in parts),
    ]


def article(page: str, pages: set[str]) -> Tag:
    """Take the text of a page, with ids and links that hold in the whole."""
    soup = BeautifulSoup(
        (BUILD / "html" / f"{page}.html").read_text(encoding="utf-8"), "html.parser"
    )
    found = soup.select_one("article.bd-article")
    assert found is not None
    for part in found.select(LEFT_OUT):
        part.decompose()
    for part in found.select("[id]"):
        part["id"] = place(page, str(part["id"]))
    for link in found.select("a[href]"):
        lead(link, page, pages)
    for image in found.select("img[src]"):
        image["src"] = str(image["src"]).replace("../", "/html/")
    # how a figure is drawn stays folded, also here
    for cell in found.select(".cell.tag_hide-input"):
        if not cell.select_one(".nnbook-badge"):
            for part in cell.select("details"):
                part.decompose()
    for folded in found.select("details"):
        unfold(soup, folded)
    # what is long may be divided between pages
    for block in [*found.select("pre"), *found.select("table")]:
        if len(block.select("tr")) > 20 or (
            block.get_text().count("\n") > 24 and block.name == "pre"
        ):
            classes = block.get("class")
            block["class"] = " ".join([*(classes if isinstance(classes, list) else []), "long"])
    return found


def place(page: str, name: str = "") -> str:
    """Name a place of a page in the whole."""
    return f"{page.rpartition('/')[2]}.{name}" if name else f"{page.rpartition('/')[2]}."


def lead(link: Tag, page: str, pages: set[str]) -> None:
    """Lead a link to the place in the whole; one to what is not printed becomes text."""
    target, _, name = str(link["href"]).partition("#")
    if ":" in target:
        return
    to = f"{page.rpartition('/')[0]}/{target}".removesuffix(".html") if target else page
    if to in pages:
        link["href"] = f"#{place(to, name)}"
    else:
        link.unwrap()


def unfold(soup: BeautifulSoup, folded: Tag) -> None:
    """Open what is folded; only a solution says that it is one."""
    summary = folded.select_one("summary")
    text = summary.get_text(" ", strip=True) if summary else ""
    if summary:
        summary.decompose()
    folded.name = "div"
    if "olution" in text:
        label = soup.new_tag("p", attrs={"class": "solution"})
        label.string = "Solution"
        folded.insert_before(label)


def contents(parts: list[tuple[str, list[Tag]]]) -> str:
    """Write the table of contents: parts, chapters and, of numbered chapters, sections."""
    lines = []
    for caption, articles in parts:
        lines += [f"<h2>{html.escape(caption)}</h2>"] if caption else []
        for text in articles:
            for heading in text.select("h1, h2"):
                section = heading.find_parent("section")
                numbered = heading.select_one(".section-number")
                if section is None or (heading.name == "h2" and not numbered):
                    continue
                anchor = str(section["id"])
                lines.append(
                    f'<p class="toc-{heading.name}"><a href="#{anchor}">'
                    f'<span>{heading.decode_contents()}</span><span class="page"></span></a></p>'
                )
    return "\n".join(lines)


def whole(title: str, author: str) -> str:
    """Write the whole book as one page of HTML."""
    parts = parts_of_book()
    pages = {page for _, group in parts for page in group}
    texts = [(caption, [article(page, pages) for page in group]) for caption, group in parts]
    chapters: list[str] = []
    rules: list[str] = []
    for _, articles in texts:
        for text in articles:
            name = f"c{len(chapters)}"
            heading = head_of(text)
            rules.append(
                f'@page {name} {{ @top-left {{ content: "{css(heading)}" }} }}\n'
                f".{name} {{ page: {name} }}"
            )
            chapters.append(f'<div class="chapter {name}">{text.decode()}</div>')
    return f"""<!DOCTYPE html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{html.escape(title)}</title>
<meta name="author" content="{html.escape(author)}">
<link rel="stylesheet" href="/html/_static/pygments.css">
<link rel="stylesheet" href="/print/print.css">
<style>{" ".join(rules)}</style>
<script>{math_settings()}</script>
<script defer src="/html/_static/mathjax/tex-chtml.js"></script></head>
<body><div class="cover"><img src="/html/_static/favicon.svg" alt="">
<p class="book">{html.escape(title)}</p><p>{html.escape(author)}</p></div>
<nav class="contents"><h1>Contents</h1>{contents(texts)}</nav>
{"".join(chapters)}</body></html>"""


def math_settings() -> str:
    """Read what the pages tell MathJax; nothing of a book without formulas."""
    for page in sorted((BUILD / "html").rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        if found := re.search(r"<script>(window\.MathJax = .*?)</script>", text):
            return found[1]
    return ""


def head_of(text: Tag) -> str:
    """Read the title of a page."""
    title = text.select_one("h1")
    return title.get_text(" ", strip=True) if title else ""


def css(text: str) -> str:
    """Quote a text for a style sheet."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def typeset(tab: Page, address: str) -> None:
    """Open the page, and wait for its formulas."""
    tab.goto(address, wait_until="load", timeout=300_000)
    tab.wait_for_function(
        "() => document.querySelectorAll('.math mjx-container').length"
        " >= document.querySelectorAll('.math').length",
        timeout=600_000,
    )
    tab.evaluate("document.fonts.ready")
    tab.evaluate(SHRINK)


def print_once(tab: Page, path: Path, *, last: bool) -> dict[str, int]:
    """Print the page, the last time with what readers find their way by; return the number of the
    page on which each section starts.
    """
    tab.pdf(path=path, prefer_css_page_size=True, print_background=True, outline=last, tagged=last)
    reader = PdfReader(path)
    found = {}
    for name, target in reader.named_destinations.items():
        number = reader.get_destination_page_number(target)
        if number is not None:
            found[name.removeprefix("/")] = number + 1
    return found


SHRINK = """() => {
  // a formula wider than the page gets smaller
  for (const box of document.querySelectorAll("div.math")) {
    const inner = box.querySelector("mjx-container"), math = inner?.querySelector("mjx-math");
    const room = box.clientWidth - 2 * (box.querySelector(".eqno")?.offsetWidth ?? 0);
    const share = Math.floor(100 * room / math?.offsetWidth);
    if (math && math.offsetWidth > room) inner.style.fontSize = `${share}%`;
  }
}"""


NUMBER = """(numbers) => [...document.querySelectorAll(".contents a")].filter((line) => {
  const number = numbers[line.getAttribute("href").slice(1)];
  line.querySelector(".page").textContent = number ?? "";
  return number === undefined;
}).map((line) => line.textContent)"""


def sign(path: Path, title: str, author: str) -> None:
    """Name the author in the file, which a browser does not."""
    book = PdfWriter(clone_from=path)
    book.add_metadata({"/Title": title, "/Author": author})
    book.write(path)


def main() -> None:
    """Print the book into _build/pdf."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    browser = find_browser()
    if browser is None:
        sys.exit("the PDF is printed by a browser: install Chromium or Google Chrome")
    (BUILD / "print").mkdir(exist_ok=True)
    (BUILD / "pdf").mkdir(exist_ok=True)
    shutil.copy(Path(__file__).with_name("print.css"), BUILD / "print")
    path = BUILD / "pdf" / "nnlib-book.pdf"
    (BUILD / "print" / "book.html").write_text(
        whole(config["title"], config["author"]), encoding="utf-8"
    )
    with served(BUILD) as address, sync_playwright() as playwright:
        tab = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-gpu"]
        ).new_page()
        tab.emulate_media(media="print", color_scheme="light")
        tab.set_viewport_size({"width": 643, "height": 960})  # the width of the text in print
        typeset(tab, f"{address}/print/book.html")
        numbers = print_once(tab, path, last=False)
        lost = tab.evaluate(NUMBER, numbers)
        moved = print_once(tab, path, last=True) != numbers
        raw = re.findall(MARKUP, tab.evaluate("document.body.innerText"))
    if lost or moved or raw:
        sys.exit(
            f"{path}: no page number for {lost}, markup in the text: {raw}, other pages in the "
            f"second printing: {moved}"
        )
    sign(path, config["title"], config["author"])
    editions.publish(path)
    print(f"{path}: {len(PdfReader(path).pages)} pages")


if __name__ == "__main__":
    main()
