"""Faults built into the code on purpose, in a container's own process: with each of them the harness has to fail."""

from collections.abc import Callable
from typing import Any

type Break = Callable[[], None]


def break_on_purpose(name: str) -> None:
    """Build a fault into the modules of this process."""
    _BREAKS[name]()


def _no_claim() -> None:
    """Every run takes the date, whoever has it or has finished it."""
    from salesflow.ledger import ledger

    anything = "(attribute_exists(pk) OR attribute_not_exists(pk) OR lease_until <= :now)"
    ledger._claimable = lambda edition, *, force, day_is_over: (anything, {})


def _no_record_per_recipient() -> None:
    """Nobody writes down who was told."""
    from salesflow.ledger import Claim

    Claim.record_sent = lambda self, recipient, *, message_id: None  # type: ignore[method-assign]


def _save_after_mail() -> None:
    """The readers are told of files that are saved only then."""
    from salesflow.delivery.store import ReportStore, report_key
    from salesflow.jobs import report_mailing
    from salesflow.ledger import Artifact

    save, deliver = ReportStore.save, report_mailing.mail_report
    waiting: list[Callable[[], Any]] = []

    def later(self: ReportStore, **what: Any) -> tuple[Artifact, ...]:
        waiting.append(lambda: save(self, **what))
        return tuple(
            Artifact(
                fmt, self.bucket, report_key(what["report_type"], what["period"], what["business_date"], fmt), 1, ""
            )
            for fmt in what["files"]
        )

    def deliver_then_save(run: Any, content: Any, files: Any, artifacts: Any) -> Any:
        told = deliver(run, content, files, artifacts)
        waiting.pop()()
        return told

    ReportStore.save = later  # type: ignore[method-assign]
    report_mailing.mail_report = deliver_then_save


def _record_before_mail() -> None:
    """The date counts as done before anybody was told."""
    from salesflow.jobs import report_mailing
    from salesflow.ledger import RunStatus

    deliver = report_mailing.mail_report

    def finish_then_deliver(run: Any, content: Any, files: Any, artifacts: Any) -> Any:
        run.claim.finish(RunStatus.SUCCEEDED, reason="early", artifacts=artifacts)
        return deliver(run, content, files, artifacts)

    report_mailing.mail_report = finish_then_deliver


def _swallow_unreached() -> None:
    """Who could not be told is passed over, and the run calls itself a success."""
    from dataclasses import replace

    from salesflow.jobs import mailing

    send = mailing.send_to_all
    mailing.send_to_all = lambda *args: replace(send(*args), unreached={})


_BREAKS: dict[str, Break] = {
    "no claim": _no_claim,
    "no record per recipient": _no_record_per_recipient,
    "save after mail": _save_after_mail,
    "record before mail": _record_before_mail,
    "swallow who was not reached": _swallow_unreached,
}
