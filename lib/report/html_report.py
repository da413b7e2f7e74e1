"""HTML that carries everything it needs: pages, tables, and notebooks as reports. Text is escaped, Markup is not."""

import functools
import re
import urllib.parse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nh3
from IPython.display import HTML
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from lib import files
from lib.messages import of_catalogue
from lib.settings import Language

if TYPE_CHECKING:
    from nbconvert import HTMLExporter
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
    *("class", "id", "style", "title", "lang", "dir", "role", "tabindex", "open", "align", "border", "width", "height"),
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
_UNDESCRIBED = re.compile(r"<img(?![^>]* alt=)")
_STYLE_SHEET = re.compile(r"<style\b[^>]*>.*?</style>", re.DOTALL)
# In a style: an address other than a part of the same drawing, or an escape that could hide one.
_FETCHES = re.compile(r"@import|url\(\s*[\"']?(?!#|[\"'\s])|image-set\(|\\", re.IGNORECASE)
_NOTHING = "note nothing"
_TITLE = re.compile(r"\A# [^\n]*\n*")
_HEADING = re.compile(r"\A## *([^\n]*)")
FOR_PLANNERS = "planners"  # tag of prose that is in the language of those who correct plans
LONGEST = 600  # characters of a text in a cell; the JSON files have it whole


def link(text: object, address: str | None) -> Markup:
    """The text, as a link if there is an address that a browser may open."""
    shown = cell(text)
    if not address or not address.startswith(("http://", "https://")):
        return shown
    return Markup('<a href="{}">{}</a>').format(address, shown)


def file_link(text: object, path: str) -> Markup:
    """The text as a link to a file beside the page, or below its folder; a path is never taken for an address."""
    return Markup('<a href="{}">{}</a>').format(f"./{urllib.parse.quote(path)}", cell(text))


def cell(value: object) -> Markup:
    """A value as a table shows it: escaped, with its line breaks, cut after `LONGEST` characters."""
    if isinstance(value, Markup):
        return value
    text = shortened("" if value is None else str(value))
    return Markup("<br>").join(escape(line) for line in text.split("\n"))


def shortened(text: str) -> str:
    """The text, cut after `LONGEST` characters; then it says how long it is."""
    return f"{text[:LONGEST]}… ({len(text):,} characters)" if len(text) > LONGEST else text


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Iterable[str] = (), cards: bool = False
) -> HTML:
    """
    A table; columns of `numbers` stand to the right. JupyterLab shall find no formula in it.

    With `cards` each row is a card on a phone: the columns beneath each other, each with its name.
    """
    right = [column in set(numbers) for column in columns]
    shown = [[cell(value) for value in row] for row in rows]
    return _show("table.html", columns=columns, rows=shown, right=right, cards=cards)


def sentence(text: object, *, kind: str = "note") -> HTML:
    """A sentence that stands out: `kind` is good, attention, bad or note."""
    return _show("sentence.html", text=cell(text), kind=kind)


def nothing(text: str = "None.") -> HTML:
    """That there is nothing to show; a page leaves such a part out, with the prose above it."""
    return _show("sentence.html", text=cell(text), kind=_NOTHING)


def legend(meanings: Iterable[tuple[str, str]]) -> HTML:
    """What words mean, for below a table that uses them."""
    return _show("legend.html", meanings=list(meanings))


def details(summary: str, content: HTML) -> HTML:
    """Content that is shown on a click."""
    return _show("details.html", summary=summary, content=Markup(content.data))  # noqa: S704  # made here


def to_copy(text: str, language: str) -> HTML:
    """A text as it is, of which a click marks all."""
    return _show("to_copy.html", text=text, language=language)


def save_page(path: Path, template: str, **values: Any) -> Path:
    """Write a page made of one of our templates, whole or not at all."""
    return files.write_bytes(
        path, _environment().get_template(template).render(**values).encode(errors="backslashreplace")
    )


def get_ready() -> None:
    """Do once, while there is time, what takes `save_notebook` a second before it begins: imports, templates and patterns."""
    from nbformat import v4  # noqa: PLC0415  # kernels need none of it

    _exporter().from_notebook_node(v4.new_notebook(cells=[v4.new_markdown_cell("#")]))


