"""What the mails say, and what can not be smuggled into them."""

import re
from dataclasses import replace

import pytest

from salesflow.language import Language
from salesflow.reports.mail import (
    SUBJECT_LENGTH,
    MailText,
    compose_owner_notice,
    compose_report_mail,
    subject_of,
)
from tests.unit.reports.names import HOSTILE_NAMES
from tests.unit.reports.samples import all_samples, mail_of
from tests.unit.reports.whole import whole_content

SAMPLES = tuple(all_samples())
NAME = "combined-weekly-40-scripts"
LOCATION = "s3://reports/reports/combined/weekly/2026-11-22/combined-weekly-2026-11-22.pdf"


def compose(name: str, mode: str = "full", reference: str = "ab12cd", language: Language = Language.EN) -> MailText:
    return compose_report_mail(
        all_samples()[name],
        mode=mode,  # type: ignore[arg-type]  # one of the three
        attached=("combined-weekly-2026-11-22.pdf",) if mode == "full" else (),
        left_out=("combined-weekly-2026-11-22.json: 8 MB are over the limit of 7 MB.",),
        locations=(LOCATION,),
        reference=reference,
        run_id="run-0001",
        reply_to="owner@example.com",
        language=language,
    )


def owner_notice(findings: list[str], paragraphs: list[tuple[str, str]]) -> MailText:
    return compose_owner_notice(
        findings=findings,
        headline="One thing needs you.",
        paragraphs=paragraphs,
        footer="The readers were not told.",
        reference="ab12cd",
        run_id="run-0001",
        bad=True,
    )


@pytest.mark.parametrize("mode", ["full", "summary", "link"])
@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "stock-10000"])
def test_subjects_are_short_one_line_and_carry_the_reference(name: str, mode: str) -> None:
    subject = compose(name, mode).subject
    assert len(subject) < SUBJECT_LENGTH
    assert subject.endswith(" [ab12cd]")
    assert subject.isprintable()


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("sales-daily", "Sales 22 Nov: ¥2,438 (-28%) [ab12cd]"),
        ("sales-empty", "Sales 22 Nov: nothing sold [ab12cd]"),
        ("stock-daily", "Stock 22 Nov: 10 out, 10 urgent, worth ¥182,938 [ab12cd]"),
        ("combined-10-digits", "Shop 22 Nov: ¥1.6B (-28%); 3 out, 4 urgent [ab12cd]"),
        ("sales-first-day", "Sales 22 Nov: ¥2,438 [ab12cd]"),
    ],
)
def test_the_subject_says_the_finding(name: str, subject: str) -> None:
    assert compose(name).subject == subject


def test_no_header_can_be_smuggled_through_the_subject() -> None:
    subject = subject_of(["Sales\r\nBcc: all@example.com", "Sales"], "ab\r\nX-Evil: 1")
    assert "\r" not in subject
    assert "\n" not in subject
    notice = owner_notice(
        findings=["report\r\nBcc: x@example.com" + "y" * 200], paragraphs=[("a\r\nBcc: b", "c\r\nBcc: d")]
    )
    assert notice.subject.isprintable()
    assert len(notice.subject) < SUBJECT_LENGTH
    assert notice.subject.endswith(" [ab12cd]")
    assert "\nBcc" not in notice.text


def test_no_product_name_is_in_a_subject() -> None:
    subject = compose(NAME).subject
    assert not any(hostile in subject for hostile in HOSTILE_NAMES if hostile)
    assert "Café" not in subject


def test_text_and_html_say_the_same() -> None:
    mail = compose(NAME)
    html = mail.html.replace("&middot;", "\u00b7")
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<body")[2]))
    for line in mail.text.splitlines():
        for part in re.split(r" {2,}|; |:(?: |$)| \u00b7 |[()]", line):
            if len(part) > 3 and part != "-- ":
                assert part.strip().replace("'", "&#39;") in shown, part


def test_what_is_attached_left_out_and_where_it_is() -> None:
    mail = compose(NAME)
    for text in (mail.text, mail.html):
        assert "combined-weekly-2026-11-22.pdf" in text
        assert "over the limit of 7 MB" in text
        assert "s3:" not in text
        assert "run-0001" in text
        assert "owner@example.com" in text


def test_a_link_mail_holds_no_figures() -> None:
    mail = compose(NAME, "link")
    for text in (mail.text, mail.html):
        assert "¥" not in text
        assert "Café" not in text
        assert LOCATION.removeprefix("s3://") in text
        assert "s3:" not in text
    assert mail.subject == "Sales and stock 16–22 Nov: report ready [ab12cd]"


@pytest.mark.parametrize("name", [NAME, "combined-hostile-notes"])
def test_the_html_runs_and_fetches_nothing_and_escapes_names(name: str) -> None:
    html = compose(name).html
    assert not re.search(r"<(script|img|link|iframe|form)\b", html)
    assert "http-equiv" not in html
    assert "url(" not in html
    assert "<b>note</b>" not in html
    assert len(html.encode()) < 102_400, "Gmail cuts longer mails"


def test_it_reads_in_the_dark_and_without_style_sheets() -> None:
    html = compose(NAME).html
    assert "prefers-color-scheme: dark" in html
    assert 'bgcolor="#1b5e9e"' in html
    body = html.partition("<body")[2]
    assert "flex" not in body
    assert "grid" not in body
    assert 'role="presentation"' in body


def test_the_owner_s_notice_says_what_why_and_what_to_do() -> None:
    notice = owner_notice(
        findings=["scheduled-sales-pdf: failed", "Failed"],
        paragraphs=[("scheduled-sales-pdf: failed", "GET /sales answered 503 <five> times. Check the API.")],
    )
    assert notice.subject == "scheduled-sales-pdf: failed [ab12cd]"
    assert "503 <five> times. Check the API." in notice.text
    assert "503 &lt;five&gt; times. Check the API." in notice.html
    assert "run-0001" in notice.html


def test_a_hostile_reply_address_and_run_stay_on_their_line() -> None:
    mail = compose_report_mail(
        replace(all_samples()["sales-one"]),
        mode="summary",
        attached=(),
        left_out=("<b>x</b>\r\nBcc: a",),
        locations=(),
        reference="r",
        run_id="a\r\nb",
        reply_to="o@example.com\r\nBcc: b",
    )
    assert "\nBcc" not in mail.text
    assert "<b>x</b>" not in mail.html


def test_what_is_usual_stays_on_its_line_where_it_fits_and_breaks_before_its_number_where_it_does_not() -> None:
    small, large = (mail_of(whole_content("sales", currency="CDF", price=price)).html for price in (1_250, 123_456_700))
    assert re.search(r"</b> usual\u00a0[\d,]+</div>", small)
    assert re.search(r"</b> usual [\d,]{9,}</div>", large)
