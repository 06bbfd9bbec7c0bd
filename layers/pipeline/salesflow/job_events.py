"""What a job was asked for: the three kinds of event become one request, and anything else is refused with a reason."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from salesflow.errors import InvalidJobEvent
from salesflow.formats import Format, ReportType
from salesflow.mail_address import mailbox
from salesflow.shop_id import MAIN_SHOP
from salesflow.windows import MIDNIGHT, Period, business_date_at, last_complete_day

if TYPE_CHECKING:
    from salesflow.settings import ShopSettings

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)

# Wider than any shop's life, and narrow enough that windows and zones never leave the calendar of `datetime`.
_FIRST_YEAR, _LAST_YEAR = 1970, 9000


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
        if value.year < _FIRST_YEAR:
            raise ValueError(f"it lies before {_FIRST_YEAR}")
        return value
    raise ValueError("write it as an ISO date such as 2026-11-22")


def _checked_period(period: Period) -> Period:
    if period is Period.QUARTERLY:
        raise ValueError("allowed: 'daily', 'weekly' or 'monthly'")
    return period


def _unique[Item](items: tuple[Item, ...]) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(items))


type MailAddress = Annotated[str, Field(strict=True, min_length=3, max_length=320)]


def _known_shop(value: str) -> str:
    if value != MAIN_SHOP:
        raise ValueError(f"this stack has no such shop (allowed: {MAIN_SHOP!r})")
    return value


class JobFields(BaseModel):
    """The fields that every job takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shop: Annotated[str, Field(strict=True), AfterValidator(_known_shop)] = MAIN_SHOP
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

    to: Annotated[tuple[MailAddress, ...], Field(max_length=50), AfterValidator(_unique)] = ()

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
class JobRequest[Fields: JobFields]:
    """One firing of a job: what was asked, for which business date, and by which schedule.

    `scheduled_time` is aware, in UTC; for an event without one it is the moment of the call. `day_ends_at`: when the shop's days
    end, by its own clock. `request_id`: the request that an event from the queue was first fired as; "" for one that is new.
    """

    fields: Fields
    business_date: date
    schedule: str
    scheduled_time: datetime
    trigger: Literal["schedule", "rule", "manual"]
    day_ends_at: time = MIDNIGHT
    request_id: str = ""

    @classmethod
    def from_event(
        cls,
        event: object,
        fields_type: type[Fields],
        *,
        now: datetime,
        zone: ZoneInfo,
        day_ends_at: time = MIDNIGHT,
        readers: Mapping[str, tuple[str, ...]] = NOBODY_S_OWN,
    ) -> Self:
        """The request that an event makes.

        `event` is a schedule's input, an EventBridge rule's event, or the job's own fields (a console test). The
        business date defaults to the last complete day, in `zone`, before the scheduled time; days end at `day_ends_at`.
        `readers`: the recipients of the schedules that have their own, by schedule.
        Raises InvalidJobEvent that names every bad field and what is allowed.
        """
        if not isinstance(event, Mapping):
            raise _refused(f"the event is a {type(event).__name__}, not a JSON object")
        own, schedule, scheduled_time, trigger = _unwrap(event)
        moment = scheduled_time or now
        try:
            fields = fields_type.model_validate(own)
        except ValidationError as error:
            raise _refused(_describe(error, fields_type)) from None
        if isinstance(fields, MailingFields):
            fields = fields.for_readers(readers.get(schedule))
        today = business_date_at(moment, zone, day_ends_at)
        complete = last_complete_day(moment, zone, day_ends_at)
        business_date = fields.business_date or complete
        if business_date > today:
            raise _refused(
                f"business_date {business_date} lies in the future: today is {today} in {zone.key}, "
                f"so the last complete day is {complete}"
            )
        request_id = _request_id(event.get("request_id"))
        return cls(fields, business_date, schedule, moment.astimezone(UTC), trigger, day_ends_at, request_id)

    @classmethod
    def for_shop(cls, event: object, fields_type: type[Fields], settings: "ShopSettings", now: datetime) -> Self:
        """The request that an event makes of a job of a shop with these settings. Raises InvalidJobEvent as `from_event` does."""
        return cls.from_event(
            event,
            fields_type,
            now=now,
            zone=settings.zone,
            day_ends_at=settings.day_ends_at,
            readers=settings.schedule_recipients,
        )

    def asked_on(self, zone: ZoneInfo) -> date:
        """The business date that ran, in `zone`, when the job was fired."""
        return business_date_at(self.scheduled_time, zone, self.day_ends_at)

    def day_is_over(self, zone: ZoneInfo) -> bool:
        """Whether the business date was over, in `zone`, at the scheduled time."""
        return self.business_date < self.asked_on(zone)


def _unwrap(
    event: Mapping[str, Any],
) -> tuple[dict[str, Any], str, datetime | None, Literal["schedule", "rule", "manual"]]:
    """The job's own fields, the schedule's name, its time, and how the job was fired."""
    if event.get("source") == "aws.events":
        detail = event.get("detail", {})
        if isinstance(detail, str):
            try:
                detail = json.loads(detail or "{}")
            except ValueError:
                raise _refused("detail is a string that is not JSON; write the job's fields as a JSON object") from None
        if detail is None:
            detail = {}
        if not isinstance(detail, Mapping):
            raise _refused("detail must be a JSON object with the job's fields")
        resources = event.get("resources") or ["rule"]
        if not isinstance(resources, list) or not isinstance(resources[0], str):
            raise _refused("resources must be a list that names the rule's ARN")
        return dict(detail), resources[0].rpartition("/")[2], _moment(event.get("time"), "time"), "rule"
    own = dict(event)
    own.pop("request_id", None)
    schedule = own.pop("schedule", None)
    scheduled_time = _moment(own.pop("scheduled_time", None), "scheduled_time")
    if schedule is None:
        return own, "manual", scheduled_time, "manual"
    if not isinstance(schedule, str) or not schedule.strip():
        raise _refused("schedule must be the schedule's name")
    return own, schedule, scheduled_time, "schedule"


def _request_id(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and _REQUEST_ID.fullmatch(value):
        return value
    raise _refused(f"request_id {str(value)[:80]!r} is no request's id (letters, digits and hyphens)")


def _moment(value: object, field: str) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _refused(f"{field} {str(value)[:80]!r} is no moment with a zone, such as 2026-11-22T23:00:00Z")
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise _refused(f"{field} {str(value)[:80]!r} lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment


def _refused(problem: str) -> InvalidJobEvent:
    return InvalidJobEvent(
        f"The event was refused and nothing was run: {problem}.", action="Correct the event and fire the job again."
    )


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
            text = problem["msg"].removeprefix("Value error, ")
            problems.append(f"{field} {given}: {text}" if field else text)
    return "; ".join(problems)
