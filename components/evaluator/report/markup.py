"""HTML that escapes by default: only what `element` made is trusted, every other text is escaped."""

import html
from collections.abc import Iterable

_VOID = frozenset({"br", "circle", "input", "line", "meta", "path", "rect"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: object) -> Markup:
    """Returns an element.

    Args:
        tag: Its name.
        children: Markup is taken as it is, other text is escaped.
        attributes: A trailing underscore is dropped and others become hyphens (`class_`, `aria_label`); attributes that
            are None are left out.
    """
    pairs = (
        (
            name.rstrip("_").replace("_", "-"),
            value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value),
        )
        for name, value in attributes.items()
        if value is not None
    )
    opening = "".join(f' {name}="{html.escape(value)}"' for name, value in pairs)
    if tag in _VOID:
        return Markup(f"<{tag}{opening}/>")
    return Markup(f"<{tag}{opening}>{join(children)}</{tag}>")


def join(children: Iterable[str]) -> Markup:
    """Returns the children one after the other; text that is not markup is escaped."""
    return Markup("".join(child if isinstance(child, Markup) else html.escape(child) for child in children))
