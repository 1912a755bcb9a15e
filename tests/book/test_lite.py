"""The workspace of `make lite`, in a real browser that reaches nothing but this machine."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from nnbook.live import live

ROOT = Path(__file__).parents[2]
BROKEN = ", ".join(
    f'[data-mime-type="application/vnd.jupyter.{kind}"]' for kind in ("error", "stderr")
)
DONE = """() => {
    const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")]
        .map((prompt) => prompt.innerText);
    return document.querySelector(".jp-Notebook-ExecutionIndicator").dataset.status === "idle"
        && prompts.some((text) => /\\d/.test(text)) && !prompts.some((text) => text.includes("*"));
}"""


@pytest.fixture(scope="module")
def workspace(html: Path) -> Path:
    """The folder of the workspace, which is not part of every build."""
    if not (html / "lite").exists():
        pytest.skip("the workspace is not in this build: `make lite`")
    return html / "lite"


def test_workspace_holds_the_notebooks_and_their_data(workspace: Path) -> None:
    files = {Path("data/matplotlibrc"): ROOT / "nbs" / "_ext" / "nnbook" / "matplotlibrc"}
    files |= {Path(path.name): path for path in (ROOT / "nbs").glob("*.ipynb")}
    files |= {path.relative_to(ROOT): path for path in live.data_files(ROOT)}
    found = {
        path.relative_to(workspace / "files"): path
        for path in (workspace / "files").rglob("*")
        if path.is_file()
    }
    assert found.keys() == files.keys()
    assert [path for path in files if files[path].read_bytes() != found[path].read_bytes()] == []
    assert not list(workspace.rglob("*.map"))


def test_kernel_finds_each_package_on_the_site_unchanged(workspace: Path, html: Path) -> None:
    packages = json.loads((workspace / "pyodide" / "pyodide-lock.json").read_text("utf-8"))[
        "packages"
    ]
    assert {"nnlib", "numpy", "ipython", "pyodide-kernel"} <= packages.keys()
    for entry in packages.values():
        wheel = html / "_static" / "pyodide" / entry["file_name"]
        assert hashlib.sha256(wheel.read_bytes()).hexdigest() == entry["sha256"], wheel
        assert packages.keys() >= {*entry["depends"]}, entry["name"]


def test_first_page_leads_to_the_workspace(workspace: Path, html: Path) -> None:
    assert 'href="../lite/lab/index.html"' in (html / "nbs" / "index.html").read_text("utf-8")


@pytest.mark.parametrize(
    "notebook, host, printed",
    [
        ("losses", "server", "over 6 elements 0.567807, over 3 samples 1.135613"),
        ("data", "isolated", "50400 for training, 5600 for validation, 14000 for testing"),
    ],
)
def test_notebook_runs_in_the_workspace(
    workspace: Path,
    browser: Browser,
    request: pytest.FixtureRequest,
    notebook: str,
    host: str,
    printed: str,
) -> None:
    """All its cells, on any host and as `make serve` serves it: no error, figures, and nothing
    from elsewhere.
    """
    address = request.getfixturevalue(host)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((address, "data:", f"blob:{address}"))
            else problems.append(f"foreign: {request.url}")
        ),
    )
    page.goto(f"{address}/lite/lab/index.html?path={notebook}.ipynb")
    expect(page.locator(".jp-Notebook-ExecutionIndicator")).to_have_attribute(
        "data-status", "idle", timeout=120_000
    )
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.locator(".jp-InputPrompt", has_text="*").last.wait_for()
    page.wait_for_function(DONE, timeout=300_000)
    wrong = page.locator(BROKEN).all_inner_texts()
    assert [text for text in wrong if "building the font cache" not in text] == []
    assert any(printed in text for text in page.locator(".jp-OutputArea-output").all_inner_texts())
    assert page.locator(".jp-OutputArea-output img").count() >= 1
    assert problems == []
    context.close()
