"""What is opened: the report, the library page, and the mails as SES gets them."""

from email import message_from_bytes
from email.policy import default as default_policy
from functools import cache
from zoneinfo import ZoneInfo

from salesflow.alerts.mail import compose_alert_mail
from salesflow.delivery.mail import Mailer
from salesflow.delivery.message import Message
from salesflow.formats import Format
from salesflow.language import Language
from salesflow.library.page import render_library
from salesflow.reports import render
from salesflow.reports.mail import MailText, compose_owner_notice, compose_report_mail
from tests.unit.alerts.test_mail import FACTS, slow_monday
from tests.unit.reports.samples import all_samples, rendered
from tests.unit.reports.shelves import EMPTY, make_library

_RUN = "01a20700-0ae4-70a5-b0c0-5d54a751f28a"


def _html_part(text: MailText) -> bytes:
    """The HTML of the mail as it is sent."""
    mailer = Mailer(None, sender="reports@shop.example.com", reply_to="owner@shop.example.com", configuration_set=None)
    message = message_from_bytes(
        mailer.build(Message(text.subject, text.text, text.html), "reader@shop.example.com"), policy=default_policy
    )
    part = message.get_body(("html",))  # the policy makes it an EmailMessage
    assert part is not None
    return str(part.get_content()).encode()


def _report_mail(name: str, language: Language) -> bytes:
    content = all_samples()[name]
    stem = f"{content.report_type}-{content.period}-2026-11-22"
    return _html_part(
        compose_report_mail(
            content,
            mode="full",
            attached=[f"{stem}.pdf", f"{stem}.xlsx"],
            left_out=[f"{stem}.csv is larger than a mail may be."],
            locations=[
                f"s3://salesflow-reports-111122223333/reports/{content.report_type}/{content.period}/2026-11-22/"
            ],
            reference="SF-ABCDEFGH",
            run_id=_RUN,
            reply_to="owner@shop.example.com",
            language=language,
        )
    )


def _owner_notice() -> bytes:
    return _html_part(
        compose_owner_notice(
            findings=("salesflow: 2 schedules did not do their work",),
            headline="Two schedules did not do their work.",
            paragraphs=(
                (
                    "scheduled-sales-pdf",
                    "Due on Sun, 22 Nov at 07:00. The run failed: the system token was rejected (401).",
                ),
                (
                    "What to do",
                    "Store a new token in arn:aws:secretsmanager:ap-southeast-1:111122223333:secret:salesflow/system-token-AbCdEf.",
                ),
            ),
            footer="The readers were not told. You are told again when it is over.",
            reference="SF-ABCDEFGH",
            run_id=_RUN,
            bad=True,
        )
    )


@cache
def shown(name: str) -> bytes:
    """What is opened under a name, made once."""
    kind, _, which = name.partition(":")
    match kind:
        case "report":
            return rendered(which, Format.HTML)
        case "report in":
            return render(all_samples()["combined-weekly-40-scripts"], Format.HTML, language=Language(which))
        case "library":
            language = Language(which or "en")
            return render_library(
                EMPTY if which == "" else make_library(30),
                currency="CNY",
                language=language,
                zone=ZoneInfo("Asia/Shanghai"),
            )
        case "report mail":
            return _report_mail(which, Language.EN)
        case "alert mail":
            return _html_part(compose_alert_mail(slow_monday(), FACTS))
        case "owner notice":
            return _owner_notice()
    raise ValueError(name)
