"""Mails that SES takes can be read back as a mail client would get them."""

import email.policy
from email.message import EmailMessage

from local.cloud import LocalCloud


def test_a_simple_mail_comes_back_with_bodies_headers_and_attachment(cloud: LocalCloud) -> None:
    answer = cloud.aws.client("sesv2").send_email(
        FromEmailAddress="reports@example.com",
        Destination={"ToAddresses": ["owner@example.com"], "BccAddresses": ["archive@example.com"]},
        ConfigurationSetName="probe-mail",
        Content={
            "Simple": {
                "Subject": {"Data": "销售日报 – été"},
                "Headers": [{"Name": "X-Reference", "Value": "r-1"}],
                "Body": {"Text": {"Data": "total: 12,50 €"}, "Html": {"Data": "<p>total: <b>12,50 €</b></p>"}},
                "Attachments": [{"FileName": "sales.csv", "RawContent": b"a,b\n1,2\n", "ContentType": "text/csv"}],
            }
        },
    )
    mail = next(m for m in cloud.aws.mails() if m.message_id == answer["MessageId"])
    assert mail.recipients == ("owner@example.com", "archive@example.com")
    assert mail.subject == "销售日报 – été"
    assert mail.configuration_set == "probe-mail"
    message = mail.message
    assert message["To"] == "owner@example.com"
    assert message["X-Reference"] == "r-1"
    assert "archive@example.com" not in mail.content.decode()
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().strip() == "total: 12,50 €"
    assert "<b>" in html.get_content()
    (attachment,) = message.iter_attachments()
    assert (attachment.get_filename(), attachment.get_content()) == ("sales.csv", "a,b\n1,2\n")


def test_a_raw_mail_comes_back_byte_for_byte(cloud: LocalCloud) -> None:
    raw = EmailMessage(policy=email.policy.SMTP)
    raw["From"], raw["To"], raw["Subject"] = "reports@example.com", "owner@example.com", "raw"
    raw.set_content("hello")
    cloud.aws.client("sesv2").send_email(
        FromEmailAddress="reports@example.com",
        Destination={"ToAddresses": ["owner@example.com"]},
        Content={"Raw": {"Data": raw.as_bytes()}},
    )
    assert cloud.aws.mails()[-1].content == raw.as_bytes()


def test_a_mail_that_ses_refuses_is_not_kept(cloud: LocalCloud) -> None:
    ses = cloud.aws.client("sesv2")
    before = len(cloud.aws.mails())
    content = {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}}
    for sender in ("stranger@example.org",):
        try:
            ses.send_email(FromEmailAddress=sender, Destination={"ToAddresses": ["o@example.com"]}, Content=content)
        except ses.exceptions.MessageRejected:
            continue
        raise AssertionError("a sender that is not verified was taken")
    assert len(cloud.aws.mails()) == before
