"""A stack with `main` and eight other shops in five zones, currencies and languages has a night. A hundred have one in `make reliability`."""

import itertools
import re
from collections.abc import Iterator

import pytest

from tests.reliability.night import BUSINESS_DATE, Kept, Night, night

BAD = ("hangs", "has a row that cannot be used", "has no token")


@pytest.fixture(scope="module")
def over() -> Iterator[Night]:
    with night(8, BAD, schedules=["scheduled-sales-pdf"], patience=5) as done:
        yield done


def folder(shop: Kept) -> str:
    return f"shops/{shop.id}/reports/sales/daily/{BUSINESS_DATE}"


def test_each_good_shop_s_reports_are_there_once_right_and_her_own_and_of_the_bad_ones_there_is_nothing(
    over: Night,
) -> None:
    assert [str(finding) for finding in over.findings()] == []
    good = [one for one in over.shops if not one.wrong]
    assert (
        len({one.zone.key for one in good})
        == len({one.currency for one in good})
        == len({one.language for one in good})
        == 5
    )
    assert [one.wrong for one in over.shops if one.wrong] == list(BAD)
    assert len(over.firings) == len(over.shops)


def test_each_shop_s_words_are_her_own(over: Night) -> None:
    mails = {mail.recipients[0]: mail for mail in over.running.cloud.aws.mails()}
    for one in over.shops[1:6]:
        assert f"Shop {one.id}" in mails[one.reader].message["From"]
    parts = {one.language: mails[one.reader].message.get_body(("plain",)) for one in over.shops[1:6]}
    bodies = {language: part.get_content() for language, part in parts.items() if part is not None}
    labels = {
        language: set(re.findall(r"^([^\d\n]+?) ?[:：]", body, re.MULTILINE)) for language, body in bodies.items()
    }
    assert len(labels) == 5
    assert min(map(len, labels.values())) >= 5, labels
    for hers, others in itertools.combinations(labels.values(), 2):
        assert len(hers & others) < len(hers) / 3


def test_what_lies_with_another_shop_is_found(over: Night) -> None:
    """The night's own judge: what it is to find is done to what the night has left."""
    s3, bucket = over.running.cloud.aws.client("s3"), over.stack.bucket
    one, other = over.shops[1], over.shops[2]
    s3.copy_object(
        Bucket=bucket, Key=f"{folder(one)}/manifest.json", CopySource=f"{bucket}/{folder(other)}/manifest.json"
    )
    s3.put_object(Bucket=bucket, Key="shops/nobody/reports/x.pdf", Body=b"x")
    s3.delete_object(Bucket=bucket, Key=f"{folder(over.shops[3])}/sales-daily-{BUSINESS_DATE}.pdf")
    found = {(finding.kind, finding.where) for finding in over.findings()}
    assert {("leaked", one.id), ("leaked", "shops/nobody/reports/x.pdf"), ("lost", over.shops[3].id)} <= found
    assert other.id not in {where for _, where in found}
