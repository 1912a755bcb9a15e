"""Runs the cells of a page: in little, what IPython and its inline backend do for the book.

Lives in the worker (worker.js) as the module ``nnbook_kernel``. A cell's outputs go to a function `send`,
one dictionary each: ``{"kind": "stdout" | "stderr" | "text" | "markdown" | "svg" | "error", "text": ...}``.
"""

import __main__
import __future__
import ast
import io
import linecache
import logging
import pprint
import re
import sys
import time
import traceback
import types

FUTURES = [getattr(__future__, name) for name in __future__.all_feature_names]


class Kernel:
    """The state of one page."""

    def __init__(self):
        self.clear()
        self.send = lambda output: None
        self.streams = Stream(self, "stdout"), Stream(self, "stderr")
        self.pending, self.flushed, self.sent = ["stdout", ""], 0.0, 0

    def clear(self):
        """Forget every name."""
        self.names = __main__.__dict__  # classes of cells are found there, as in a notebook
        for name in [name for name in self.names if not re.fullmatch(r"__\w+__", name)]:
            del self.names[name]
        self.flags = 0

    def run(self, source, name, send):
        """Run a cell; return whether it ran to its end."""
        self.send, self.sent = send, 0
        sys.stdout, sys.stderr = self.streams  # a cell may have put others there
        source = re.sub(r"^%.*$", "", source, flags=re.M)  # magics are IPython's
        linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
        try:
            value = self.execute(source, name)
            if value is not None:
                self.names["_"] = value
                display(value)
            show()
            return True
        except BaseException as error:
            self.flush()
            if "matplotlib.pyplot" in sys.modules:
                sys.modules["matplotlib.pyplot"].close("all")
            error.__traceback__ = self.inside(error.__traceback__, name)
            self.send({"kind": "error", "text": "".join(traceback.format_exception(error))})
            return False
        finally:
            self.flush()

    def call(self, name, values):
        """Call a function by its name; if it raises, `failure` says what."""
        self.failure = ""
        try:
            if name not in self.names:
                raise NameError(f"name {name!r} is not defined")
            return self.names[name](*values)
        except BaseException as error:
            self.failure = "".join(traceback.format_exception_only(error)).strip()

    def execute(self, source, name):
        """Run the statements; return the value of the last one if it is an expression."""
        tree, last = ast.parse(source, name), None
        if tree.body and isinstance(tree.body[-1], ast.Expr) and not source.rstrip().endswith(";"):
            last = ast.Expression(tree.body.pop().value)
        exec(self.compile(tree, name, "exec"), self.names)
        return eval(self.compile(last, name, "eval"), self.names) if last else None

    def compile(self, tree, name, mode):
        """Compile; a ``from __future__ import`` holds for the cells after it too."""
        code = compile(tree, name, mode, self.flags, dont_inherit=True)
        for feature in FUTURES:
            self.flags |= code.co_flags & feature.compiler_flag
        return code

    @staticmethod
    def inside(trace, name):
        """Leave out the frames of this module, above the cell's."""
        inner = trace
        while inner and inner.tb_frame.f_code.co_filename != name:
            inner = inner.tb_next
        return inner

    def write(self, stream, text):
        """Collect what is printed; send the first lines at once, many more twenty times a second."""
        if self.pending[0] != stream:
            self.flush()
            self.pending[0] = stream
        self.pending[1] += text
        if text.endswith("\n") and (self.sent < 100 or time.monotonic() - self.flushed > 0.05):
            self.flush()

    def flush(self):
        stream, text = self.pending
        self.pending[1], self.flushed = "", time.monotonic()
        if text:
            self.sent += 1
            self.send({"kind": stream, "text": text})


class Stream(io.TextIOBase):
    """What cells print to."""

    def __init__(self, kernel, name):
        self.kernel, self.name = kernel, name

    def writable(self):
        return True

    def write(self, text):
        self.kernel.write(self.name, text)
        return len(text)

    def flush(self):
        self.kernel.flush()


def text_of(value):
    """Write a value as the book does: containers that do not fit a line, one element a line."""
    text = repr(value)
    if len(text) > 79 and type(value) in (list, tuple, dict, set):
        return pprint.pformat(value, width=79, sort_dicts=False)
    return text


def display(*values, **options):
    """Show values: Markdown, figures, or else as text."""
    for value in values:
        kernel.flush()
        if hasattr(value, "_repr_markdown_"):
            kernel.send({"kind": "markdown", "text": value._repr_markdown_()})
        elif "matplotlib.figure" in sys.modules and isinstance(value, sys.modules["matplotlib.figure"].Figure):
            kernel.send({"kind": "svg", "text": svg_of(value)})
        else:
            kernel.send({"kind": "text", "text": text_of(value)})


# ---------------------------------------------------------------- Matplotlib's backend
def svg_of(figure):
    file = io.StringIO()
    figure.canvas.print_figure(file, format="svg", bbox_inches="tight")
    return file.getvalue()


def show(*args, **options):
    """Draw the open figures, and close them: ``plt.show``, and the end of every cell."""
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        for number in pyplot.get_fignums():
            figure = pyplot.figure(number)
            if figure.axes or figure.lines:
                display(figure)
        pyplot.close("all")


def __getattr__(name):
    if name == "FigureCanvas":
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        globals()[name] = FigureCanvasAgg  # not before: Matplotlib takes a second to import
        return FigureCanvasAgg
    raise AttributeError(name)


# ---------------------------------------------------------------- a stand-in for IPython
class Markdown:
    """Text in Markdown, to be displayed."""

    def __init__(self, data):
        self.data = data

    def _repr_markdown_(self):
        return self.data


def stand_in():
    """Put a module IPython in place, with what the chapters use of it."""
    ipython, submodule = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    submodule.Markdown, submodule.display = Markdown, display
    ipython.display, ipython.get_ipython, ipython.version_info = submodule, lambda: None, (8, 24)
    sys.modules.update({"IPython": ipython, "IPython.display": submodule})


logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it tells that it lists the fonts
stand_in()
kernel = Kernel()
