"""
Messages to planners in the language of the report: in Indonesian, in English, or in both.

Headings and names of columns around them are in Indonesian where the messages are in Indonesian alone, else in English. What
managers read is in English.
"""

from collections.abc import Iterable

from markupsafe import Markup

from lib.messages import Said
from lib.report import html_report
from lib.settings import Language


def shown(message: Said, language: Language = "") -> Markup:
    """A message for a table; in English alone where nobody wrote it in Indonesian."""
    english = html_report.cell(str(message))
    if language == "en" or not message.indonesian:
        return english
    indonesian = html_report.cell(message.indonesian)
    if language == "id":
        return Markup('<span lang="id">{}</span>').format(indonesian)
    return Markup('{}<div class="quiet" lang="id">{}</div>').format(english, indonesian)


def label(message: Said, language: Language = "") -> str:
    """A heading, the name of a column, or a word in it, in a part that planners read."""
    return told(message, language or "en")


def labels(messages: Iterable[Said], language: Language = "") -> list[str]:
    """Labels, in their order."""
    return [label(message, language) for message in messages]


def told(message: Said, language: Language = "") -> str:
    """A message for a text that planners read: in Indonesian, unless the report is in English."""
    return str(message) if language == "en" else message.indonesian or str(message)
