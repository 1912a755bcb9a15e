"""Fingerprints: which changes of code they see, which they leave alone, and that all Pythons
agree.
"""

import ast
import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nnlib
from nnlib import SGD, Dense
from nnlib import fingerprint as module
from nnlib.fingerprint import Closure, add_thing, dump_ast, fingerprint

ROOT = Path(nnlib.__file__).parents[1]


# ---- changes of one function


def twin(tmp_path, source, name="f"):
    """Import a function from source of its own."""
    file = tmp_path / f"m{len(list(tmp_path.iterdir()))}.py"
    file.write_text(source, encoding="utf-8")
    names = {}
    exec(compile(source, file, "exec"), names)
    return names[name]


BASE = "def f(x, *, scale=2.5):\n    y = x + 1\n    return f'{y * scale:.3f}'\n"
EQUAL = {
    "comment": BASE.replace("y = x + 1", "y = x + 1  # one more"),
    "docstring": BASE.replace("    y =", '    """Say it.\n\n  Twice: {y}.\n    """\n    y ='),
    "blank lines": BASE.replace("\n", "\n\n"),
    "tabs": BASE.replace("    ", "\t"),
    "broken lines": BASE.replace("x + 1", "(\n  x\n      + 1)").replace(
        "scale=2.5)", "scale=2.5,\n)"
    ),
    "quotes": BASE.replace("'", '"'),
    "number written otherwise": BASE.replace("2.5", "2.50"),
    "joined string": BASE.replace("f'{y * scale:.3f}'", "'' f'{y * scale:.3f}'"),
    "annotations": BASE.replace(
        "(x, *, scale=2.5)", "(x: float, *, scale: float = 2.5) -> str"
    ).replace("y =", "y: float ="),
    "an error": BASE.replace("    y =", "    raise ValueError(x)\n    y ="),
    "a warning": BASE.replace("    y =", "    warnings.warn('x', stacklevel=2)\n    y ="),
    "pass": BASE.replace("    y =", "    pass\n    y ="),
}
UNEQUAL = {
    "constant": BASE.replace("2.5", "2.25"),
    "type of a constant": BASE.replace("+ 1", "+ 1.0"),
    "truth": BASE.replace("+ 1", "+ True"),
    "zero": BASE.replace("+ 1", "+ 0"),
    "operator": BASE.replace("+ 1", "- 1"),
    "name": BASE.replace("y", "z"),
    "order": BASE.replace("x + 1", "1 + x"),
    "format": BASE.replace(".3f", ".2f"),
    "default": BASE.replace("scale=2.5", "scale"),
    "decorator": "def d(f): return f\n@d\n" + BASE,
    "indentation": BASE.replace("    return", "    if y:\n        return"),
    "string": BASE.replace("f'{y", "f' {y"),
    "call": BASE.replace("    y =", "    warn('x')\n    y ="),
    "import": BASE.replace("    y =", "    from math import e as x\n    y ="),
}


@pytest.mark.parametrize("case", EQUAL)
def test_what_computes_nothing_does_not_count(case, tmp_path):
    assert fingerprint(twin(tmp_path, EQUAL[case])) == fingerprint(twin(tmp_path, BASE))


@pytest.mark.parametrize("case", UNEQUAL)
def test_code_counts(case, tmp_path):
    assert fingerprint(twin(tmp_path, UNEQUAL[case])) != fingerprint(twin(tmp_path, BASE))


def test_a_docstring_in_place_of_pass():
    assert dump_ast(ast.parse('class f:\n    """Nothing."""').body) == dump_ast(
        ast.parse("class f: pass").body
    )


def test_messages_of_assertions():
    assert (
        dump_ast(ast.parse("assert x, 'no x'"))
        == dump_ast(ast.parse("assert x, f'{y}'"))
        != dump_ast(ast.parse("assert y"))
    )


def test_a_field_of_a_dataclass_counts_without_its_type():
    one, other, none = (
        dump_ast(ast.parse(f"class C:\n    {body}")) for body in ("x: int", "x: float", "pass")
    )
    assert one == other != none


