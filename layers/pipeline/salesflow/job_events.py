"""What a job was asked for: the three kinds of event become one request, and anything else is refused with a reason."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from salesflow.event_forms import FIRST_YEAR, Trigger, refused, request_id_of, unwrapped
from salesflow.formats import Format, ReportType
from salesflow.mail_address import mailbox
from salesflow.readers import bare
from salesflow.shop_id import MAIN_SHOP, shop_id
from salesflow.windows import MIDNIGHT, Period, business_date_at, last_complete_day

if TYPE_CHECKING:
    from salesflow.settings import ShopSettings

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Notify(StrEnum):
    """Who is mailed: everybody, the owners alone, or nobody."""

    ALL = "all"
    OWNER = "owner"
    NONE = "none"


class Audience(frozenset[str]):
    """Whom a firing is to tell: "all" (everybody), "owner" (the owners), single addresses, or nobody (empty).

    Not the addresses behind "all" and "owner": a reader who is added later makes no finished work unfinished.
    """

    NOBODY: ClassVar["Audience"]
    EVERYBODY: ClassVar["Audience"]

    def covers(self, other: "Audience") -> bool:
        """Whether telling these told the others as well."""
        return Notify.ALL in self or other <= self

    def joined(self, other: "Audience") -> "Audience":
        """These and the others."""
        return Audience(self | other)

    def without(self, told: "Audience") -> "Audience":
        """Who of these is left when those were told."""
        return Audience(() if told.covers(self) else self - told)


Audience.NOBODY = Audience()
Audience.EVERYBODY = Audience((Notify.ALL,))


NOBODY_S_OWN: Mapping[str, tuple[str, ...]] = MappingProxyType({})


def _iso_date(value: object) -> object:
    if value is None:
        return value
    if isinstance(value, str) and _ISO_DATE.fullmatch(value):
        value = date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        if value.year < FIRST_YEAR:
            raise ValueError(f"it lies before {FIRST_YEAR}")
        return value
    raise ValueError("write it as an ISO date such as 2026-11-22")


def _checked_period(period: Period) -> Period:
    if period is Period.QUARTERLY:
        raise ValueError("allowed: 'daily', 'weekly' or 'monthly'")
    return period


def _unique[Item](items: tuple[Item, ...]) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(items))


type Reader = Annotated[str, Field(strict=True, min_length=3, max_length=325), AfterValidator(bare)]


class JobFields(BaseModel):
    """The fields that every job takes. `shop` is one that the stack may have: whether it has it, its row in the state table says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shop: Annotated[str, Field(strict=True), AfterValidator(shop_id)] = MAIN_SHOP
    business_date: Annotated[date | None, BeforeValidator(_iso_date)] = None
    force: Annotated[bool, Field(strict=True)] = False
    notify: Notify = Notify.ALL

    @property
    def resends(self) -> bool:
        """Whether a finished date is taken up again only to mail whoever was not told: what reports can do."""
        return False

    @property
    def audience(self) -> Audience:
        """Whom the firing is to tell; nobody, for the jobs that mail no reader."""
        return Audience.NOBODY


class MailingFields(JobFields):
    """The fields of the jobs that mail readers. `to` narrows them to some of those that the shop's settings name; it can add nobody."""

    to: Annotated[tuple[Reader, ...], Field(max_length=50), AfterValidator(_unique)] = ()

    @property
    def audience(self) -> Audience:
        """Whom the firing is to tell."""
        if self.to and self.notify is not Notify.NONE:
            return Audience(map(mailbox, self.to))
        return Audience() if self.notify is Notify.NONE else Audience((self.notify,))

    def for_readers(self, readers: tuple[str, ...] | None) -> Self:
        """The same for the readers of one schedule, where it has its own (None: it has not) and the event says nothing else."""
        if readers is None or self.to or self.notify is not Notify.ALL:
            return self
        return self.model_copy(update={"to": readers} if readers else {"notify": Notify.NONE})


