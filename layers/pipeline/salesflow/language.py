"""The languages of everything that a merchant sees: reports, their mails and file names, alerts, the library page.

English sentences in the code are the message ids. Their translations stand in `locale/<language>/LC_MESSAGES/salesflow.po`
(`locale/README.md` says how to keep them). What operators and programs read stays English: logs, errors, `reason` in answers and
the ledger, notices to the owner, names of files and S3 keys, the keys and column names of CSV, JSON, Parquet and manifests (their
`notes` are sentences for the reader, in the reader's language), and what is wrong with a record of the source that was set aside.

How to write a text:

    _ = words(language)                                  # or figures.words: `Figures` carries the words of its language
    _("Revenue")
    _("Sales of {days} came to {revenue}", days=figures.window(window), revenue=figures.money(minor))
    _.plural("{n} transaction", "{n} transactions", count, n=figures.show(Kind.COUNT, count))
    _.context("column", "Before")                        # the same English word with two meanings
    _.say(TABLE[key], **values)                          # one of a table of texts: {key: Text("Sales are back to usual."), ...}

- A message is a whole sentence, or a label that stands alone. Do not glue pieces: word order differs, and so do the forms of
  words (Lingala and Swahili have noun classes, Chinese has no plural). Two sentences after each other are two messages.
- The English text is a literal at the call, adjacent literals included, because the extractor reads the source. No f-string, no
  variable, and never a text of the merchant's: that goes in as a value. The literals of a table are marked as `Text`, or said inside
  a function that has `_`; within the arguments of such a call no other variable is named `_`.
- Values go in by name and arrive as they are: braces in a product's name stay braces. They are printed before (`Figures`), so they
  are strings. A brace of ours is doubled.
- `plural` takes the number that decides the form, and the number as printed by name.
- In a Jinja template: `{{ _("Run {id}", id=run) }}` with `_` given to `render`; the result is escaped as any value is. No plural
  and no context there: the extractor of Jinja knows only `_`.
- A comment that starts with `Translators:` in the line above is shown to translators.

Then `make messages`, translate what it lists as empty, and `tests/unit/test_language.py` passes.
"""

from enum import StrEnum
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final, NewType

DOMAIN: Final = "salesflow"
CATALOGUES: Final = Path(__file__).parent / "locale"

Text = NewType("Text", str)
"""Marks a literal of a table as a text to be translated, for the extractor; `Words.say` says it."""


class Language(StrEnum):
    """A language that merchants can choose."""

    EN = "en"
    FR = "fr"
    ZH = "zh"
    LN = "ln"
    SW = "sw"

    @property
    def locale(self) -> str:
        """The CLDR locale of its numbers and dates. English is the world's (22 November), Chinese is written in simplified characters."""
        return _LOCALES.get(self, self.value)

    @property
    def tag(self) -> str:
        """Its name for HTML, PDF and mail headers (BCP 47)."""
        return "zh-Hans" if self is Language.ZH else self.value

    @property
    def catalogue(self) -> Path:
        """The file of its translations; English needs none."""
        return CATALOGUES / self.value / "LC_MESSAGES" / f"{DOMAIN}.po"


_LOCALES: Final = {Language.EN: "en_001", Language.ZH: "zh_Hans"}


class Words:
    """Says texts in one language; get one from `words`."""

    def __init__(self, language: Language, translations: NullTranslations) -> None:
        self.language = language
        self._translations = translations

    def __call__(self, message: str, /, **values: str) -> str:
        """The message in this language, with `values` in the places of their names.

        Raises KeyError for a place without a value. A message without a translation stays English (a test keeps that from happening).
        """
        return self._translations.gettext(message).format_map(values)

    def say(self, message: Text, /, **values: str) -> str:
        """As a call, for a text of a table; values that it has no place for are passed over."""
        return self(message, **values)

    def plural(self, one: str, many: str, /, count: int, **values: str) -> str:
        """The form of the message that this language uses for `count` things; `one` and `many` are the English ones."""
        return self._translations.ngettext(one, many, count).format_map(values)

    def context(self, context: str, message: str, /, **values: str) -> str:
        """As a call, for a message whose English has several meanings: `context` (never shown) tells them apart."""
        return self._translations.pgettext(context, message).format_map(values)


@cache
def words(language: Language) -> Words:
    """The words of a language, read once.

    The catalogue is read as it was written, not compiled: import and reading take some 35 ms once a container, for other languages
    than English alone, and no build step can be forgotten.
    """
    if language is Language.EN:
        return Words(language, NullTranslations())
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with language.catalogue.open("rb") as file:
        catalogue = read_po(file, locale=language.value, domain=DOMAIN)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Words(language, GNUTranslations(compiled))