def test_a_prefix_that_means_nothing():
    assert (
        dump_ast(ast.parse("x = u'a'"))
        == dump_ast(ast.parse("x = 'a'"))
        != dump_ast(ast.parse("x = b'a'"))
    )


def test_several_things():
    assert re.fullmatch("[0-9a-f]{16}", fingerprint(Dense))
    assert fingerprint(Dense, SGD) == fingerprint(SGD, Dense) != fingerprint(Dense)
    assert fingerprint(Dense.__init__) == fingerprint(Dense) != fingerprint(SGD.__init__)
    assert fingerprint(nnlib.layers) != fingerprint(nnlib.losses)


def test_a_known_fingerprint(tmp_path):
    """It is written into files, so it may not change from version to version."""
    assert fingerprint(twin(tmp_path, BASE)) == "af672791cf8719a3"


PIECES = [lambda: 0,
          lambda: 1]  # fmt: skip


@pytest.mark.parametrize(
    "thing",
    [np.dot, 3, "def f(): pass", len, eval("lambda: 0"), PIECES[1], SGD(0.1), sys],
    ids=[
        "ufunc",
        "number",
        "text",
        "built-in",
        "without a file",
        "part of an expression",
        "instance",
        "module in C",
    ],
)
def test_what_has_no_source_is_refused(thing):
    with pytest.raises(
        TypeError,
        match="fingerprint: expected functions, classes or modules with their source at hand, got",
    ):
        fingerprint(thing)


# ---- code that uses other code


def uses(*things):
    """List what counts for these things, without the names of modules."""
    closure = Closure()
    for thing in things:
        add_thing(closure, thing)
    return {name for (_, name), text in closure.found.items() if text}


PACKAGE = {
    "__init__": "from .table import RATES\nfrom .work import train",
    "table": """
        import warnings
        from math import floor
        RATES = {"slow": 1, "fast": lambda n: floor(n / 2)}
        RATES["middle"] = 3
        UNUSED = 1
        def register(kind):
            RATES[kind.__name__] = kind
            return kind
        class Base:
            limit = 4
            def step(self): return self.limit
        """,
    "work": """
        from __future__ import annotations
        import nnlib.table
        from . import table as tables
        from .table import Base as Parent, register
        SIZES = [size for size in (1, 2)]
        first, (second, *rest) = 1, (2, 3)
        if first:
            def train(x: Unseen, size=0):
                if x < 0:
                    raise ValueError("x: expected at least 0, got " + describe(x))
                return Machine().step() * nnlib.table.RATES["fast"](size) + rest[0]
        def describe(x): return "x"
        def decorate(x): return x
        @decorate
        class Machine(Parent):
            def step(self):
                from .late import scale
                return scale(super().step()) + tables.Base.limit
        def lone(): return register
        register(Parent)
        """,
    "late": """
        scale = lambda x: 5 * x
        """,
    "script": """
        from nnlib import train
        def run(): return train(helper())
        def helper(): return 6
        """,
}
CHANGES = {  # change, and whether it is seen from the script
    "value in a table": ("table", "n / 2", "n / 3", True),
    "entry added to a table": ("table", '["middle"] = 3', '["middle"] = 4', True),
    "what NumPy or Python gives": ("table", "import floor", "import ceil as floor", True),
    "attribute of a base": ("table", "limit = 4", "limit = 5", True),
    "import within a method": ("late", "5 * x", "6 * x", True),
    "name in several": ("work", "= 1, (2, 3)", "= 1, (2, 4)", True),
    "decorator": ("work", "def decorate(x): return x", "def decorate(x): return None", True),
    "helper in the script": ("script", "return 6", "return 7", True),
    "name not used": ("table", "UNUSED = 1", "UNUSED = 2", False),
    "loop variable of another name": ("work", "in (1, 2)", "in (1, 3)", False),
    "message": ("work", "expected at least 0", "expected 0 or more", False),
    "what makes a message": ("work", 'return "x"', 'return "y"', False),
    "annotation": ("work", "x: Unseen", "x: Seen", False),
    "call with a name that is used": ("work", "register(Parent)", "register(Machine)", True),
}
PRINT = (
    "import sys; sys.path.insert(0, '.'); {}from script import run; "
    "from nnlib.fingerprint import fingerprint; print(fingerprint(run))"
)


