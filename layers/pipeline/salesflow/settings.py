"""The functions' environment, read and checked once per container, at init."""

import re
from collections.abc import Mapping
from datetime import date, time
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.numbers import is_currency
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl, ValidationError

from salesflow.errors import InvalidSettings
from salesflow.language import Language
from salesflow.mail_address import mail_address, unique_mailboxes
from salesflow.money import Currency
from salesflow.windows import MIDNIGHT


class MailContent(StrEnum):
    """How much of a report goes into its mail."""

    FULL = "full"
    SUMMARY = "summary"
    LINK = "link"


class EmptyReports(StrEnum):
    """What happens on a window without a single sale."""

    SKIP = "skip"
    SEND = "send"


class StaleReports(StrEnum):
    """What happens to a report whose newest sale is too old."""

    SKIP = "skip"
    BANNER = "banner"


class MediumAlerts(StrEnum):
    """What happens with anomalies of medium severity: they stand in the result, or are mailed as high ones are."""

    FLAG = "flag"
    MAIL = "mail"


def _zone_key(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r} is no IANA time zone such as Asia/Shanghai") from None
    return value


def _currency_code(value: str) -> str:
    if not is_currency(value):
        raise ValueError(f"{value!r} is no ISO 4217 currency code such as CNY")
    return value


