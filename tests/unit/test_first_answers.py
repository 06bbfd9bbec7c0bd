"""An answer to `init` becomes a parameter that the template takes."""

import pytest

from ops.first_answers import QUESTIONS, NoAnswer

BY_NAME = {question.name: question for question in QUESTIONS}
READERS = BY_NAME["readers"]
REFUSED = {
    "zone": ("Mars/Olympus", "is no IANA time zone"),
    "currency": ("Euro", "is no ISO 4217 currency code"),
    "api-url": ("http://shop.example/api/v1", "must be https://host/api/v1"),
    "sender": ("reports@", "is no mail address"),
    "owners": ("owner@shop.example;other", "is no mail address"),
    "sales-at": ("25:00", "is no time of day such as 07:30"),
    "language": ("de", "it must be 'en', 'fr'"),
}
"""Of a question an answer that will not do, and what is said of it."""


@pytest.mark.parametrize(
    ("typed", "parameter"),
    [
        ("chef@bäckerei-müller.example", "chef@xn--bckerei-mller-bfb28a.example"),
        ("info@商店.中国, Chef@SHOP.example", "info@xn--czrs0t.xn--fiqs8s,Chef@SHOP.example"),
        ("a@shop.example,A@Shop.example", "a@shop.example"),
        ("", ""),
    ],
)
def test_a_domain_in_other_letters_is_written_as_ses_takes_it(typed: str, parameter: str) -> None:
    assert READERS.answered(typed) == {"ReportRecipients": parameter}


def test_a_sharp_s_stays_one() -> None:
    """IDNA 2008: straße.example is another domain than strasse.example."""
    assert READERS.answered("a@straße.example") == {"ReportRecipients": "a@xn--strae-oqa.example"}


@pytest.mark.parametrize(
    "typed", ["Boss<boss@shop.example>", "boss@shop.example.", "böss@shop.example", "a@b_ä.example"]
)
def test_what_cannot_be_mailed_is_no_answer(typed: str) -> None:
    with pytest.raises(NoAnswer):
        READERS.answered(typed)


@pytest.mark.parametrize("name", REFUSED)
def test_an_answer_that_will_not_do_is_refused_for_what_is_wrong_with_it(name: str) -> None:
    typed, said = REFUSED[name]
    with pytest.raises(NoAnswer, match=said):
        BY_NAME[name].answered(typed)