def package(folder, **changes):
    """Write the small package, with the fingerprint of ours, to a folder."""
    (folder / "nnlib").mkdir(parents=True)
    shutil.copy(module.__file__, folder / "nnlib")
    for name, text in (PACKAGE | changes).items():
        path = folder / f"{name}.py" if name == "script" else folder / "nnlib" / f"{name}.py"
        path.write_text(inspect.cleandoc(text) + "\n", encoding="utf-8")
    return folder


SAY = PRINT.format("")


def said(folder, code=SAY):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    return said(package(tmp_path_factory.mktemp("unchanged") / "one"))


@pytest.mark.parametrize("case", CHANGES)
def test_changes_elsewhere_in_a_package(case, unchanged, tmp_path):
    name, old, new, seen = CHANGES[case]
    assert PACKAGE[name].count(old) == 1
    changed = said(package(tmp_path / "two", **{name: PACKAGE[name].replace(old, new)}))
    assert (changed != unchanged) == seen


def test_a_registration_counts_for_what_is_registered_with(tmp_path):
    """The call changes what `register` has in store, and nothing else says so."""
    code = (
        "import sys; sys.path.insert(0, '.'); from nnlib.work import lone; "
        "from nnlib.fingerprint import fingerprint; print(fingerprint(lone))"
    )
    one = said(package(tmp_path / "one"), code)
    other = said(
        package(
            tmp_path / "two", work=PACKAGE["work"].replace("register(Parent)", "register(Machine)")
        ),
        code,
    )
    assert one != other


def test_what_a_script_does_as_one_does_not_count():
    assert module.bound_names(ast.parse("if __name__ == '__main__':\n    run(x)").body[0]) == set()
    assert module.bound_names(ast.parse("if x:\n    run(y)").body[0]) == {"run", "y"}


def test_the_order_of_imports_does_not_count(unchanged, tmp_path):
    for i, before in enumerate(
        (
            "import nnlib.late; ",
            "import nnlib.fingerprint; ",
            "import nnlib.table as t; t.RATES.clear(); ",
        )
    ):
        assert said(package(tmp_path / str(i)), PRINT.format(before)) == unchanged


def test_a_definition_may_move_to_another_module(unchanged, tmp_path):
    line = "def decorate(x): return x\n"
    work = (
        inspect.cleandoc(PACKAGE["work"])
        .replace(line, "")
        .replace("SIZES =", "from .late import decorate\nSIZES =")
    )
    late = inspect.cleandoc(PACKAGE["late"]) + "\n" + line
    assert said(package(tmp_path / "two", work=work, late=late)) == unchanged


def test_two_definitions_of_one_name_are_kept_apart(tmp_path):
    """To exchange them is a change."""

    def one(a, b):
        return dict(
            late=f"scale = {a}",
            table=PACKAGE["table"] + f"\n        scale = {b}\n",
            work=inspect.cleandoc(PACKAGE["work"]).replace(
                "return scale(", "return tables.scale + scale("
            ),
        )

    assert said(package(tmp_path / "one", **one(1, 2))) != said(
        package(tmp_path / "two", **one(2, 1))
    )


def test_a_run_as_script_and_an_import_agree(unchanged, tmp_path):
    folder = package(tmp_path / "two")
    with (folder / "script.py").open("a", encoding="utf-8") as file:
        file.write(
            "if __name__ == '__main__':\n    from nnlib.fingerprint import fingerprint\n"
            "    print(fingerprint(run))\n"
        )
    run = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == unchanged


# ---- the package itself


def planted(folder, change=None):
    """Return the fingerprints of a training and of a machine, by a copy of the package with one
    change.
    """
    shutil.copytree(ROOT / "nnlib", folder / "nnlib", ignore=shutil.ignore_patterns("__pycache__"))
    if change:
        pattern, new = change
        texts = {
            path: path.read_text(encoding="utf-8")
            for path in sorted((folder / "nnlib").glob("*.py"))
        }
        found = [path for path, text in texts.items() for _ in re.findall(pattern, text)]
        assert len(found) == 1, f"{pattern}: expected one place, got {found}"
        found[0].write_text(re.sub(pattern, new, texts[found[0]]), encoding="utf-8")
    code = (
        "from nnlib import SVC, Sequential, Dense; from nnlib.fingerprint import fingerprint\n"
        "print(fingerprint(Sequential, Dense), fingerprint(SVC))"
    )
    return said(folder, code).split()


