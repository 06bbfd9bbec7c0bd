"""What the links in mails lead to: one request of the function URL, one answer.

GET and HEAD change nothing, whoever follows the link: a mail program, a scanner, a reader. POST does what a button or a mail
program's own "unsubscribe" says. Whatever is wrong with a link, the answer is the same, and holds nothing of any shop.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote

from salesflow import clock
from salesflow.alerts.book import FOR_GOOD
from salesflow.alerts.lifecycle import Entry
from salesflow.alerts.mail import explained
from salesflow.errors import SalesFlowError
from salesflow.figures import Figures, printable
from salesflow.findings.wording import called
from salesflow.jobs.recipients import everybody
from salesflow.jobs.runtime import Runtime
from salesflow.ledger.link_uses import LinkUses
from salesflow.library.keeper import INDEX_KEY
from salesflow.links.grant import LONGEST_TOKEN, Grant, reader_of
from salesflow.links.pages import Answer, Page, Section, failed, refused, sent_on, shown, stored_page
from salesflow.links.things import (
    LibraryPage,
    MailList,
    ReportFile,
    Thing,
    ToldFinding,
    mark_of,
    report_key_below,
    thing_of,
)
from salesflow.mail_address import mailbox, masked
from salesflow.observability import MetricUnit, logger, metrics
from salesflow.shops.book import NoSuchShop
from salesflow.windows import Period

OPEN_SECONDS = 15 * 60
QUIET_DAYS = 14

_LONGEST_PATH = LONGEST_TOKEN + 200
_LONGEST_BODY = 2_000
_ONE_CLICK = ("List-Unsubscribe", "One-Click")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its method, what stands in its path, and what its form says (`do`, or one-click unsubscribing)."""

    method: str
    token: str
    below: str
    deed: str

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Asked | None":
        """The request of an event of a function URL (payload format 2.0); None for what is none, or is too long to be one of ours."""
        http = event.get("requestContext", {}).get("http", {})
        path, method, body = event.get("rawPath"), http.get("method"), event.get("body") or ""
        if not (isinstance(path, str) and isinstance(method, str) and isinstance(body, str)):
            return None
        if len(path) > _LONGEST_PATH or len(body) > _LONGEST_BODY:
            return None
        if event.get("isBase64Encoded"):
            try:
                body = base64.b64decode(body, validate=True).decode("utf-8", "replace")
            except ValueError:
                return None
        token, _, below = path.removeprefix("/").partition("/")
        return cls(method.upper(), token, unquote(below), _deed(body) if method.upper() == "POST" else "")


def _deed(body: str) -> str:
    """What a form asks for: a button's word, or "stop" for RFC 8058's one click, which comes as either kind of form."""
    fields = dict(parse_qsl(body, max_num_fields=10)) if body.count("&") < 10 else {}
    if fields.get(_ONE_CLICK[0]) == _ONE_CLICK[1] or all(f in body for f in (f'name="{_ONE_CLICK[0]}"', _ONE_CLICK[1])):
        return "stop"
    return fields.get("do", "")


def answer_link(event: object, runtime: Runtime) -> dict[str, Any]:
    """Answer a request, in the form that Lambda turns into one of HTTP."""
    # The shop's own settings are read for a link that is good alone: strangers are answered from the environment.
    language, became = runtime.settings.language_code, "LinksAnswered"
    asked = Asked.of(event) if isinstance(event, Mapping) else None
    try:
        answer = None if asked is None else _answered(asked, runtime)
    except SalesFlowError as error:
        logger.exception("failed", error=type(error).__name__)
        answer, became = failed(language), "LinksFailed"
    if answer is None:
        answer, became = refused(language), "LinksRefused"
    metrics.add_dimension(name="stack", value=runtime.settings.stack_name)
    metrics.add_metric(name=became, unit=MetricUnit.Count, value=1)
    metrics.flush_metrics()
    return answer.as_lambda(with_body=asked is None or asked.method != "HEAD")


