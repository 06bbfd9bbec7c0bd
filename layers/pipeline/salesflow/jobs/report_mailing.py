"""The mail of a report: with its files, or without them where they would be too large or are not wanted."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from salesflow.analytics.results import ReportContent
from salesflow.delivery.message import MAX_ENCODED_BYTES, Attachment, Message, encoded_size
from salesflow.errors import EditionLost
from salesflow.figures import Figures, Kind
from salesflow.formats import Format
from salesflow.gist import Gist
from salesflow.job_events import ReportFields
from salesflow.jobs.frame import Run
from salesflow.jobs.mailing import Places, mail_of
from salesflow.jobs.recipients import recipients_of
from salesflow.ledger import Artifact, Edition, SavedFile
from salesflow.links.things import LIBRARY, MailList, file_thing, mails_thing
from salesflow.observability import logger
from salesflow.reports.mail import MailLinks, compose_report_mail


@dataclass(frozen=True, slots=True)
class MadeReport:
    """A report that is saved: its files, the mail that brings it, what keeps it from being whole, and what it says of itself."""

    artifacts: tuple[Artifact, ...]
    mail: Message
    problems: tuple[str, ...]
    details: Mapping[str, Any]


def keep_report(
    run: Run[ReportFields],
    content: ReportContent,
    files: Mapping[Format, bytes],
    saved: tuple[SavedFile, ...],
    problems: list[str],
    details: Mapping[str, Any],
) -> MadeReport:
    """Write the mail of a report that was just saved, and keep both: whoever is told of this edition later gets the same."""
    artifacts = tuple(file.artifact for file in saved)
    mail = _mail(run, content, files, saved)
    run.claim.save_edition(
        Edition(
            saved,
            {
                "subject": mail.subject,
                "text": mail.text,
                "html": mail.html,
                "language": mail.headers["Content-Language"],
                "attached": bool(mail.attachments),
                "shop": content.shop,
                "links": dict(mail.links),
                "gist": mail.gist.as_dict() if mail.gist is not None else None,
                "problems": problems,
                "details": details,
            },
        )
    )
    return MadeReport(artifacts, mail, tuple(problems), details)


def kept_report(run: Run[ReportFields]) -> MadeReport | None:
    """The report that a run before this one saved for the edition, read back; None where it is to be made.

    Raises EditionLost where its files are gone and a part of the readers has got them.
    """
    edition = run.claim.saved_edition(recipients_of(run.request.fields, run.runtime.settings))
    if edition is None:
        return None
    kept = edition.document
    attachments = []
    for file in edition.files if kept["attached"] else ():
        data = run.runtime.store.read_saved(file)
        if data is None:
            if not run.claim.told():
                return None
            raise EditionLost(
                f"{file.artifact.key} is not there any more as it was saved for {run.claim.reference}, which a part of the "
                "readers has got.",
                action="Fire the job with force: all readers get the report of today, as an edition of its own.",
            )
        attachments.append(_attachment(file, data, kept.get("shop", "")))
    logger.info("the edition is gone on with as it was saved", edition=run.claim.edition)
    mail = Message(
        kept["subject"],
        kept["text"],
        kept["html"],
        tuple(attachments),
        {"Content-Language": kept["language"]},
        MailList.REPORTS,
        kept.get("links", {}),
        Gist.from_dict(kept["gist"]) if kept.get("gist") else None,
    )
    return MadeReport(edition.artifacts, mail, tuple(kept["problems"]), kept["details"])


def _attachment(saved: SavedFile, data: bytes, shop: str) -> Attachment:
    """The file under the name that it has in the bucket, with the shop's before it, as far as that is written in Latin letters."""
    plain = unicodedata.normalize("NFKD", shop).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    file = saved.artifact.key.rpartition("/")[2]
    return Attachment(f"{name}-{file}" if name else file, Format(saved.artifact.format).media_type, data, saved)


def _mail(
    run: Run[ReportFields], content: ReportContent, files: Mapping[Format, bytes], saved: tuple[SavedFile, ...]
) -> Message:
    artifacts = tuple(file.artifact for file in saved)
    if run.runtime.settings.mail_content != "full":
        return _composed(run, content, artifacts, (), ())
    attachments = tuple(_attachment(file, files[Format(file.artifact.format)], content.shop) for file in saved)
    mail = _composed(run, content, artifacts, attachments, ())
    if encoded_size(mail) <= MAX_ENCODED_BYTES:
        return mail
    logger.warning("attachments left out of the mail", encoded_bytes=encoded_size(mail))
    figures = Figures(run.runtime.settings.currency, run.runtime.settings.language_code)
    _ = figures.words
    too_large = tuple(
        _(
            "{file} ({size} MB, too large for a mail)",
            file=attachment.filename,
            size=figures.show(Kind.DECIMAL, len(attachment.data) / 1e6),
        )
        for attachment in attachments
    )
    return _composed(run, content, artifacts, (), too_large)


def _composed(
    run: Run[ReportFields],
    content: ReportContent,
    artifacts: tuple[Artifact, ...],
    attachments: tuple[Attachment, ...],
    left_out: tuple[str, ...],
) -> Message:
    settings, places = run.runtime.settings, Places(run.claim.run_id)
    links = MailLinks()
    if run.runtime.links is not None:
        own = run.runtime.store.own
        files = tuple((Format(one.format).label, places.of(file_thing(own(one.key)))) for one in artifacts)
        links = MailLinks(files, places.of(LIBRARY), places.of(mails_thing(MailList.REPORTS)))
    text = compose_report_mail(
        content,
        mode=settings.mail_content,
        attached=[attachment.filename for attachment in attachments],
        left_out=left_out,
        locations=[f"s3://{artifact.bucket}/{artifact.key}" for artifact in artifacts],
        reference=run.claim.reference,
        run_id=run.claim.run_id,
        reply_to=settings.reply_to,
        language=settings.language_code,
        links=links,
    )
    return mail_of(run, text, MailList.REPORTS, attachments, places)
