"""Each module in its room: the drawing on the page "How it is built" is what the imports are held
to.
"""

import ast
import inspect
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import nnlib

ROOT = Path(__file__).parents[1]
MODULES = {path.stem: path for path in (ROOT / "nnlib").glob("[a-z]*.py")}
TOC = ROOT / "_toc.yml"
API = ROOT / "nbs" / "api.md"
SVG = "{http://www.w3.org/2000/svg}"


def drawn():
    """Read from the drawing on which floor each module stands."""
    groups = ElementTree.parse(ROOT / "nbs" / "architecture.svg").getroot().iter(f"{SVG}g")
    return {
        text.text: int(group.get("data-floor"))
        for group in groups
        for text in group.iter(f"{SVG}text")
        if text.get("class") == "module"
    }


def imported(path):
    """List the modules of the package that a module imports, wherever it does."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = ".".join(filter(None, ["nnlib" * node.level, node.module]))
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("nnlib.")}


def chapters():
    """Say in which chapters, in their order, code is exported to each module: first, and last."""
    found = {}
    for order, name in enumerate(re.findall(r"nbs/(\w+)$", TOC.read_text("utf-8"), re.M)):
        path, own = ROOT / "nbs" / f"{name}.ipynb", ""
        if not path.exists():
            continue
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"]) if cell["cell_type"] == "code" else ""
            if match := re.match(r"#\| default_exp (\w+)", source):
                own = match[1]
            if match := re.match(r"#\| exporti?\b *(\w*)", source):
                found.setdefault(match[1] or own, []).append(order)
    return {module: (min(orders), max(orders)) for module, orders in found.items()}


def test_the_reference_has_every_module():
    """Links to names need it: the whole book was built before a module was missed."""
    listed = re.findall(r"^\.\. (?:auto|py:)module:: nnlib\.(\w+)$", API.read_text("utf-8"), re.M)
    assert sorted(listed) == sorted(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_holds_no_directive_of_the_notebooks(name):
    assert not re.findall(r"^#\s*\|.*", MODULES[name].read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize("name", MODULES)
def test_options_that_pass_through_are_typed(name):
    """So that a typo is named as one. `set_params` checks the names itself."""
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        named = isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if named and node.args.kwarg and node.name != "set_params":
            assert ast.unparse(node.args.kwarg.annotation) != "Any", node.name


def test_the_drawing_shows_every_module():
    assert drawn().keys() == MODULES.keys()


@pytest.mark.parametrize("name", MODULES)
def test_module_imports_only_from_floors_below_and_chapters_before(name):
    floors, order = drawn(), chapters()
    for other in imported(MODULES[name]):
        assert floors.get(other, 9) < floors[name], f"{name} imports {other}"
        assert order[other][0] <= order[name][1], f"{name} imports {other}, of a later chapter"


def test_an_import_upward_would_be_found(tmp_path):
    path = tmp_path / "layers.py"
    path.write_text(
        "import nnlib.data\nfrom .svm import SVC\ndef f():\n    from nnlib import network\n",
        encoding="utf-8",
    )
    assert imported(path) == {"data", "svm", "network"}


def test_no_class_is_deeper_than_a_base_one_between_and_its_own() -> None:
    """A network was five classes deep, cut by a count of lines."""
    kinds = [kind for kind in vars(nnlib).values() if isinstance(kind, type)]
    depths = {
        kind.__name__: sum(base.__module__.startswith("nnlib") for base in kind.__mro__)
        for kind in kinds
    }
    assert len(kinds) > 20 and max(depths.values()) == 3, depths


ONE_LINE = {  # what other code calls, not a user
    "attach", "bind", "check_targets", "get_feature_names_out", "get_params", "scratch",
    "set_fit_request", "set_output", "set_params", "set_score_request", "state_array",
}  # fmt: skip


def test_what_a_user_calls_tells_its_parameters() -> None:
    """Sections had been cut to one line, to keep cells short."""
    kinds = [kind for kind in vars(nnlib).values() if isinstance(kind, type)]
    methods = {
        f"{kind.__name__}.{name}": method
        for kind in kinds
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_") and len(inspect.signature(method).parameters) > 1
    }
    assert len(methods) > 60
    lacking = [
        name
        for name, method in methods.items()
        if name.split(".")[1] not in ONE_LINE
        and "\nParameters\n-" not in (inspect.getdoc(method) or "")
    ]
    assert not lacking
    functions = [f for f in vars(nnlib).values() if inspect.isfunction(f)]
    assert len(functions) > 10
    assert all("\nParameters\n-" in (inspect.getdoc(f) or "") for f in functions)
