"""The storefront's blueprint, and the one filter of its own. Its pages register themselves on it."""

from typing import Protocol

from flask import Blueprint

from booking.web.language import current_language

blueprint = Blueprint("storefront", __name__)


class HasWords(Protocol):
    """A row whose texts the host may have written in several languages."""

    def words(self, field: str, language: str) -> str: ...


@blueprint.app_template_filter("host_words")
def host_words(row: HasWords, field: str) -> str:
    """One of the host's own texts, in the language of the page where somebody wrote it in that."""
    return row.words(field, current_language().code)
