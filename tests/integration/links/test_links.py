"""From the mail to the report, to quiet, to stop and back; and the next runs obey."""

import json
from collections.abc import Iterator

import pytest

from tests.integration.links.running import NAME, READER, STOP, WHY, Linked, linked_shop, links_of


@pytest.fixture(scope="module")
def linked() -> Iterator[Linked]:
    """A shop whose mails hold links."""
    with linked_shop() as running:
        yield running


def test_the_mail_opens_its_files_and_the_page_of_all_reports(linked: Linked) -> None:
    report, _alert = linked.mails()
    links = links_of(report)
    assert "s3://" not in report.content.decode()
    for label, begins in (("Open the PDF", b"%PDF"), ("Open the HTML", b"<!doctype html>")):
        sent_on = linked.ask("GET", links[label])
        assert sent_on.status == 303
        assert "X-Amz-Expires=900" in sent_on.headers["Location"]
        assert linked.http.request("GET", sent_on.headers["Location"]).data.lower().startswith(begins.lower())
    library = linked.ask("GET", links["All reports"])
    assert library.status == 200
    assert "sales/daily/2026-06-30/sales-daily-2026-06-30.pdf" in library.body
    below = linked.ask("GET", links["All reports"] + "sales/daily/2026-06-30/sales-daily-2026-06-30.pdf")
    assert below.status == 303
    assert linked.ask("GET", links["All reports"] + "..%2f..%2fhistory/daily/2026-06.csv.gz").status == 404


def test_a_page_runs_nothing_keeps_nothing_and_is_kept_by_nobody(linked: Linked) -> None:
    _report, alert = linked.mails()
    page = linked.ask("GET", links_of(alert)[WHY])
    assert page.status == 200
    assert NAME in page.body
    assert "usual" in page.body
    assert "<script" not in page.body
    assert "Set-Cookie" not in page.headers
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in page.headers["X-Robots-Tag"]


def test_quiet_is_the_mute_that_an_operator_sets_and_ends_as_it_does(linked: Linked) -> None:
    _report, alert = linked.mails()
    address = links_of(alert)[WHY]
    for method in ("GET", "HEAD", "GET"):
        assert linked.ask(method, address, "do=quiet").status == 200
    assert linked.rows("alert#mute") == [], "looking changes nothing"
    quiet = linked.ask("POST", address, "do=quiet")
    assert "Nothing is mailed about it until" in quiet.body
    (mute,) = linked.rows("alert#mute")
    assert mute["sk"]["S"] == mute["subject"]["S"] == "shop"
    for_good = linked.ask("POST", address, "do=quiet-for-good")
    assert "Nothing is mailed about it." in for_good.body
    (mute,) = linked.rows("alert#mute")
    assert mute["until"]["S"] == "9999-12-31"
    checked = linked.fire("AnomalyCheckFunction", scope="GLOBAL", force=True)
    key = checked["artifacts"][0]["key"]
    bucket = linked.shop.cloud.stack.outputs["ReportsBucketName"]
    body = linked.shop.cloud.aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert all(found["muted"] for found in json.loads(body)["findings"] if found["event"]["sku"] is None)
    told = linked.ask("POST", address, "do=tell")
    assert "Quiet for two weeks" in told.body
    (mute,) = linked.rows("alert#mute")
    assert mute["until"]["S"] == "0001-01-01"


def test_one_click_stops_a_list_the_next_run_obeys_and_the_page_takes_it_up_again(linked: Linked) -> None:
    report = linked.mails()[0]
    assert report.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    one_click = report.message["List-Unsubscribe"].partition(">")[0].lstrip("<")
    assert linked.ask("GET", one_click).status == 200
    assert linked.stopped() == [], "a scanner that follows the link stops nothing"
    stopped = linked.ask("POST", one_click, "List-Unsubscribe=One-Click")
    assert stopped.status == 200, "RFC 8058: no redirect"
    assert "You get no reports by mail any more." in stopped.body
    assert READER not in stopped.body
    assert linked.stopped() == [["reports"]]
    before = len(linked.mails())
    run = linked.fire("ReportFunction", report_type="sales", formats=["pdf"], force=True)
    assert run["status"] == "SUCCEEDED", run
    assert "1 of the recipients stopped these mails" in run["reason"]
    assert READER not in run["notified"]
    assert len(run["notified"]) == 1
    assert len(linked.mails()) == before
    alerts = links_of(linked.mails()[1])[STOP]
    assert "You get alerts by mail." in linked.ask("GET", alerts).body, "the other list goes on"
    again = linked.ask("POST", links_of(report)[STOP], "do=take-up-reports")
    assert "You get reports by mail." in again.body
    run = linked.fire("ReportFunction", report_type="sales", formats=["pdf"], force=True)
    assert READER in run["notified"]
    assert len(linked.mails()) == before + 1


def test_every_use_stands_in_the_ledger_without_an_address_and_no_token_in_any_log(linked: Linked) -> None:
    uses = linked.rows("link")
    assert {row["deed"]["S"] for row in uses} >= {"open", "why", "mails", "quiet", "quiet-for-good", "tell", "stop"}
    text = json.dumps(uses)
    assert "@" not in text
    token = links_of(linked.mails()[0])["Open the PDF"].rpartition("/")[2]
    assert token not in text


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_whatever_is_wrong_the_answer_is_the_same(linked: Linked, method: str) -> None:
    links = links_of(linked.mails()[0])
    good = links["Open the PDF"]
    base, _, token = good.rpartition("/")
    key, said, signature = token.split(".")
    altered = [
        f"{base}/",
        f"{base}/favicon.ico",
        f"{base}/{key}.{said}.{signature[:-1]}{'Q' if signature.endswith('A') else 'A'}",
        f"{base}/{key}.{said[:-1]}.{signature}",
        f"{base}/{key}.{said}",
        f"{base}/{token}/sales/daily/2026-06-30/sales-daily-2026-06-30.pdf",
        f"{base}/{token}%0d%0aSet-Cookie:x",
        f"{base}/{'A' * 5000}",
    ]
    answers = [linked.ask(method, address) for address in altered]
    assert {(a.status, a.body) for a in answers} == {(404, answers[0].body)}
    assert NAME not in answers[0].body
    assert not any("Location" in a.headers or "Set-Cookie" in a.headers for a in answers)
