"""Every setting: type, bounds, unit, default and meaning, in one place; read from the functions' environment, and from a shop's row."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from functools import cached_property
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from salesflow.errors import InvalidSettings
from salesflow.language import Language
from salesflow.mail_address import mail_address, unique_mailboxes
from salesflow.money import Currency
from salesflow.setting_types import (
    ADDRESS_OF_A_SERVER,
    LOGO_BYTES,
    Holiday,
    Recipients,
    can_be_mailed,
    currency_code,
    day_end,
    like,
    parts,
    png,
    somebody,
    unusable,
    zone_key,
)
from salesflow.windows import MIDNIGHT

type Stored = str | Sequence[str] | Mapping[str, Sequence[str]]
"""A setting's value as a row holds it: text as in the environment, a list of text, or lists by schedule."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts; stands in a setting's type."""

    name: str


Days = Annotated[int, Unit("days")]
Percent = Annotated[float, Unit("percent")]


def _number(default: float, least: float, most: float, says: str) -> Any:
    """A number with its bounds, both included."""
    return Field(default=default, ge=least, le=most, description=says)


_API_URL = like(
    rf"{ADDRESS_OF_A_SERVER}(/[^\s?#]*)?",
    "must be https://host/api/v1 (http only to 127.0.0.1, localhost, host.docker.internal and 172.16.0.0/12)",
)


class AlertSettings(BaseModel):
    """What decides which unusual days are told, and how; field names are the environment's variables in lower case."""

    model_config = ConfigDict(frozen=True, extra="ignore", ignored_types=(cached_property,))

    currency: Annotated[str, AfterValidator(currency_code)] = Field(
        description="Currency of all amounts (ISO 4217 code).",
    )
    day_ends_at: Annotated[time, BeforeValidator(day_end)] = Field(
        default=MIDNIGHT,
        description="When a business date ends (HH:MM, the shop's clock, 11:59 at the latest). Later for a shop that is open past "
        "midnight: 04:00 for a bar.",
    )
    language_code: Language = Field(
        default=Language.EN,
        description="Language of reports, alerts and their mails: English, French, Chinese (simplified), Lingala or Swahili.",
    )
    alerts_per_month: Annotated[float, Unit("findings a month")] = _number(
        4,
        0.1,
        60,
        "How many findings of products a month has room for, the dearest first; those of the whole shop stand outside it.",
    )
    alert_min_deviation_percent: Percent = _number(
        20, 0, 1000, "How far a figure must lie from the expected one to be worth an alert, however sure it is."
    )
    alert_min_impact: Annotated[float, Unit("units of the currency")] = _number(
        0,
        0,
        1_000_000_000,
        "How much money must be at stake for an alert; 0 takes half a percent of a usual day's revenue for products.",
    )
    alert_medium: Literal["flag", "mail"] = Field(
        default="flag",
        description="What happens with findings of medium severity: they stand in the result only (flag), or are mailed as high ones are (mail).",
    )
    alert_ends: Literal["wait", "mail"] = Field(
        default="wait",
        description="How the end of an alert is told: with the next mail, if there is one within a week (wait), or in a mail of its own (mail).",
    )
    alert_top_products: Annotated[int, Unit("products")] = _number(
        10, 1, 100, "How many products one alert names at most, those with the most money at stake first."
    )
    holidays: Annotated[tuple[Holiday, ...], BeforeValidator(parts)] = Field(
        default=(),
        max_length=200,
        description="Days that are not usual: countries (CN, GB-SCT) and days (2026-12-24 or 2026-12-24=Christmas Eve).",
    )
    muted_skus: Annotated[tuple[str, ...], BeforeValidator(parts)] = Field(
        default=(), max_length=200, description="SKUs that are never mailed about."
    )

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
        said_by, todo = (
            "The function's environment",
            "Correct these variables (the template's Parameters set them) and deploy again.",
        )
        return cls._validated(given, said_by, todo, str.upper)

    @classmethod
    def _validated(cls, given: Mapping[str, Any], said_by: str, todo: str, shown: Callable[[str], str] = str) -> Self:
        """The settings that are given; `shown` is how `said_by` writes a field's name."""
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            problems = "; ".join(f"{shown(name)}: {problem}" for name, problem in problems_of(error))
        raise InvalidSettings(f"{said_by} cannot be used. {problems}.", action=todo)

    @cached_property
    def money(self) -> Currency:
        """The currency that all amounts are in."""
        return Currency(self.currency)


