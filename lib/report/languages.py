"""Messages to planners in the language of the report: in Indonesian, in English, or in both."""

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


def told(message: Said, language: Language = "") -> str:
    """A message for a text that planners read: in Indonesian, unless the report is in English."""
    return str(message) if language == "en" else message.indonesian or str(message)