class ReportFields(MailingFields):
    """The fields of the `report` job. `resend` takes a finished date up again to mail those who have not been told of it."""

    report_type: ReportType = ReportType.SALES
    formats: Annotated[tuple[Format, ...], Field(min_length=1), AfterValidator(_unique)] = (Format.PDF, Format.EXCEL)
    period: Period = Period.DAILY
    resend: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def _one_way_to_mail_again(self) -> Self:
        if self.resend and self.force:
            raise ValueError("give either resend (whoever was not told) or force (everybody again), not both")
        return self

    @model_validator(mode="before")
    @classmethod
    def _accept_single_format(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and "format" in data:
            if "formats" in data:
                raise ValueError("give either format or formats, not both")
            data = {**data, "formats": [data["format"]]}
            del data["format"]
        return data

    @property
    def resends(self) -> bool:
        """Whether a finished date is taken up again only to mail whoever was not told."""
        return self.resend

    @property
    def identity(self) -> str:
        """What makes this the same report on the same date: type, period and the set of formats."""
        return f"report/{self.report_type}/{self.period}/{'+'.join(sorted(self.formats))}"


class SyncHistoryFields(JobFields):
    """The fields of the `sync_history` job; `rebuild` reads everything again, as on a fresh stack, though the date is done."""

    rebuild: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="before")
    @classmethod
    def _a_rebuild_is_never_done_already(cls, data: Any) -> Any:
        return {"force": True, **data} if isinstance(data, Mapping) and data.get("rebuild") is True else data


class WatchdogFields(JobFields):
    """The fields of the `watchdog` job: `notify` none looks and answers, tells nobody and remembers nothing."""


class ForecastFields(JobFields):
    """The fields of the `forecast` job. It mails nobody, whatever `notify` says."""


class Scope(StrEnum):
    """What an anomaly check looks at: the whole shop and its products, or products alone."""

    GLOBAL = "GLOBAL"
    PRODUCT = "PRODUCT"


_PLAIN_SKU = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


def safe_segment(text: str) -> str:
    """A text as one part of a key, whatever it holds: itself where it is plain, else its plain characters and its hash.

    The two forms never meet: only the second has a point in it.
    """
    if _PLAIN_SKU.fullmatch(text):
        return text
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", text, flags=re.ASCII).strip("_")[:40]
    return f"{plain}.{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


class AnomalyCheckFields(MailingFields):
    """The fields of the `anomaly_check` job. Scope PRODUCT with neither `sku` nor `name` means all products."""

    scope: Scope = Scope.GLOBAL
    sku: Annotated[str | None, Field(strict=True, min_length=1, max_length=500)] = None
    name: Annotated[str | None, Field(strict=True, min_length=1, max_length=500)] = None
    period: Annotated[Period, AfterValidator(_checked_period)] = Period.DAILY

    @model_validator(mode="after")
    def _one_product(self) -> Self:
        if self.sku is not None and self.name is not None:
            raise ValueError("give either sku or name, not both")
        if self.scope is Scope.GLOBAL and (self.sku is not None or self.name is not None):
            raise ValueError("sku and name belong to scope PRODUCT")
        return self

    @property
    def part(self) -> str:
        """The part of keys and identities that names one product: `sku=...`, `name=...`, or empty."""
        if self.sku is not None:
            return f"sku={safe_segment(self.sku)}"
        return "" if self.name is None else f"name={safe_segment(self.name)}"

    @property
    def identity(self) -> str:
        """What makes this the same check on the same date: scope, product and period."""
        return "/".join(filter(None, ("anomaly_check", self.scope, self.part, self.period)))


