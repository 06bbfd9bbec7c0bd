"""The texts of merchants: is every one there in every language, with the same places, and do values stay what they are?"""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_keywords
from babel.messages.pofile import read_po

import salesflow
from salesflow.figures import Figures
from salesflow.language import Language, Words, words

ROOT = Path(__file__).parents[2]
CODE = Path(salesflow.__file__).parent
METHODS = [("**.py", "python"), ("**.j2", "jinja2")]
KEYWORDS = parse_keywords(re.findall(r"-k (\S+)", (ROOT / "Makefile").read_text()))
OTHERS = [language for language in Language if language is not Language.EN]

type Key = tuple[str | None, str, str | None]
"""Context, English, English plural."""


def texts(of: str | Sequence[str] | None) -> tuple[str, ...]:
    """The forms of a message or of its translation: one, or as many as there are plurals."""
    return (of,) if isinstance(of, str) else tuple(of or ())


def key_of(message: Message) -> Key:
    one, *many = texts(message.id)
    return message.context, one, many[0] if many else None


@pytest.fixture(scope="module")
def in_code() -> set[Key]:
    found = set()
    for _, _, message, _, context in extract_from_dir(str(CODE), METHODS, keywords=KEYWORDS):
        one, many = message if isinstance(message, tuple) else (message, None)
        found.add((context, one, many))
    return found


def catalogue(language: Language) -> Catalog:
    with language.catalogue.open("rb") as file:
        return read_po(file, locale=language.value, abort_invalid=True)


def places(text: str) -> set[str]:
    """Names of the places for values; a place must be a bare name."""
    found = list(Formatter().parse(text))
    assert all(not spec and not conversion for _, _, spec, conversion in found), text
    names = {name for _, name, _, _ in found if name is not None}
    assert all(name.isidentifier() for name in names), text
    return names


def test_texts_are_found_in_code_and_templates(in_code: set[Key]) -> None:
    assert (None, "Business date", None) in in_code
    assert (None, "{n} sale line", "{n} sale lines") in in_code


@pytest.mark.parametrize("language", OTHERS)
def test_no_text_is_missing(language: Language, in_code: set[Key]) -> None:
    done = {
        key_of(message)
        for message in catalogue(language)
        if message.id and not message.fuzzy and all(texts(message.string))
    }
    assert not sorted(map(str, in_code - done)), "make messages, then translate what is empty"


@pytest.mark.parametrize("language", OTHERS)
def test_no_text_is_left_that_nothing_says(language: Language, in_code: set[Key]) -> None:
    found = catalogue(language)
    assert not sorted(map(str, {key_of(message) for message in found if message.id} - in_code)), "make messages"
    assert not found.obsolete


@pytest.mark.parametrize("language", OTHERS)
def test_translations_have_the_places_of_the_english(language: Language) -> None:
    wrong = []
    for message in catalogue(language):
        if not message.id or not message.string:
            continue
        _, one, many = key_of(message)
        named = places(many or one)
        forms = texts(message.string)
        wrong += [(message.id, form) for form in forms if form and places(form) != named]
        wrong += [(message.id, form) for form in forms if form and form != form.strip()]
    assert not wrong


@pytest.mark.parametrize("language", OTHERS)
def test_plural_forms_are_those_of_the_language(language: Language) -> None:
    found = catalogue(language)
    expected = {
        "fr": (2, "(n > 1)"),
        "ln": (2, "(n > 1)"),
        "sw": (2, "(n != 1)"),
        "zh": (1, "0"),
    }
    assert (found.num_plurals, found.plural_expr) == expected[language]


@pytest.mark.parametrize(
    ("language", "wrong"),
    [
        (Language.FR, " [;:!?\u00bb%]|\u00ab |[^\\s\u202f\xa0][;!?]|\\.\\.\\."),
        (
            Language.ZH,
            "[\u4e00-\u9fff}][,;:!?()]|[,;:!?()][\u4e00-\u9fff{]|\\bvs\\b|[\u4e00-\u9fff] [{0-9]|[}0-9] [\u4e00-\u9fff]",
        ),
        (Language.LN, "\\bvs\\b"),
        (Language.SW, "\\bvs\\b"),
    ],
)
def test_punctuation_is_that_of_the_language(language: Language, wrong: str) -> None:
    """French has its no-break spaces, Chinese its wide signs and no spaces around figures, and none an English word in the middle."""
    found = [form for message in catalogue(language) if message.id for form in texts(message.string)]
    assert not [form for form in found if re.search(wrong, re.sub(r"\{\w+\}", "{}", form))]


def said_in(path: Path) -> Iterator[tuple[int, Sequence[object], Key | None]]:
    """Calls that say a text: line, arguments, and the message (None where it is not made of literals)."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called: Any = node.func
        arguments = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]
        match getattr(called, "id", None) or getattr(called, "attr", None), arguments:
            case (("_" | "Text"), [str() as message]):
                yield node.lineno, arguments, (None, message, None)
            case "plural", [str() as one, str() as many, None]:
                yield node.lineno, arguments, (None, one, many)
            case "context", [str() as context, str() as message]:
                yield node.lineno, arguments, (context, message, None)
            case (("_" | "Text" | "plural" | "context"), _):
                yield node.lineno, arguments, None
            case "words", [str(), *_]:
                yield node.lineno, arguments, None


def test_what_is_said_stands_in_the_code(in_code: set[Key]) -> None:
    """A text that is put together when it runs, or comes from a merchant, would never be found and never translated."""
    for path in CODE.rglob("*.py"):
        for line, arguments, message in said_in(path):
            assert message in in_code, f"{path.name}:{line}: {arguments}"


def test_templates_use_what_the_extractor_knows() -> None:
    for path in CODE.rglob("*.j2"):
        assert not re.search(r"\b_\.|words\.", path.read_text(encoding="utf-8")), path.name


def test_english_needs_no_catalogue() -> None:
    _ = words(Language.EN)
    assert _("Business date") == "Business date"
    assert _.plural("{n} sale line", "{n} sale lines", 1, n="1") == "1 sale line"
    assert _.plural("{n} sale line", "{n} sale lines", 0, n="0") == "0 sale lines"


def test_each_language_says_it_its_own_way() -> None:
    said = {language: words(language)("Business date") for language in Language}
    assert len(set(said.values())) == len(Language), said
    assert words(Language.ZH).plural("{n} sale line", "{n} sale lines", 2, n="2").startswith("2")


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", ["{revenue}", "{0}", "{days.__class__}", "}{", "%(n)s", "100 %", "{{x}}"])
def test_a_value_is_never_read_as_a_text_with_places(language: Language, name: str) -> None:
    assert name in words(language)("vs {days}", days=name)


def test_a_place_without_its_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="days"):
        words(Language.EN)("vs {days}")


def test_words_are_read_once() -> None:
    assert words(Language.FR) is words(Language.FR)
    assert isinstance(Figures("CNY", Language.FR).words, Words)
