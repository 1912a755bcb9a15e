"""Runs the cells of a page: in little, what IPython and its inline backend do for the book.

Lives in the worker (worker.js) as the module ``nnbook_kernel``. A cell's outputs go to a function
`send`, one dictionary each: ``{"kind": "stdout" | "stderr" | "text" | "markdown" | "html" |
"svg" | "error", "text": ...}``.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import io
import linecache
import logging
import pprint
import re
import sys
import time
import traceback
import types
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from rlcompleter import Completer
from typing import Any

import __main__

Send = Callable[[dict[str, str]], object]

NO_INPUT = "this page cannot ask for input: write the answer into the code"
LEFT_OUT = "{}: a command of IPython, which is not in this page; the line was left out\n"
FUTURES = [getattr(__future__, name) for name in __future__.all_feature_names]


class Kernel:
    """The state of one page."""

    def __init__(self) -> None:
        self.clear()
        self.failure = ""
        self.send: Send = lambda output: None
        self.streams = Stream(self, "stdout"), Stream(self, "stderr")
        self.pending, self.flushed, self.sent = ["stdout", ""], 0.0, 0

    def clear(self) -> None:
        """Forget every name."""
        self.names = __main__.__dict__  # classes of cells are found there, as in a notebook
        for name in [name for name in self.names if not re.fullmatch(r"__\w+__", name)]:
            del self.names[name]
        self.flags = 0

    def run(self, source: str, name: str, send: Send) -> bool | Awaitable[bool]:
        """Run a cell; return whether it ran to its end, at once if it awaits nothing."""
        self.send, self.sent = send, 0
        sys.stdout, sys.stderr = self.streams  # a cell may have put others there
        sys.stdin = self.streams[0]
        linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
        with self.told(name) as done:
            codes = self.parts(self.without_commands(source, name), name)
            if any(code.co_flags & inspect.CO_COROUTINE for code in codes):
                return self.wait(codes, name)
            self.finish([eval(code, self.names) for code in codes][-1])
        return bool(done)

    async def wait(self, codes: list[types.CodeType], name: str) -> bool:
        """Run the parts of a cell that awaits something."""
        with self.told(name) as done:
            value = None
            for code in codes:
                value = eval(code, self.names)
                if code.co_flags & inspect.CO_COROUTINE:
                    value = await value
            self.finish(value)
        return bool(done)

    @contextmanager
    def told(self, name: str) -> Iterator[list[bool]]:
        """Tell what a cell raises; what is given is empty unless it came to its end."""
        done: list[bool] = []
        try:
            yield done
            done.append(True)
        except BaseException as error:
            self.flush()
            if "matplotlib.pyplot" in sys.modules:
                sys.modules["matplotlib.pyplot"].close("all")
            error.__traceback__ = self.inside(error.__traceback__, name)
            self.send({"kind": "error", "text": "".join(traceback.format_exception(error))})
        finally:
            self.flush()

    def finish(self, value: object) -> None:
        """Show what a cell has for its value, and its figures."""
        if value is not None:
            self.names["_"] = value
            display(value)
        show()

    def know(self, name: str) -> dict[str, Any]:
        """Say how a name goes on, and what it stands for: how that is called, the first line of
        its docstring, and its place in the reference if it is the package's.
        """
        names: list[str] = []
        completer = Completer(self.names)
        while (match := completer.complete(name, len(names))) is not None:
            names.append(match.rstrip("(: "))
        names = sorted(set(names))
        known: dict[str, Any] = {"names": names, "call": "", "text": "", "place": ""}
        one = names[0] if len(names) == 1 else name
        try:
            value = eval(one, self.names)  # a name with dots
        except Exception:
            return known
        if callable(value):
            known["text"] = (inspect.getdoc(value) or "").partition("\n")[0]
            try:
                known["call"] = f"{one}{inspect.signature(value)}"
            except (TypeError, ValueError):  # a builtin that tells nothing
                known["call"] = f"{one}(...)"
            if (module := getattr(value, "__module__", None) or "").startswith("nnlib."):
                known["place"] = f"{module}.{value.__qualname__}"
        return known

    def without_commands(self, source: str, name: str) -> str:
        """Leave out the commands of IPython: of the lines with ``%``, ``!`` or ``?`` those that
        are no Python. ``name?`` becomes a call of `help`, and what sets up figures goes silently.
        """
        lines = source.split("\n")
        while True:
            try:
                ast.parse("\n".join(lines), name)
            except SyntaxError as error:
                at = (error.lineno or 0) - 1
                line = lines[at] if 0 <= at < len(lines) else ""
                command = re.fullmatch(r"(\s*)(?:([%!].*)|(\??\??[\w.]+\??\??))\s*", line)
                if not command or not re.search(r"[%!?]", line):
                    break  # it is told when the cell is compiled
                indent, told, asked = command.groups()
                lines[at] = f"{indent}help({asked.strip('?')})" if asked else f"{indent}pass"
                if told and not re.match("%(config|matplotlib)\\b", told):
                    self.write("stderr", LEFT_OUT.format(told))
            else:
                break
        return "\n".join(lines)

    def call(self, name: str, values: list[Any]) -> Any:
        """Call a function by its name; if it raises, `failure` says what."""
        self.failure = ""
        try:
            if name not in self.names:
                raise NameError(f"name {name!r} is not defined")
            return self.names[name](*values)
        except BaseException as error:
            self.failure = "".join(traceback.format_exception_only(error)).strip()
            return None

    def parts(self, source: str, name: str) -> list[types.CodeType]:
        """Compile the statements; the last one apart if it is an expression, for its value."""
        tree = ast.parse(source, name)
        last = tree.body[-1] if tree.body else None
        if isinstance(last, ast.Expr) and not source.rstrip().endswith(";"):
            del tree.body[-1]
            value = self.compile(ast.Expression(last.value), name, "eval")
            return [self.compile(tree, name, "exec"), value]
        return [self.compile(tree, name, "exec")]

    def compile(self, tree: ast.Module | ast.Expression, name: str, mode: str) -> types.CodeType:
        """Compile; a ``from __future__ import`` holds for the cells after it too."""
        code: types.CodeType = compile(
            tree, name, mode, self.flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
        )
        for feature in FUTURES:
            self.flags |= code.co_flags & feature.compiler_flag
        return code

    @staticmethod
    def inside(trace: types.TracebackType | None, name: str) -> types.TracebackType | None:
        """Leave out the frames of this module, above the cell's."""
        inner = trace
        while inner and inner.tb_frame.f_code.co_filename != name:
            inner = inner.tb_next
        return inner

    def write(self, stream: str, text: str) -> None:
        """Collect what is printed; send the first lines at once, more twenty times a second."""
        if self.pending[0] != stream:
            self.flush()
            self.pending[0] = stream
        self.pending[1] += text
        if text.endswith("\n") and (self.sent < 100 or time.monotonic() - self.flushed > 0.05):
            self.flush()

    def flush(self) -> None:
        stream, text = self.pending
        self.pending[1], self.flushed = "", time.monotonic()
        if text:
            self.sent += 1
            self.send({"kind": stream, "text": text})