@pytest.fixture(scope="module")
def today(tmp_path_factory):
    return planted(tmp_path_factory.mktemp("today"))


PLANTED = {
    "variance of He": ((r"2 / n_in\b", "3 / n_in"), (True, False)),
    "half a step": (
        (r"step = min\(slope / \(2 \*", "step = 0.5 * min(slope / (2 *"),
        (False, True),
    ),
    "shuffle lost": ((r"known = generator if shuffle .+", "known = None"), (True, False)),
}


@pytest.mark.parametrize("case", PLANTED)
def test_faults_planted_in_the_package_are_seen(case, today, tmp_path):
    change, seen = PLANTED[case]
    assert tuple(a != b for a, b in zip(planted(tmp_path, change), today)) == seen


def test_messages_docstrings_and_annotations_of_the_package_are_not(today, tmp_path):
    planted(tmp_path / "copy")
    for path in sorted((tmp_path / "copy" / "nnlib").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise):
                for part in ast.walk(node):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        part.value += "!"
            if isinstance(node, ast.FunctionDef):
                if ast.get_docstring(node):
                    node.body[0].value.value += " And more."
                node.returns = None
        if path.stem != "fingerprint":
            path.write_text(ast.unparse(tree), encoding="utf-8")
    code = (
        "from nnlib import SVC, Sequential, Dense; from nnlib.fingerprint import fingerprint\n"
        "print(fingerprint(Sequential, Dense), fingerprint(SVC))"
    )
    assert said(tmp_path / "copy", code).split() == today


def test_tables_bases_and_helpers_are_found_without_a_list():
    assert {"Dense", "Layer", "INITS"} <= uses(Dense) and "Sigmoid" not in uses(Dense)
    assert "read_module" in uses(fingerprint)


# ---- all versions of Python


SYNTAX = r'''
@decorated(1, *a, k=2, **b)
class C(B, metaclass=M):
    x: int = 1
    y: 'str'
async def f(a, /, b=1, *c: int, d, e=2, **g) -> None:
    """Doc {x}."""
    global u
    async with a as b, c: await d
    async for i in x: yield i
    return [i async for i in x if i], {**a, 'b': 1}, {1, 2}, (yield), lambda x, *y: x
def g(x):
    nonlocal_ = f"{x}" f"a{x!r:>{w}}b" "c" f"{x=}" f"{{}}" f"" rf"\d{x:%H:%M}" f"{x:}" f"{f'{x}'}" f"""
{x}""" + u"u" + "a" "b"
    a, *b = c[1:2, ..., ::3] = d = 1j, 1e400, -0.0, b'x' b'y', 0x10, 1_000, None, True, '\N{BULLET}\ud800'
    while (n := x) and not y or z if x < y <= z is not None not in q else ~x @ y ** -z // 2: break
    else: continue_
    try: raise E from e
    except* (A, B) as error: del x.y, z[0]
    try: assert x, "message"
    except: pass
    else: import a.b as c, d
    finally: from .. import e as f, g
    match x:
        case [1, *_, {"a": A(b, c=2), **rest}] | None if y: pass
        case "s" as t: ...
        case -1 | a.b: x += 1; x: int; (x): int
'''  # noqa: E501


def interpreters():
    """Yield the other Pythons, from 3.11, that can be found here."""
    homes = sorted(Path.home().glob(".pyenv/versions/*/bin"))
    seen = {sys.version_info[1]}
    for minor in range(11, 20):
        for found in filter(
            None,
            [
                shutil.which(f"python3.{minor}"),
                *(shutil.which(f"python3.{minor}", path=str(home)) for home in homes),
            ],
        ):
            probe = subprocess.run(
                [found, "-c", "import sys; print(sys.version_info[1])"],
                check=False,
                capture_output=True,
                text=True,
            )
            if probe.stdout.strip() == str(minor) and minor not in seen:
                seen.add(minor)
                yield found


