"""Checks the docstrings of all that the package offers, by numpydoc's rules: `make lint`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import pydoc
import re
import sys
from collections.abc import Iterator

from numpydoc.validate import validate

import nnlib

# summaries: there, with a full stop, on one line; sections: none misspelt, no wrong underline;
# parameters: none unknown
EVERYWHERE = {"GL06", "GL07", "GL08", "SS01", "SS03", "SS04", "SS06", "PR02", "PR10"}
OFFERED = EVERYWHERE | {"PR01", "RT01"}  # and none missing, nor what is returned


def described(cls: type, name: str) -> bool:
    """Whether a base class describes a method, which then means the same."""
    return any(name in vars(base) and inspect.getdoc(vars(base)[name]) for base in cls.__mro__[1:])


def public() -> Iterator[tuple[str, set[str]]]:
    """Name each class and function that a module offers, and its methods, with their rules."""
    for info in pkgutil.iter_modules(nnlib.__path__, "nnlib."):
        if info.name.endswith("._modidx"):
            continue
        module = importlib.import_module(info.name)
        for name in module.__all__:
            offered = getattr(module, name)
            if not callable(offered) or offered.__module__ != info.name:
                continue
            yield f"{info.name}.{name}", OFFERED
            for method, value in vars(offered).items() if inspect.isclass(offered) else ():
                shown = inspect.isfunction(value) or isinstance(value, property)
                if shown and not method.startswith("_") and not described(offered, method):
                    yield f"{info.name}.{name}.{method}", EVERYWHERE


def excused(name: str, code: str, text: str) -> bool:
    """Whether what a rule misses stands elsewhere.

    Fields of a class are among its attributes, those of a base class with its subclasses.
    """
    offered = pydoc.locate(name)
    if code != "PR01" or not inspect.isclass(offered):
        return False
    attributes = str(inspect.getdoc(offered)).partition("Attributes\n---")[2]
    missing = re.findall(r"'(\w+)'", text)
    return (
        getattr(offered, "_is_protocol", False)
        or offered.__name__.startswith("Base")
        or all(re.search(rf"^(\w+, )*{word}\b.* :", attributes, re.M) for word in missing)
    )


def main() -> int:
    """Print what is found; return how much it is."""
    found = [
        f"{name}: {code} {text}"
        for name, rules in public()
        for code, text in validate(name)["errors"]
        if code in rules and not excused(name, code, text)
    ]
    print("\n".join(found))
    return len(found)


if __name__ == "__main__":
    sys.exit(bool(main()))