def _answered(asked: Asked, runtime: Runtime) -> Answer | None:
    """The answer to a link that is good; None for any other."""
    if asked.method not in ("GET", "HEAD", "POST"):
        return None
    today = clock.now().date()
    found = runtime.link_keys.keys(asked.token).grant(asked.token, today)
    if found is None:
        return None
    grant, key = found
    logger.append_keys(shop=grant.shop)
    try:
        runtime = runtime.for_run(grant.shop)
    except NoSuchShop:  # it has left the stack since
        return None
    address, thing = reader_of(grant, key, everybody(runtime.settings)), thing_of(grant.thing)
    if address is None or thing is None:
        return None
    return _Visit(runtime, grant, address, asked).answer(thing)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A reader with a good link."""

    runtime: Runtime
    grant: Grant
    address: str
    asked: Asked

    def answer(self, thing: Thing) -> Answer | None:
        """What the link shows, or what the button does."""
        match thing:
            case MailList() if self._is_at_top:
                return self._mails(thing)
            case ToldFinding(key, mark) if self._is_at_top:
                return self._finding(key, mark)
            case ReportFile(key) if self._is_at_top and self.asked.method != "POST":
                return self._opened(key)
            case LibraryPage() if self.asked.method != "POST":
                return self._library()
        return None

    @property
    def _is_at_top(self) -> bool:
        return not self.asked.below

    def _opened(self, key: str) -> Answer | None:
        """A fresh address of a file, good for a quarter of an hour."""
        if not self.runtime.store.has(key):
            return None
        self._record("open", key)
        return sent_on(self.runtime.store.fresh_address(key, OPEN_SECONDS))

    def _library(self) -> Answer | None:
        """The page of all reports, or a file that it links to."""
        if self.asked.below not in ("", INDEX_KEY.rpartition("/")[2]):
            key = report_key_below(self.asked.below)
            return None if key is None else self._opened(key)
        page = self.runtime.store.read(INDEX_KEY)
        if page is None:
            return None
        self._record("open", INDEX_KEY)
        return stored_page(page.decode())

    def _finding(self, key: str, mark: str) -> Answer | None:
        """Why an alert was sent, and the buttons that make it quiet."""
        document = self.runtime.store.read(key)
        if document is None:
            return None
        try:
            said = json.loads(document)
            entry = next((e for e in map(Entry.from_dict, said["told"]) if mark_of(e.key) == mark), None)
            figures, period = Figures(said["currency"], self.runtime.settings.language_code), Period(said["period"])
        except (KeyError, ValueError, TypeError):
            logger.warning("a check's file cannot be read", key=key)
            return None
        if entry is None:
            return None
        subject = entry.alert.partition("|")[2]
        self._quieten(subject)
        return self._shown(self._why(entry, period, subject, figures))

    def _quieten(self, subject: str) -> None:
        """Do what a button of a finding's page says; nothing for a word that is none of them."""
        book, today = self.runtime.alert_book, clock.now().astimezone(self.runtime.settings.zone).date()
        deeds: Mapping[str, Callable[[], None]] = {
            "quiet": partial(book.mute, subject, today + timedelta(days=QUIET_DAYS)),
            "quiet-for-good": partial(book.mute, subject, FOR_GOOD),
            "tell": partial(book.unmute, subject),
        }
        self._do(deeds, "why", subject)

    def _why(self, entry: Entry, period: Period, subject: str, figures: Figures) -> Page:
        _ = figures.words
        why = explained(entry, period, figures)
        until = self.runtime.alert_book.mutes().get(subject)
        about = called(entry.sku, entry.name) if entry.sku else ""
        today = clock.now().astimezone(self.runtime.settings.zone).date()
        if until is not None and until >= today:
            day = figures.day_long(until)
            state = (
                _("Nothing is mailed about it.")
                if until == FOR_GOOD
                else _("Nothing is mailed about it until {day}.", day=day)
            )
            choices: tuple[tuple[str, str], ...] = (("tell", _("Tell me again")),)
        else:
            state = _(
                "It is known and needs no more mails? It goes on being watched, and is told afterwards if it is still there."
            )
            choices = (("quiet", _("Quiet for two weeks")), ("quiet-for-good", _("Quiet for good")))
        title = _("Quiet about {product}", product=about) if about else _("Quiet about the whole shop")
        sections = [Section(name, rows) for name, rows in why.tables]
        if why.look_at:
            sections.append(Section(_("What to look at"), lines=why.look_at))
        return self._page(why.title, why.headline, why.lines, (Section(title, (), (state,), choices), *sections))

    def _mails(self, mail_list: MailList) -> Answer:
        """The reader's own mails, and the buttons that stop them and take them up again."""
        marks, settings = self.runtime.marked_addresses, self.runtime.settings
        deeds: dict[str, Callable[[], None]] = {}
        for one in MailList:
            deeds[f"stop-{one}"] = partial(marks.stop, self.address, one)
            deeds[f"take-up-{one}"] = partial(marks.take_up, self.address, one)
        deeds["stop"] = deeds[f"stop-{mail_list}"]
        self._do(deeds, "mails", mail_list)
        mark = marks.of(self.address)
        stopped = set() if mark is None else set(mark.lists)
        figures = Figures(settings.currency, settings.language_code)
        _ = figures.words
        if mark is not None and not mark.is_own_choice:
            lines = (_("Mails to this address came back, so none is sent. Ask whoever has the reports sent to you."),)
            return self._shown(self._page(_("Your mails"), _("You get no mails."), lines, ()))
        headline = {
            (MailList.REPORTS, True): _("You get no reports by mail any more."),
            (MailList.REPORTS, False): _("You get reports by mail."),
            (MailList.ALERTS, True): _("You get no alerts by mail any more."),
            (MailList.ALERTS, False): _("You get alerts by mail."),
        }
        titles = {MailList.REPORTS: _("Reports"), MailList.ALERTS: _("Alerts")}
        told = {MailList.REPORTS: settings.report_recipients, MailList.ALERTS: settings.alert_recipients}
        of_reader = [
            one for one in MailList if one in {mail_list, *stopped} or mailbox(self.address) in map(mailbox, told[one])
        ]
        sections = tuple(
            Section(
                titles[one],
                lines=(headline[one, one in stopped],),
                choices=(
                    (f"take-up-{one}", _("Send them to me again"))
                    if one in stopped
                    else (f"stop-{one}", _("Stop these mails")),
                ),
            )
            for one in sorted(of_reader, key=lambda one: one is not mail_list)
        )
        lines = (_("This is about the mails to {address}.", address=masked(self.address)),)
        return self._shown(self._page(_("Your mails"), headline[mail_list, mail_list in stopped], lines, sections))

    def _do(self, deeds: Mapping[str, Callable[[], None]], look: str, about: str) -> None:
        """Do what was asked for, if it is one of the deeds; else it is a look. It is recorded first: nothing changes that is on no record."""
        deed = self.asked.deed if self.asked.method == "POST" and self.asked.deed in deeds else look
        self._record(deed, about)
        if deed in deeds:
            deeds[deed]()

    def _record(self, deed: str, about: str) -> None:
        """Every use stands in the ledger, and none of a scanner that only asks whether there is something (HEAD)."""
        if self.asked.method == "HEAD":
            return
        LinkUses(self.runtime.rows).record(deed, self.grant.reader, about)
        logger.info("link used", deed=deed, reader=self.grant.reader)

    def _page(self, title: str, headline: str, lines: tuple[str, ...], sections: tuple[Section, ...]) -> Page:
        return Page(printable(self.runtime.settings.shop_name), title, headline, lines, sections)

    def _shown(self, page: Page) -> Answer:
        return shown(page, self.runtime.settings.language_code)