@dataclass(frozen=True, slots=True)
class Firing[Fields: JobFields]:
    """What an event says by itself, before anything is known of its shop. `scheduled_time`: aware; None where it names none."""

    fields: Fields
    schedule: str
    scheduled_time: datetime | None
    trigger: Trigger
    request_id: str

    @classmethod
    def of(cls, event: object, fields_type: type[Fields]) -> Self:
        """What an event says: a schedule's input, an EventBridge rule's event, or the job's own fields (a console test).

        Raises InvalidJobEvent that names every bad field and what is allowed.
        """
        if not isinstance(event, Mapping):
            raise refused(f"the event is a {type(event).__name__}, not a JSON object")
        own, schedule, scheduled_time, trigger = unwrapped(event)
        try:
            fields = fields_type.model_validate(own)
        except ValidationError as error:
            raise refused(_describe(error, fields_type)) from None
        return cls(fields, schedule, scheduled_time, trigger, request_id_of(event.get("request_id")))

    def request(
        self, *, now: datetime, zone: ZoneInfo, day_ends_at: time, readers: Mapping[str, tuple[str, ...]]
    ) -> "JobRequest[Fields]":
        """What it asks for; see `JobRequest.from_event`. Raises InvalidJobEvent for a date in the future."""
        moment, fields = self.scheduled_time or now, self.fields
        if isinstance(fields, MailingFields):
            fields = fields.for_readers(readers.get(self.schedule))
        today = business_date_at(moment, zone, day_ends_at)
        complete = last_complete_day(moment, zone, day_ends_at)
        business_date = fields.business_date or complete
        if business_date > today:
            raise refused(
                f"business_date {business_date} lies in the future: today is {today} in {zone.key}, "
                f"so the last complete day is {complete}"
            )
        moment = moment.astimezone(UTC)
        return JobRequest(fields, business_date, self.schedule, moment, self.trigger, day_ends_at, self.request_id)

    def for_shop(self, settings: "ShopSettings", now: datetime) -> "JobRequest[Fields]":
        """What it asks for of a shop with these settings. Raises InvalidJobEvent for a date in the future."""
        return self.request(
            now=now, zone=settings.zone, day_ends_at=settings.day_ends_at, readers=settings.schedule_recipients
        )


@dataclass(frozen=True, slots=True)
class JobRequest[Fields: JobFields]:
    """One firing of a job: what was asked, for which business date, and by which schedule.

    `scheduled_time` is aware, in UTC; for an event without one it is the moment of the call. `day_ends_at`: when the shop's days
    end, by its own clock. `request_id`: the request that an event from the queue was first fired as; "" for one that is new.
    """

    fields: Fields
    business_date: date
    schedule: str
    scheduled_time: datetime
    trigger: Trigger
    day_ends_at: time = MIDNIGHT
    request_id: str = ""

    @staticmethod
    def from_event(
        event: object,
        fields_type: type[Fields],
        *,
        now: datetime,
        zone: ZoneInfo,
        day_ends_at: time = MIDNIGHT,
        readers: Mapping[str, tuple[str, ...]] = NOBODY_S_OWN,
    ) -> "JobRequest[Fields]":
        """The request that an event (see `Firing.of`) makes.

        The business date defaults to the last complete day, in `zone`, before the scheduled time; days end at `day_ends_at`.
        `readers`: the recipients of the schedules that have their own, by schedule. Raises InvalidJobEvent.
        """
        firing = Firing.of(event, fields_type)
        return firing.request(now=now, zone=zone, day_ends_at=day_ends_at, readers=readers)

    def asked_on(self, zone: ZoneInfo) -> date:
        """The business date that ran, in `zone`, when the job was fired."""
        return business_date_at(self.scheduled_time, zone, self.day_ends_at)

    def day_is_over(self, zone: ZoneInfo) -> bool:
        """Whether the business date was over, in `zone`, at the scheduled time."""
        return self.business_date < self.asked_on(zone)


def _describe(error: ValidationError, fields_type: type[JobFields]) -> str:
    """Every problem in one sentence: the field, what is wrong, what is allowed."""
    problems = []
    found = error.errors(include_url=False, include_input=True)
    bad_items = {problem["loc"][0] for problem in found if len(problem["loc"]) > 1}
    for problem in found:
        location = [str(part) for part in problem["loc"]]
        field = location[0] if location else ""
        given = repr(problem["input"])[:80]
        if problem["type"] == "too_short" and field in bad_items:
            continue  # pydantic counts only the good items of a list: the bad ones are named already
        if problem["type"] == "extra_forbidden":
            allowed = ", ".join(
                [*fields_type.model_fields, *(["format"] if "formats" in fields_type.model_fields else [])]
            )
            problems.append(f"{field[:80]} is no field of this job (allowed: {allowed})")
        elif problem["type"] == "enum":
            problems.append(f"{field} {given} is not allowed (allowed: {problem['ctx']['expected']})")
        else:
            text = problem["msg"].removeprefix("Value error, ").replace("a valid tuple", "a list")  # as JSON calls it
            problems.append(f"{field} {given}: {text}" if field else text)
    return "; ".join(problems)
