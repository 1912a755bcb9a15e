"""One pass over the pages: each is edited once, as a whole, on its way from the template to its
file.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.config import Config
from sphinx.jinja2glue import BuiltinTemplateLoader
from sphinx.theming import Theme

from . import editions, fixes, page_weight, policy

# each takes a page and the builder, and returns the page
EDITS = (fixes.mend, page_weight.lighten, policy.tame, editions.offer)


class Pages(BuiltinTemplateLoader):
    """Sphinx's templates, with the edits behind them."""

    def init(
        self, builder: Builder, theme: Theme | None = None, dirs: list[str] | None = None
    ) -> None:
        super().init(builder, theme, dirs)
        self.builder = builder

    def render(self, template: str, context: dict[str, Any]) -> str:  # type: ignore[override]
        page = super().render(template, context)
        for edit in EDITS if self.builder.name == "html" else ():
            page = edit(page, self.builder)
        return page


def choose(app: Sphinx, config: Config) -> None:
    config.template_bridge = f"{__name__}.{Pages.__name__}"


def setup(app: Sphinx) -> None:
    app.connect("config-inited", choose)
