"""Break nnlib on purpose, one small change at a time, and see whether its tests notice.

    python -m studies.mutation            # 80 mutants, spread over all modules by a fixed seed
    python -m studies.mutation layers losses --count 8 --seed 1 --minutes 10

Each mutant is run against the test files of its module, in a copy of the project. What no test
notices is printed as a survivor: either it changes nothing that can be seen, or a test is missing.
"""

from __future__ import annotations

import argparse
import ast
import copy
import itertools
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic

from . import kit

OTHERS = {  # modules whose tests are not, or not only, in a file of their name
    "archive": ["checkpoint"],
    "base_svm": ["svm", "multiclass_svm", "scikit_learn"],
    "buffers": ["layers", "network"],
    "distances": ["svm", "scikit_learn"],
    "duals": ["svm", "interior_point"],
    "estimator": ["scikit_learn", "preprocessing"],
    "kernels": ["svm"],
    "layers": ["layers", "network"],
    "problems": ["svm", "multiclass_svm"],
    "registry": ["checkpoint"],
    "report": ["report", "latents", "autoencoder"],
    "smo": ["svm"],
    "svm": ["svm", "multiclass_svm"],
    "training": ["network"],
}
SECONDS = 300  # after which a mutant counts as noticed: it may never end
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def mutated(node: ast.AST) -> ast.AST | None:
    """Return a node that does something else, or None if this kind of node is left alone."""
    new = copy.deepcopy(node)
    match new:
        case ast.BinOp() | ast.BoolOp() | ast.AugAssign():
            if type(new.op) not in SWAPS:
                return None
            new.op = SWAPS[type(new.op)]()  # type: ignore[assignment]
        case ast.Compare():
            new.ops[0] = SWAPS[type(new.ops[0])]()  # type: ignore[call-overload]
        case ast.Constant(value=bool()):
            new.value = not new.value
        case ast.Constant(value=int() | float() as number):
            new.value = number + 1
        case ast.IfExp():
            new.test = ast.UnaryOp(ast.Not(), new.test)
        case ast.Expr(value=ast.Call()) | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            return ast.Pass()
        case _:
            return None
    return new


def candidates(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield nodes below `node` with what may replace them, but for types and messages."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, (ast.Raise, ast.JoinedStr)):
                continue
            if isinstance(node, (ast.If, ast.While)) and isinstance(child, ast.expr):
                yield child, ast.UnaryOp(ast.Not(), child)
            new = mutated(child)
            if new is not None:
                yield child, new
            yield from candidates(child)


def mutants(path: Path, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield changed sources of a module in random order, each with a line that says how."""
    source = path.read_text(encoding="utf-8")
    found = [
        pair
        for statement in ast.parse(source).body
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef))
        for pair in candidates(statement)
    ]
    chance.shuffle(found)
    data = source.encode()
    starts = [0, *itertools.accumulate(len(line) for line in data.splitlines(keepends=True))]
    for old, new in found:
        assert isinstance(old, (ast.expr, ast.stmt)) and old.end_lineno is not None
        start = starts[old.lineno - 1] + old.col_offset
        stop = starts[old.end_lineno - 1] + (old.end_col_offset or 0)
        text = ast.unparse(new)
        text = f"({text})" if isinstance(new, ast.expr) else text
        told = f"{path.stem}:{old.lineno}: {data[start:stop].decode()} -> {text}"
        yield (data[:start] + text.encode() + data[stop:]).decode(), " ".join(told.split())


def killer(tree: Path, module: str) -> str:
    """Run the tests of a module in this tree; return the one that fails, "" if none does.

    Tests that compare fingerprints are left out: they notice any change, but not that it is wrong.
    """
    files = [f"tests/test_{name}.py" for name in OTHERS.get(module, [module])]
    assert all((tree / file).is_file() for file in files), f"{module}: which are its tests?"
    options = ["-q", "-x", "-p", "no:cacheprovider", "--tb=no", "-k", "not stored"]
    command = [sys.executable, "-m", "pytest", *options, *files]
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            capture_output=True,
            check=False,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"more than {SECONDS} seconds"
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].split("::")[-1].split()[0] if failed else "?" * bool(done.returncode)


def main(arguments: Sequence[str]) -> None:
    """Make mutants, one of each module in turn, and print which survive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="of which modules (all)")
    parser.add_argument("--count", type=int, default=80, help="how many mutants (80)")
    parser.add_argument("--seed", type=int, default=0, help="of the choice (0)")
    parser.add_argument("--minutes", type=float, default=120, help="when to stop (120)")
    options = parser.parse_args(arguments)
    stop, chance = monotonic() + 60 * options.minutes, random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        ignored = shutil.ignore_patterns(".git", ".venv", "_build", "node_modules", "__pycache__")
        shutil.copytree(kit.ROOT, tree, ignore=ignored)
        modules = sorted((tree / "nnlib").glob("[a-z]*.py"))
        if options.modules:
            modules = [path for path in modules if path.stem in options.modules]
        turns = itertools.zip_longest(*(mutants(path, chance) for path in modules))
        chosen = (
            (path, *mutant) for turn in turns for path, mutant in zip(modules, turn) if mutant
        )
        done = survivors = 0
        for path, source, told in itertools.islice(chosen, options.count):
            if monotonic() > stop:
                break
            before = path.read_text(encoding="utf-8")
            path.write_text(source, encoding="utf-8")
            test = killer(tree, path.stem)
            path.write_text(before, encoding="utf-8")
            done, survivors = done + 1, survivors + (not test)
            print(f"noticed  {told}    [{test}]" if test else f"SURVIVES {told}", flush=True)
        print(f"{done} mutants, {done - survivors} noticed, {survivors} survive")


if __name__ == "__main__":
    main(sys.argv[1:])