class Stream(io.TextIOBase):
    """What cells print to; they have nothing to read from."""

    def __init__(self, kernel: Kernel, name: str) -> None:
        self.kernel, self.name = kernel, name

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.kernel.write(self.name, text)
        return len(text)

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        raise RuntimeError(NO_INPUT)

    def flush(self) -> None:
        self.kernel.flush()


def text_of(value: object) -> str:
    """Write a value as the book does: containers that do not fit a line, one element a line."""
    text = repr(value)
    if len(text) > 79 and type(value) in (list, tuple, dict, set):
        return pprint.pformat(value, width=79, sort_dicts=False)
    return text


def display(*values: Any, **options: object) -> None:
    """Show values: Markdown, HTML, figures, or else as text."""
    for value in values:
        kernel.flush()
        kernel.send(shown(value))


def shown(value: Any) -> dict[str, str]:
    """What is sent of a value: the first of its representations that there is."""
    if not isinstance(value, type):
        for kind in ("markdown", "html", "svg"):
            if text := getattr(value, f"_repr_{kind}_", lambda: None)():
                return {"kind": kind, "text": text}
        figures = sys.modules.get("matplotlib.figure")
        if figures and isinstance(value, figures.Figure):
            return {"kind": "svg", "text": svg_of(value)}
    return {"kind": "text", "text": text_of(value)}


# ---------------------------------------------------------------- Matplotlib's backend
def svg_of(figure: Any) -> str:
    file = io.StringIO()
    figure.canvas.print_figure(file, format="svg", bbox_inches="tight")
    return file.getvalue()


def show(*args: object, **options: object) -> None:
    """Draw the open figures, and close them: ``plt.show``, and the end of every cell."""
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        for number in pyplot.get_fignums():
            figure = pyplot.figure(number)
            if figure.axes or figure.lines:
                display(figure)
        pyplot.close("all")


def __getattr__(name: str) -> Any:
    if name == "FigureCanvas":
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        globals()[name] = FigureCanvasAgg  # not before: Matplotlib takes a second to import
        return FigureCanvasAgg
    raise AttributeError(name)


# ---------------------------------------------------------------- a stand-in for IPython
class Markdown:
    """Text in Markdown, to be displayed."""

    def __init__(self, data: str) -> None:
        self.data = data

    def _repr_markdown_(self) -> str:
        return self.data


class HTML:
    """Text in HTML, to be displayed."""

    def __init__(self, data: str) -> None:
        self.data = data

    def _repr_html_(self) -> str:
        return self.data


def stand_in() -> None:
    """Put a module IPython in place, with what the chapters use of it."""
    ipython, submodule = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    vars(submodule).update(Markdown=Markdown, HTML=HTML, display=display)
    vars(ipython).update(display=submodule, get_ipython=lambda: None, version_info=(8, 24))
    sys.modules.update({"IPython": ipython, "IPython.display": submodule})


# it tells that it lists the fonts
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
stand_in()
kernel = Kernel()
