"""The mail of a report: with its files, or without them where they would be too large or are not wanted."""

from salesflow.analytics.results import ReportContent
from salesflow.delivery.mail import MAX_ENCODED_BYTES, Attachment, Mail, encoded_size
from salesflow.figures import Figures, Kind
from salesflow.formats import Format
from salesflow.job_events import ReportFields
from salesflow.jobs.frame import Run
from salesflow.jobs.mailing import mail_of, tell
from salesflow.jobs.recipients import recipients_for
from salesflow.ledger import Artifact
from salesflow.mail_address import mailbox
from salesflow.observability import logger
from salesflow.reports.mail import compose_report_mail
from salesflow.settings import MailContent


def mail_report(
    run: Run[ReportFields], content: ReportContent, files: dict[Format, bytes], artifacts: tuple[Artifact, ...]
) -> tuple[tuple[str, ...], list[str]]:
    """Mail whom the event says; who was told, and what kept others from being told for good."""
    fields, settings = run.request.fields, run.runtime.settings
    recipients = recipients_for(fields.notify, settings, settings.report_recipients)
    if fields.to:
        wanted = set(map(mailbox, fields.to))
        recipients = tuple(address for address in recipients if mailbox(address) in wanted)
    return tell(run, _mail(run, content, files, artifacts), recipients) if recipients else ((), [])


def _mail(
    run: Run[ReportFields], content: ReportContent, files: dict[Format, bytes], artifacts: tuple[Artifact, ...]
) -> Mail:
    if run.runtime.settings.mail_content is not MailContent.FULL:
        return _composed(run, content, artifacts, (), ())
    attachments = tuple(
        Attachment(artifact.key.rpartition("/")[2], Format(artifact.format).media_type, files[Format(artifact.format)])
        for artifact in artifacts
    )
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
) -> Mail:
    settings = run.runtime.settings
    text = compose_report_mail(
        content,
        mode=settings.mail_content.value,
        attached=[attachment.filename for attachment in attachments],
        left_out=left_out,
        locations=[f"s3://{artifact.bucket}/{artifact.key}" for artifact in artifacts],
        reference=run.claim.reference,
        run_id=run.claim.run_id,
        reply_to=settings.reply_to,
        language=settings.language_code,
    )
    return mail_of(run, text, attachments)
