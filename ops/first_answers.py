"""What has to be known of a shop before its stack is deployed: the questions, and whether an answer will do.

An answer is held against what the functions themselves check at init (`salesflow.settings`) and the template's patterns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any

import idna
import yaml
from pydantic import TypeAdapter, ValidationError

from ops.complaints import in_words
from ops.local_cloud import REPOSITORY
from salesflow.settings import Settings

AT = "%H:%M"
_DAILY = re.compile(r"(?P<minute>\d{1,2}) (?P<hour>\d{1,2}) \* \* \? \*", re.ASCII)


class NoAnswer(ValueError):
    """An answer that will not do; the message says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `name` is its option; `parameter` is the template's that the answer sets, `field` the setting that checks it.

    Without a field it is a time of day, and the parameter the cron expression of what comes every day then. `words`: what answers mean,
    where they are not the parameter's own values.
    """

    name: str
    asks: str
    parameter: str
    field: str | None = None
    words: Mapping[str, str] | None = None

    def answered(self, answer: str) -> dict[str, str]:
        """The parameter that the answer means. Raises NoAnswer."""
        text = answer.strip()
        value = self._value(text)
        rule = declared()[self.parameter]
        if not re.fullmatch(rule.get("AllowedPattern", ".*"), value):
            raise NoAnswer(f"{value!r} will not do: it {rule.get('ConstraintDescription', 'has another form')}")
        return {self.parameter: value}

    def _value(self, text: str) -> str:
        if self.words is not None:
            if text not in self.words:
                raise NoAnswer(f"{text!r} will not do: say {' or '.join(self.words)}")
            return self.words[text]
        return _every_day_at(text) if self.field is None else self._checked(text, self.field)

    def _checked(self, text: str, field: str) -> str:
        """The value in the form that the template wants it in, checked as the functions check it."""
        described = Settings.model_fields[field]
        try:
            checked: Any = TypeAdapter(Annotated[described.annotation, described]).validate_python(in_punycode(text))
        except ValidationError as error:
            raise NoAnswer(in_words(error.errors(include_url=False, include_input=False)[0]["msg"])) from None
        return ",".join(checked) if isinstance(checked, tuple) else str(checked).rstrip("/")

    def present(self, known: Mapping[str, str]) -> str:
        """The answer that stands already: what is known, else the template's default, else nothing."""
        value = known.get(self.parameter, str(declared()[self.parameter].get("Default", "")))
        if self.words is not None:
            return next((word for word, meant in self.words.items() if meant == value), value)
        daily = _DAILY.fullmatch(value) if self.field is None else None
        return f"{int(daily['hour']):02}:{int(daily['minute']):02}" if daily else value


QUESTIONS = (
    Question("api-url", "Where is the SalesFlow API (https://.../api/v1)?", "SalesFlowApiUrl", "salesflow_api_url"),
    Question("zone", "In which time zone is the shop?", "TimeZone", "timezone"),
    Question("currency", "What is its currency (ISO 4217)?", "Currency", "currency"),
    Question("language", "Which language do its readers read (en, fr, zh, ln, sw)?", "Language", "language_code"),
    Question("sender", "Which address do the mails come from?", "MailSender", "mail_sender"),
    Question("owners", "Who hears of failures (commas between)?", "OwnerRecipients", "owner_recipients"),
    Question(
        "readers",
        "Who gets the reports (commas between; empty: nobody is mailed)?",
        "ReportRecipients",
        "report_recipients",
    ),
    Question(
        "alerts",
        "Who gets the alerts (commas between; empty: nobody hears of them)?",
        "AlertRecipients",
        "alert_recipients",
    ),
    Question("sales-at", "When does the daily sales report come (HH:MM)?", "SalesPdfCron"),
    Question("stock-at", "When does the daily stock report come (HH:MM)?", "StockExcelCron"),
    Question(
        "links",
        "May mails hold signed links that open a report without a login (yes, no)?",
        "LinksState",
        words={"yes": "ENABLED", "no": "DISABLED"},
    ),
)


def in_punycode(text: str) -> str:
    """The text with the domains of its mail addresses as SES takes them (RFC 5891): chef@xn--bckerei-5wa.example."""
    return re.sub(r"(?<=@)[^\s@,<>]+", lambda found: _ascii_domain(found[0]), text)


def _ascii_domain(domain: str) -> str:
    try:
        return domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise NoAnswer(f"{domain!r} is no domain: {error}") from None


def _every_day_at(text: str) -> str:
    """The cron expression of a time of day; an expression stays one, and nothing stays off."""
    if not text or " " in text:
        return text
    try:
        time = datetime.strptime(text, AT)  # noqa: DTZ007 - a time of day, read in the shop's zone
    except ValueError:
        raise NoAnswer(f"{text!r} is no time of day such as 07:30") from None
    return f"{time.minute} {time.hour} * * ? *"


class _Template(yaml.SafeLoader):
    """Reads a template for its parameters; what intrinsic functions stand for is nothing."""


_Template.add_multi_constructor("!", lambda *_: None)


@cache
def declared() -> Mapping[str, Mapping[str, Any]]:
    """The template's parameters."""
    text = (REPOSITORY / "template.yaml").read_text("utf-8")
    found: Mapping[str, Mapping[str, Any]] = yaml.load(text, _Template)["Parameters"]  # noqa: S506 - a SafeLoader
    return found