class ShopSettings(AlertSettings):
    """Everything that a shop wants: what its row may say. The environment says what the stack's own shop starts from."""

    salesflow_api_url: Annotated[str, _API_URL] = Field(
        max_length=200,
        description="Base URL of the SalesFlow API, ending in /api/v1. Plain http only for a server on this very machine (the local cloud).",
    )
    timezone: Annotated[str, AfterValidator(zone_key)] = Field(
        description="The shop's time zone (IANA name): business dates are days in it.",
    )
    shop_name: Annotated[str, like(r"[^\x00-\x1f\x7f]*", "must stand on one line, without control characters")] = Field(
        default="",
        max_length=60,
        description="The shop's name as its reports and mails show it, such as Corner Store; empty shows none.",
    )
    brand_color: Annotated[str, like(r"(#[0-9A-Fa-f]{6})?", "must be a colour such as #1B5E9E")] = Field(
        default="",
        description="The colour of the stripe over PDF and HTML reports and their mails, such as #1B5E9E; empty: blue.",
    )
    logo: Annotated[str, AfterValidator(png)] = Field(
        default="",
        max_length=(LOGO_BYTES + 2) // 3 * 4,
        description="The shop's logo at the head of its PDF and HTML reports: a PNG file of at most 32 KB and 800 x 300 pixels.",
    )
    report_recipients: Recipients = Field(
        max_length=50, description="Who gets the reports. Nobody: they are saved, and mailed to nobody."
    )
    alert_recipients: Recipients = Field(max_length=50, description="Who gets the anomaly alerts.")
    owner_recipients: Annotated[Recipients, AfterValidator(somebody)] = Field(
        max_length=20,
        description="Who is told when something fails. The first one gets the readers' answers.",
    )
    schedule_recipients: Mapping[str, Recipients] = Field(
        default_factory=dict,
        description="Who gets what one schedule makes, where it is not everybody: by the schedule's name.",
    )
    mail_content: Literal["full", "summary", "link"] = Field(
        default="full",
        description="How much of a report its mail holds: the files (full), the figures (summary), or only where to find it (link).",
    )
    empty_reports: Literal["skip", "send"] = Field(
        default="skip",
        description="What happens when a period has no sale at all: nobody is mailed (skip), or the empty report is (send).",
    )
    stale_after_hours: Annotated[int, Unit("hours")] = _number(
        72,
        0,
        8760,
        "How long may lie between the newest sale and the end of a report's days before its figures count as stale; 0 never.",
    )
    stale_reports: Literal["skip", "banner"] = Field(
        default="banner",
        description="What happens to a stale report: only the owner is told (skip), or it is sent and says so (banner).",
    )
    paper: Literal["A4", "Letter"] = Field(default="A4", description="Paper of the PDF reports.")
    vat_percent: Percent = _number(
        0,
        0,
        50,
        "The rate of value added tax that prices hold, such as 16; 0 says nothing of tax, because the source has none.",
    )
    lead_days: Days = _number(
        3,
        0,
        90,
        "From an order to its delivery. What lasts less is to be ordered, and quantities cover these days, too.",
    )
    cover_days: Days = _number(14, 1, 180, "Sales that an order is to cover after its delivery.")
    history_days: Days = _number(800, 180, 3650, "How far back the history reaches: what a fresh stack fetches.")
    history_overlap_days: Days = _number(
        7, 1, 90, "What each sync reads again, for sales entered offline and days corrected afterwards."
    )
    deep_overlap_days: Days = _number(
        90,
        7,
        800,
        "What the first sync of each week (Sunday's business date) reads again, for what arrives later still.",
    )
    reads_shared_minutes: Annotated[int, Unit("minutes")] = _number(
        45,
        0,
        1440,
        "How old a read of the source may be for the next scheduled job to go by it instead of asking again; 0 asks each time. "
        "A night's jobs go by one read at 180, and what the tills send in between is in the next day's reports.",
    )
    source_wait_seconds: Annotated[int, Unit("seconds")] = _number(
        60,
        5,
        300,
        "How long the source may take to begin an answer, and then for every 16 kB of it; a run that it keeps waiting longer ends, "
        "and is tried again.",
    )
    watch_lookback_hours: Annotated[int, Unit("hours")] = _number(
        26, 2, 336, "How far the watchdog looks back at most, the first time and after it was off itself."
    )
    watch_grace_minutes: Annotated[int, Unit("minutes")] = _number(
        90,
        5,
        1440,
        "How long after it was due a run may be done before it counts as late or missing; more than a firing stays worth delivering.",
    )
    heartbeat_url: Annotated[
        str, like(r"(https://[A-Za-z0-9.-]+(:\d{1,5})?(/[^ ]*)?)?", "must be an https address")
    ] = Field(
        default="",
        max_length=200,
        description="A page outside of AWS that is asked for while every schedule did its work (healthchecks.io and the like): of main each "
        "hour, by the watchdog, of another shop by each of its scheduled runs; it raises the alarm when that stops.",
    )
    link_days: Days = _number(30, 1, 365, "How long a link in a mail is good.")

    def overlaid(self, stored: Mapping[str, Stored], said_by: str) -> Self:
        """These settings with others in their place, which `said_by` says; names that this release does not know are passed over.

        Raises InvalidSettings that names every bad one.
        """
        return self._said(self.model_dump(), stored, said_by)

    @classmethod
    def _said(cls, first: Mapping[str, Any], stored: Mapping[str, Stored], said_by: str) -> Self:
        known = {name: value for name, value in stored.items() if name in ShopSettings.model_fields}
        todo = "Set them anew (salesflow-ops settings set), or go back (salesflow-ops settings restore)."
        return cls._validated({**first, **known}, said_by, todo)

    @cached_property
    def digest(self) -> str:
        """What tells these settings of a shop from others, wherever each came from: the same settings have the same."""
        said = self.model_dump_json(include=set(ShopSettings.model_fields))
        return hashlib.sha256(json.dumps(json.loads(said), sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def zone(self) -> ZoneInfo:
        """The merchant's time zone: business dates are computed in it."""
        return ZoneInfo(self.timezone)

    @cached_property
    def api_url(self) -> str:
        """Base URL of the SalesFlow API without a trailing slash."""
        return self.salesflow_api_url.rstrip("/")

    @cached_property
    def reply_to(self) -> str:
        """Who gets the readers' answers: the first owner who can be mailed."""
        return next(address for address in self.owner_recipients if can_be_mailed(address))

    @cached_property
    def unusable_addresses(self) -> Mapping[str, str]:
        """The recipients that cannot be told at all, and why."""
        everybody = unique_mailboxes((*self.owner_recipients, *self.report_recipients, *self.alert_recipients))
        return {address: problem for address in everybody if (problem := unusable(address))}


class Settings(ShopSettings):
    """Everything that a function is told: the shop's settings, and what the stack is made of, which only its environment says."""

    system_token_secret_id: str = Field(min_length=1)
    reports_bucket: str = Field(min_length=3)
    state_table: str = Field(min_length=3)
    mail_sender: Annotated[str, AfterValidator(mail_address)]
    ses_region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    ses_configuration_set: str | None = None
    shop_role_arn: str | None = None
    """The role that runs of other shops than `main` take on, scoped to the one shop by a session tag."""
    schedule_group: str = Field(default="salesflow", min_length=1)
    stack_name: str = "salesflow"
    links_url: str | None = Field(default=None, pattern=r"^https?://[A-Za-z0-9.:-]+(/[^\s?#]*)?/$")
    """Where the links in mails lead; without it mails hold none."""
    links_secret_id: str | None = None
    """The secret of the keys that sign them."""

    def of_shop(self, stored: Mapping[str, Stored], said_by: str) -> Self:
        """What the stack is made of, with another shop's settings: those stored and the defaults, nothing of the stack's own shop.

        Raises InvalidSettings that names every bad or missing one.
        """
        return self._said(self.model_dump(exclude=set(ShopSettings.model_fields)), stored, said_by)


def problems_of(error: ValidationError) -> list[tuple[str, str]]:
    """What is wrong, in words, each with the field's name."""
    return [
        (
            str(problem["loc"][0]) if problem["loc"] else "",
            "is not set" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, "),
        )
        for problem in error.errors(include_url=False, include_input=False)
    ]