def _exporter() -> "HTMLExporter":
    from nbconvert import HTMLExporter, TemplateExporter  # noqa: PLC0415

    class Exporter(HTMLExporter):
        """Does not take the page apart and put it together again, as long as all else takes, only to describe pictures."""

        from_notebook_node = TemplateExporter.from_notebook_node

    return Exporter(  # type: ignore[no-untyped-call]
        template_name="basic",
        exclude_input=True,
        exclude_output_prompt=True,
        filters={"highlight_code": "nbconvert.filters.Highlight2HTML"},
    )


def save_notebook(notebook: Path, path: Path, title: str, language: Language = "") -> Path:
    """
    Write an executed notebook as a page without its code, headed by the title in place of the notebook's own.

    A part of it (prose and the cells below) that shows nothing is left out; sections left out are named at the end. Prose of cells
    that are tagged `planners` is in Indonesian where the `language` is. Whatever
    its cells showed, nothing in it is fetched, runs, leads away by itself or sends a form: what text, tables and drawings are
    made of is kept, all else is taken out.
    """
    import nbformat  # noqa: PLC0415

    exporter = _exporter()
    shown, left_out = _sections(_with_drawings_inline(nbformat.read(notebook, as_version=4)))
    for each in (each for cells in shown for each in cells if language == "id" and FOR_PLANNERS in _tags(each)):
        if indonesian := of_catalogue(each.source).indonesian:
            each.source = f'<div lang="id">\n\n{indonesian}\n\n</div>'
    bodies = (exporter.from_notebook_node(nbformat.v4.new_notebook(cells=cells))[0] for cells in shown)
    sections = [Markup(_harmless(body)) for body in bodies]  # noqa: S704  # cleaned
    return save_page(path, "notebook.html", title=title, sections=sections, left_out=left_out)


def _sections(notebook: "NotebookNode") -> "tuple[list[list[NotebookNode]], list[str]]":
    """The cells to show, section by section, and the headings of the sections that show nothing."""
    sections: list[list[list[NotebookNode]]] = [[[]]]  # of parts, of cells
    for each in notebook.cells:
        if each.cell_type == "markdown":
            each.source = _TITLE.sub("", each.source) if sections == [[[]]] else each.source
            if _HEADING.match(each.source):
                sections.append([])
            sections[-1].append([])
        sections[-1][-1].append(each)
    shown, left_out = [], []
    for parts in sections:
        kept = [_without_nothing(part) for part in parts if not _shows_nothing(part)]
        if kept:
            first = parts[:1] if _shows_nothing(parts[0]) else []  # with the heading
            shown.append([each for part in (*first, *kept) for each in part])
        elif heading := _HEADING.match(parts[0][0].source):
            left_out.append(heading[1])
    return shown, left_out


def _tags(each: "NotebookNode") -> list[str]:
    return list(each.metadata.get("tags", []))


def _without_nothing(part: "list[NotebookNode]") -> "list[NotebookNode]":
    """The cells of a part that shows something but for those of it that show nothing."""
    return [each for each in part if not _shows_nothing([each])]


def _shows_nothing(part: "list[NotebookNode]") -> bool:
    outputs = [output for each in part for output in each.get("outputs", [])]
    marked = [f'class="sentence {_NOTHING}' in output.get("data", {}).get("text/html", "") for output in outputs]
    return bool(outputs) and all(marked)


def _harmless(body: str) -> str:
    kept = nh3.clean(
        body,
        tags=nh3.ALLOWED_TAGS | _TAGS,
        clean_content_tags={"script"},
        attributes={
            "*": _ATTRIBUTES,
            "td": {"data-label"},
            "a": {"href"},
            "img": {"src", "alt"},
            "use": {"href"},
            "image": {"href"},
        },
        generic_attribute_prefixes={"aria-"},
        attribute_filter=_harmless_value,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel=None,
    )
    described = _UNDESCRIBED.sub('<img alt="No description has been given for this picture"', kept)
    return _STYLE_SHEET.sub(lambda sheet: "" if _FETCHES.search(sheet[0]) else sheet[0], described)


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
            output["data"]["text/html"] = f'<figure tabindex="0">{drawing}</figure>'
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
