"""The object that every view returns."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfx_automl.components.evaluator.report.markup import Markup, element
from tfx_automl.errors import ConfigError

_CSS = """
:root { color-scheme: light dark; }
body { max-width: 1080px; margin: 24px auto; padding: 0 20px; line-height: 1.45;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
"""
# A notebook that somebody else ran is shown without frames until it is trusted; this text is then left of the frame.
_UNTRUSTED = "The report is drawn here once this notebook is trusted, or run again."


@dataclass(frozen=True)
class View:
    """Something to see: the last expression of a notebook's cell draws it.

    Attributes:
        title: What it shows, in a few words.
        body: The HTML that a notebook shows.
        rows: The numbers that it shows, a mapping each.
        page: A whole page for `save`, if that is more than the body.
    """

    title: str
    body: str = field(repr=False)
    rows: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    page: str = field(default="", repr=False)

    def _repr_html_(self) -> str:
        return element("div", Markup(self.body), class_="tfx-automl", style="max-width:1080px")

    def save(self, path: "str | os.PathLike[str]") -> Path:
        """Writes it as an HTML page of its own.

        Args:
            path: The file; written over if it is there.

        Returns:
            The file's absolute path.

        Raises:
            ConfigError: It cannot be written.
        """
        target = Path(os.path.abspath(os.path.expanduser(path)))
        try:
            target.write_text(self.page or _page(self.title, self.body), encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"save: {target} cannot be written ({error.strerror}); name a file in an existing folder where you may "
                "write, such as report.html."
            ) from error
        return target

    def to_frame(self) -> Any:
        """Returns the numbers as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(list(self.rows))


def _page(title: str, body: str) -> str:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("style", Markup(_CSS)),
    )
    return "<!doctype html>\n" + element("html", head, element("body", Markup(body)), lang="en") + "\n"


def framed(page: str, title: str, height: int) -> Markup:
    """Returns a frame with a whole page in it, whose styles and scripts so stay inside.

    Args:
        page: The HTML; its scripts run, but can reach neither the notebook nor its server.
        title: For those who cannot see it.
        height: In pixels.
    """
    # Else links within the page would lead out of it: in such a frame they start from the address of the notebook. It
    # stands first, because a policy further below may not allow it.
    own = page.replace("<head>", '<head><base href="about:srcdoc"/>', 1)
    style = f"width:100%;height:{height}px;border:1px solid rgba(128,128,128,.4);border-radius:8px;background:#fff"
    return element(
        "iframe",
        _UNTRUSTED,
        srcdoc=own,
        sandbox="allow-scripts allow-downloads allow-popups",
        title=title,
        width="100%",
        height=str(height),
        style=style,
    )
