"""The gist says what the mail says, in the mail's own words; it is kept and read back as it was."""

import json

import pytest

from salesflow.delivery.message import Message
from salesflow.gist import Gist
from salesflow.language import Language
from salesflow.reports.mail import MailLinks, MailText, compose_owner_notice, compose_report_mail
from tests.unit.alerts.test_mail import FACTS, slow_monday
from tests.unit.reports.samples import all_samples

PLACE = "https://link.invalid/run/0/"


def report_mail(name: str, language: Language = Language.EN, mode: str = "full") -> MailText:
    return compose_report_mail(
        all_samples()[name],
        mode=mode,  # type: ignore[arg-type]
        attached=["sales.pdf"],
        left_out=[],
        locations=[],
        reference="SF-ABCDEFGH",
        run_id="run",
        reply_to="owner@shop.example.com",
        language=language,
        links=MailLinks((("PDF", PLACE),), "https://link.invalid/run/1/", "https://link.invalid/run/2/"),
    )


def said_by(gist: Gist) -> list[str]:
    """Every piece of text of a gist."""
    of_sections = [text for title, lines in gist.sections for text in (title, *lines)]
    of_figures = [text for pair in gist.figures for text in pair]
    of_links = [text for pair in gist.links for text in pair]
    return [
        gist.headline,
        *gist.title.split(" \u00b7 "),
        *gist.lead,
        *of_figures,
        *of_sections,
        *of_links,
        *gist.footer,
    ]


@pytest.mark.parametrize("name", all_samples())
@pytest.mark.parametrize("language", [Language.EN, Language.SW])
def test_a_report_s_gist_has_no_words_that_its_mail_has_not(name: str, language: Language) -> None:
    mail = report_mail(name, language)
    assert [piece for piece in said_by(mail.gist) if piece not in mail.text] == []
    assert mail.gist.headline
    assert mail.gist.figures
    assert {address for _, address in mail.gist.links} == {f"https://link.invalid/run/{n}/" for n in range(3)}


def test_without_figures_in_mails_there_are_none_in_chats() -> None:
    gist = report_mail(next(iter(all_samples())), mode="link").gist
    assert (gist.figures, gist.sections, gist.lead) == ((), (), ())


def test_an_alert_s_gist_has_no_words_that_its_mail_has_not() -> None:
    from salesflow.alerts.mail import compose_alert_mail

    mail = compose_alert_mail(slow_monday(), FACTS)
    assert [piece for piece in said_by(mail.gist) if piece not in mail.text and piece != FACTS.reference] == []
    assert mail.gist.sections


def test_a_notice_s_gist_has_no_words_that_its_mail_has_not() -> None:
    mail = compose_owner_notice(
        findings=("x",), headline="One thing.", paragraphs=[("Sales: failed", "Fire it again.")], footer="Nothing else.",
        reference="SF-ABCDEFGH", run_id="run", bad=True,
    )  # fmt: skip
    assert [piece for piece in said_by(mail.gist) if piece not in mail.text + mail.subject] == []


def test_a_gist_is_read_back_as_it_was_kept() -> None:
    gist = report_mail(next(iter(all_samples()))).gist
    assert Gist.from_dict(json.loads(json.dumps(gist.as_dict()))) == gist


def test_an_edition_that_an_older_release_kept_says_its_words_in_chats_too() -> None:
    mail = Message("Sales of 22 November [SF-1]", "Revenue: 1\n\n  Rice  2\n", "<p>Revenue: 1</p>")
    gist = mail.gist_for("slack:shop", None)
    assert (gist.headline, gist.sections) == ("Sales of 22 November [SF-1]", (("", ("Revenue: 1", "Rice  2")),))
