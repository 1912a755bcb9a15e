"""Tries wrong answers on the solution of an exercise, in the kernel that runs its notebook.

Wrong variants of it (a number changed, a sum turned into a difference, a computed value moved) run
each in a process of its own, from the state in which the solution would start.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import linecache
import os
import signal
from collections.abc import Iterator

import numpy as np

SWAPS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Lt: ast.GtE,
    ast.Gt: ast.LtE,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.MatMult: ast.Add,
}


def wrong(value: object) -> object:
    """Move a computed value: numbers far off, truth to its contrary, texts reversed, and so on
    inward.
    """
    if isinstance(value, (bool, np.bool_)):
        return not value
    if isinstance(value, (int, np.integer)):
        return value + 1
    if isinstance(value, (float, np.floating, complex)):
        return 7 - 3 * value
    if isinstance(value, np.ndarray):
        return (
            ~value
            if value.dtype == bool
            else (7 - 3 * value if value.dtype.kind in "fc" else value + 1)
        )
    if isinstance(value, (str, bytes)):
        return value[::-1]
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(map(wrong, value))
    if isinstance(value, dict):
        return {key: wrong(item) for key, item in value.items()}
    return value


def is_check(statement: ast.stmt) -> bool:
    """Whether a statement checks an answer rather than giving it."""
    return isinstance(statement, ast.Assert) or ast.unparse(statement).startswith("check(")


def targets(statement: ast.stmt) -> list[str]:
    """List the names that a statement assigns to."""
    if not isinstance(statement, ast.Assign):
        return []
    return [
        node.id
        for target in statement.targets
        for node in ast.walk(target)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]


def variants(tree: ast.Module) -> Iterator[tuple[str, ast.Module]]:
    """Make the wrong variants of a solution, each with one change outside its checks."""
    for i, statement in enumerate(tree.body):
        if isinstance(statement, ast.Assert):
            continue
        for name in targets(statement):
            moved = ast.parse(f"{name} = __wrong__({name})").body
            yield (
                f"moved: {name}",
                ast.Module([*tree.body[: i + 1], *moved, *tree.body[i + 1 :]], []),
            )
        for j, node in enumerate(ast.walk(statement)):
            changed = copy.deepcopy(tree)
            here = list(ast.walk(changed.body[i]))[j]
            if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
                here.value = wrong(node.value)
            elif isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
                here.op = SWAPS[type(node.op)]()
            elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
                here.ops = [SWAPS[type(node.ops[0])](), *node.ops[1:]]
            elif isinstance(node, (ast.Return, ast.AugAssign)) and node.value is not None:
                here.value = ast.Call(ast.Name("__wrong__", ast.Load()), [here.value], [])
            elif (
                isinstance(node, ast.Call)
                and is_check(statement)
                and isinstance(statement.value, ast.Call)
                and j == 1
            ):
                # what `check` is given
                here.args[0] = ast.BinOp(here.args[0], ast.Mult(), ast.Constant(1.1))
            else:
                continue
            yield f"line {getattr(node, 'lineno', 0)}: {ast.unparse(node)[:50]}", changed

    for i, statement in enumerate(tree.body):  # last, as there are many: what some call gives
        for j, node in enumerate([] if is_check(statement) else ast.walk(statement)):
            if isinstance(node, ast.Call):
                changed = copy.deepcopy(tree)
                here = list(ast.walk(changed.body[i]))[j]
                call = ast.Call(here.func, here.args, here.keywords)
                here.func, here.args, here.keywords = ast.Name("__wrong__", ast.Load()), [call], []
                yield f"line {node.lineno}: moved {ast.unparse(node)[:50]}", changed


def run(tree: ast.Module, state: dict[str, object]) -> None:
    """Execute quietly."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        source = ast.unparse(ast.fix_missing_locations(tree))
        name = f"<cell {len(linecache.cache)}>"
        # for `inspect.getsource`
        linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
        exec(compile(source, name, "exec"), state)


def outcome(tree: ast.Module, state: dict[str, object], seconds: int = 10) -> str:
    """Run a variant in a copy of this process; say how it ended: the name of the error, or
    "passed".
    """
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        signal.alarm(seconds)
        state["__wrong__"] = wrong
        try:
            run(tree, state)
            ended = "passed"
        except BaseException as error:
            ended = type(error).__name__
        os.write(writing, ended.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        ended = pipe.read()
    os.waitpid(child, 0)
    return ended or "no end"


def try_answers(solution: str, state: dict[str, object]) -> dict[str, str]:
    """Run wrong variants of a solution until its checks reject one; say how each ended."""
    ends: dict[str, str] = {}
    for name, variant in variants(ast.parse(solution)):
        ends[name] = outcome(variant, state)
        if ends[name] == "AssertionError":
            break
    return ends