@pytest.fixture(scope="module")
def pythons():
    return list(interpreters()) or pytest.skip("no other Python here")


def test_all_versions_of_python_write_the_same_outline(pythons):
    """On all syntax, on the package, and on the tests, in all Pythons at hand."""
    sources = [
        SYNTAX,
        *(
            file.read_text(encoding="utf-8")
            for folder in ("nnlib", "tests")
            for file in sorted((ROOT / folder).glob("*.py"))
        ),
    ]
    code = (
        "import ast, hashlib, json, sys\nfrom typing import Any, Iterator\nUNCOUNTED = "
        + repr(module.UNCOUNTED)
        + "\n"
    )
    code += "".join(map(inspect.getsource, (module.is_idle, module.counted_fields, dump_ast)))
    code += (
        "print([hashlib.sha256(dump_ast(ast.parse(s).body).encode('utf-8', 'backslashreplace'))"
        ".hexdigest() for s in json.load(sys.stdin)])"
    )
    found = {
        subprocess.run(
            [python, "-W", "ignore", "-c", code],
            input=json.dumps(sources),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for python in (sys.executable, *pythons)
    }
    assert len(found) == 1


def test_all_versions_of_python_have_the_same_fingerprint(pythons, unchanged, tmp_path):
    for i, python in enumerate(pythons):
        run = subprocess.run(
            [python, "-c", PRINT.format("")],
            cwd=package(tmp_path / str(i)),
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip() == unchanged, python


def test_a_field_that_a_new_python_adds_does_not_count():
    """Python 3.15 added `is_lazy`, 0 for usual imports, to their syntax trees."""
    node = ast.parse("from math import pi").body[0]
    before = dump_ast(node)
    node._fields = (*node._fields, "is_lazy")
    node.is_lazy = 0
    assert dump_ast(node) == before
    node.is_lazy = 1
    assert dump_ast(node) != before


# ---- functions of a notebook, which stand in no module


def in_notebook(tmp_path, **changes):
    """Make a function `f` that uses a helper, classes and modules, without a module of its own."""
    source = (
        "import nnlib, math\nfrom nnlib import Dense as Layer\nfrom nnlib import layers\n"
        "def helper(x):\n    return x + 1\n"
        "def f(x):\n    return helper(x), Layer(1, 1), nnlib.layers.INITS, layers.Layer, math.pi, "
        "len(x)\n"
    )
    return twin(tmp_path, source.replace(*changes.get("change", ("", ""))))


def test_a_notebook_s_functions_are_followed(tmp_path):
    found = uses(in_notebook(tmp_path))
    assert {"f", "helper", "Dense", "INITS", "Layer"} <= found and not {"len", "SGD"} & found
    changed = in_notebook(tmp_path, change=("x + 1", "x + 2"))
    assert fingerprint(changed) != fingerprint(in_notebook(tmp_path))


def test_a_function_within_a_function(tmp_path):
    def outer(scale):
        exec(
            compile(f"def f(x):\n    return {scale} * x\n", tmp_path / "none", "exec"), names := {}
        )
        return names["f"]

    with pytest.raises(TypeError, match="expected functions"):  # its source is nowhere
        fingerprint(outer(2))
    inner = twin(tmp_path, "def g():\n    def f(x):\n        return 2 * x\n    return f\n", "g")()
    other = twin(tmp_path, "def g():\n    def f(x):\n        return 3 * x\n    return f\n", "g")()
    assert fingerprint(inner) != fingerprint(other)


def test_helpers_without_a_source_are_left_out(tmp_path):
    f = in_notebook(tmp_path)
    f.__globals__["helper"] = eval("lambda x: x", f.__globals__)
    f.__globals__["other"] = object()
    assert "helper" not in uses(f)


def test_a_module_that_is_not_loaded_is_read_and_not_run(monkeypatch):
    before = fingerprint(Dense)
    monkeypatch.delitem(sys.modules, "nnlib.layers")
    assert fingerprint(Dense) == before and "nnlib.layers" not in sys.modules