def _parts(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


def _recipients(value: object) -> object:
    parts = _parts(value)
    return unique_mailboxes(parts) if isinstance(parts, tuple) else parts


def _somebody(addresses: tuple[str, ...]) -> tuple[str, ...]:
    if not addresses:
        raise ValueError("names nobody; somebody must hear of failures")
    problems = {address: problem for address in addresses if (problem := _unusable(address))}
    if len(problems) == len(addresses):
        raise ValueError("names nobody who can be mailed: " + "; ".join(problems.values()))
    return addresses


def _unusable(address: str) -> str | None:
    try:
        mail_address(address)
    except ValueError as problem:
        return str(problem)
    return None


Recipients = Annotated[tuple[str, ...], BeforeValidator(_recipients)]
"""Who is to be mailed, as given. One that cannot be is refused when it is its turn to be mailed, and is in nobody else's way."""

_COUNTRY = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(=[^=]{1,60})?", re.ASCII)


def _holiday(value: str) -> str:
    if _COUNTRY.fullmatch(value):
        return value
    try:
        if found := _DAY.fullmatch(value):
            date.fromisoformat(found[1])
            return value
    except ValueError:
        pass  # the pattern of a date, and no day of the calendar: refused like the rest
    raise ValueError(f"{value!r} is neither a country such as CN or GB-SCT nor a day such as 2026-12-24=Christmas Eve")


Holiday = Annotated[str, AfterValidator(_holiday)]
"""A country (and subdivision), or a day with or without a name; `salesflow.holiday_dates` makes dates of them."""


_CLOCK = re.compile(r"(0\d|1[01]):[0-5]\d", re.ASCII)


def _day_end(value: object) -> object:
    """A time of day before noon, written HH:MM."""
    if not isinstance(value, str):
        return value
    if not _CLOCK.fullmatch(value):
        raise ValueError(f"{value!r} is no time from 00:00 to 11:59, such as 04:00")
    return time.fromisoformat(value)


class Paper(StrEnum):
    """The paper that PDFs are made for."""

    A4 = "A4"
    LETTER = "Letter"


class AlertSettings(BaseModel):
    """What decides which unusual days are told, and how; field names are the environment's variables in lower case."""

    model_config = ConfigDict(frozen=True, extra="ignore", ignored_types=(cached_property,))

    currency: Annotated[str, AfterValidator(_currency_code)]
    day_ends_at: Annotated[time, BeforeValidator(_day_end)] = MIDNIGHT
    """When a business date ends, by the shop's clock: later than midnight where it is open past it."""
    language_code: Language = Language.EN
    alerts_per_month: float = Field(default=4, ge=0.1, le=60)
    alert_min_deviation_percent: float = Field(default=20, ge=0, le=1000)
    alert_min_impact: float = Field(default=0, ge=0, le=1_000_000_000)
    """In units of the currency; 0 leaves it to the detection."""
    alert_medium: MediumAlerts = MediumAlerts.FLAG
    alert_top_products: int = Field(default=10, ge=1, le=100)
    holidays: Annotated[tuple[Holiday, ...], BeforeValidator(_parts)] = ()
    muted_skus: Annotated[tuple[str, ...], BeforeValidator(_parts)] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from `environment`.

        Raises InvalidSettings that names every missing or bad variable at once. Optional variables that are empty
        count as absent.
        """
        given = {}
        for name, field in cls.model_fields.items():
            value = environment.get(name.upper())
            if value is not None and (value.strip() or field.is_required()):
                given[name] = value.strip()
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            problems = [
                f"{str(problem['loc'][0]).upper()}: "
                + ("is not set" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, "))
                for problem in error.errors(include_url=False, include_input=False)
            ]
        raise InvalidSettings(
            "The function's environment is not usable. " + "; ".join(problems) + ".",
            action="Correct these variables (the template's Parameters set them) and deploy again.",
        )

    @cached_property
    def money(self) -> Currency:
        """The currency that all amounts are in."""
        return Currency(self.currency)


class Settings(AlertSettings):
    """Everything that a function is told by its environment."""

    salesflow_api_url: HttpUrl
    system_token_secret_id: str = Field(min_length=1)
    reports_bucket: str = Field(min_length=3)
    state_table: str = Field(min_length=3)
    timezone: Annotated[str, AfterValidator(_zone_key)]
    mail_sender: Annotated[str, AfterValidator(mail_address)]
    report_recipients: Recipients
    alert_recipients: Recipients
    owner_recipients: Annotated[Recipients, AfterValidator(_somebody)]
    """One of them at least can be mailed."""
    ses_region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    ses_configuration_set: str | None = None
    mail_content: MailContent = MailContent.FULL
    empty_reports: EmptyReports = EmptyReports.SKIP
    stale_after_hours: int = Field(default=72, ge=0, le=8760)
    stale_reports: StaleReports = StaleReports.BANNER
    paper: Paper = Paper.A4
    shop_name: str = Field(default="", max_length=60)
    vat_percent: float = Field(default=0, ge=0, le=50)
    lead_days: int = Field(default=3, ge=0, le=90)
    cover_days: int = Field(default=14, ge=1, le=180)
    history_days: int = Field(default=800, ge=180, le=3650)
    history_overlap_days: int = Field(default=7, ge=1, le=90)
    deep_overlap_days: int = Field(default=90, ge=7, le=800)
    watch_lookback_hours: int = Field(default=26, ge=2, le=336)
    watch_grace_minutes: int = Field(default=90, ge=5, le=1440)
    schedule_group: str = Field(default="salesflow", min_length=1)
    stack_name: str = "salesflow"
    heartbeat_url: str | None = Field(default=None, pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[^ ]*)?$")
    """A page that the watchdog asks for while all is well."""

    @cached_property
    def zone(self) -> ZoneInfo:
        """The merchant's time zone: business dates are computed in it."""
        return ZoneInfo(self.timezone)

    @cached_property
    def api_url(self) -> str:
        """Base URL of the SalesFlow API without a trailing slash."""
        return str(self.salesflow_api_url).rstrip("/")

    @cached_property
    def reply_to(self) -> str:
        """Who gets the readers' answers: the first owner who can be mailed."""
        return next(address for address in self.owner_recipients if not _unusable(address))

    @cached_property
    def unusable_addresses(self) -> Mapping[str, str]:
        """The recipients that cannot be mailed at all, and why."""
        everybody = unique_mailboxes((*self.owner_recipients, *self.report_recipients, *self.alert_recipients))
        return {address: problem for address in everybody if (problem := _unusable(address))}
