"""HTML that carries everything it needs: pages, tables, and notebooks as reports. Text is escaped, Markup is not."""

import functools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nh3
from IPython.display import HTML
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from lib import files

if TYPE_CHECKING:
    from nbformat import NotebookNode

_TEMPLATES = Path(__file__).with_name("templates")
_TAGS = {
    *("section", "main", "figure", "figcaption", "details", "summary", "style"),
    *(
        "svg",
        "g",
        "defs",
        "path",
        "rect",
        "circle",
        "ellipse",
        "line",
        "polyline",
        "polygon",
        "text",
        "tspan",
        "use",
        "image",
    ),
    *("clipPath", "linearGradient", "radialGradient", "stop", "marker", "mask", "pattern", "symbol", "title", "desc"),
}
_ATTRIBUTES = {
    *("class", "id", "style", "title", "lang", "dir", "role", "open", "align", "border", "width", "height"),
    *("colspan", "rowspan", "scope", "start", "viewBox", "preserveAspectRatio", "version", "d", "x", "y", "x1", "y1"),
    *("x2", "y2", "dx", "dy", "cx", "cy", "r", "rx", "ry", "fx", "fy", "points", "transform", "clip-path", "clip-rule"),
    *("fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap"),
    *("stroke-linejoin", "stroke-dasharray", "stroke-miterlimit", "opacity", "offset", "stop-color", "stop-opacity"),
    *("font-family", "font-size", "font-weight", "font-style", "text-anchor", "dominant-baseline", "clipPathUnits"),
    *(
        "gradientUnits",
        "gradientTransform",
        "marker-end",
        "marker-start",
        "markerWidth",
        "markerHeight",
        "refX",
        "refY",
    ),
    *("orient", "mask", "patternUnits", "space"),
}
_STYLE_SHEET = re.compile(r"<style\b[^>]*>.*?</style>", re.DOTALL)
# In a style: an address other than a part of the same drawing, or an escape that could hide one.
_FETCHES = re.compile(r"@import|url\(\s*[\"']?(?!#|[\"'\s])|image-set\(|\\", re.IGNORECASE)
LONGEST = 600  # characters of a text in a cell; the JSON files have it whole


def link(text: object, address: str | None) -> Markup:
    """The text, as a link if there is an address that a browser may open."""
    shown = cell(text)
    if not address or not address.startswith(("http://", "https://")):
        return shown
    return Markup('<a href="{}">{}</a>').format(address, shown)


def cell(value: object) -> Markup:
    """A value as a table shows it: escaped, with its line breaks, cut after `LONGEST` characters."""
    if isinstance(value, Markup):
        return value
    text = "" if value is None else str(value)
    text = f"{text[:LONGEST]}… ({len(text):,} characters)" if len(text) > LONGEST else text
    return Markup("<br>").join(escape(line) for line in text.split("\n"))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Iterable[str] = ()) -> HTML:
    """A table; columns of `numbers` stand to the right. JupyterLab shall find no formula in it."""
    right = [column in set(numbers) for column in columns]
    return _show("table.html", columns=columns, rows=[[cell(value) for value in row] for row in rows], right=right)


def sentence(text: object, *, kind: str = "note") -> HTML:
    """A sentence that stands out: `kind` is good, attention, bad or note."""
    return _show("sentence.html", text=cell(text), kind=kind)


def legend(meanings: Iterable[tuple[str, str]]) -> HTML:
    """What words mean, for below a table that uses them."""
    return _show("legend.html", meanings=list(meanings))


def details(summary: str, content: HTML) -> HTML:
    """Content that is shown on a click."""
    return _show("details.html", summary=summary, content=Markup(content.data))  # noqa: S704  # made here


def save_page(path: Path, template: str, **values: Any) -> Path:
    """Write a page made of one of our templates, whole or not at all."""
    return files.write_bytes(
        path, _environment().get_template(template).render(**values).encode(errors="backslashreplace")
    )


def save_notebook(notebook: Path, path: Path, title: str) -> Path:
    """
    Write an executed notebook as a page without its code.

    Whatever its cells showed, nothing in it is fetched, runs, leads away by itself or sends a form: what text, tables and
    drawings are made of is kept, all else is taken out.
    """
    import nbformat  # noqa: PLC0415  # with nbconvert it takes half a second, and kernels need neither
    from nbconvert import HTMLExporter  # noqa: PLC0415

    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="basic", exclude_input=True, exclude_output_prompt=True
    )
    body, _ = exporter.from_notebook_node(_with_drawings_inline(nbformat.read(notebook, as_version=4)))
    return save_page(path, "notebook.html", title=title, body=Markup(_harmless(body)))  # noqa: S704  # cleaned


def _harmless(body: str) -> str:
    kept = nh3.clean(
        body,
        tags=nh3.ALLOWED_TAGS | _TAGS,
        clean_content_tags={"script"},
        attributes={"*": _ATTRIBUTES, "a": {"href"}, "img": {"src", "alt"}, "use": {"href"}, "image": {"href"}},
        generic_attribute_prefixes={"aria-"},
        attribute_filter=_harmless_value,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel=None,
    )
    return _STYLE_SHEET.sub(lambda sheet: "" if _FETCHES.search(sheet[0]) else sheet[0], kept)


def _harmless_value(tag: str, name: str, value: str) -> str | None:
    """The attribute's value, or None to leave it out: pictures are data, drawings use their own parts, links are clicked."""
    if name in ("href", "src"):
        start = {"img": "data:image/", "image": "data:image/", "use": "#"}.get(tag)
        wanted = value.startswith(start) if start else not value.lower().lstrip().startswith("data:")
        return value if wanted else None
    return None if _FETCHES.search(value) and name not in ("alt", "title") else value


def _with_drawings_inline(notebook: "NotebookNode") -> "NotebookNode":
    """Drawings as part of the page, so that they take its colours; nbconvert would make images of them."""
    for output in (output for each in notebook.cells for output in each.get("outputs", [])):
        if drawing := output.get("data", {}).pop("image/svg+xml", None):
            output["data"]["text/html"] = f"<figure>{drawing}</figure>"
    return notebook


def _show(template: str, **values: Any) -> HTML:
    return HTML(_environment().get_template(template).render(**values))


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
