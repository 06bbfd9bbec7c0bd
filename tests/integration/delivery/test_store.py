"""What lies in the bucket after a save, also when something goes wrong or somebody else saves at the same time."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest

from salesflow import clock
from salesflow.aws import AwsClients
from salesflow.delivery.fencing import ReportOvertaken
from salesflow.delivery.store import ReportNotSaved, ReportStore
from salesflow.errors import ArtifactDamaged, ClaimLost
from salesflow.formats import Format, ReportType
from salesflow.ledger import Artifact, Fence, SavedFile
from salesflow.windows import Period
from tests.integration.delivery.files import excel, pdf
from tests.stand_ins.aws import Answer, Wire, calls
from tests.stand_ins.clocks import HandClock

DATE = date(2026, 11, 22)
NEXT_DATE = date(2026, 11, 23)
FOLDER = "reports/sales/daily/2026-11-22/"
PDF_KEY = FOLDER + "sales-daily-2026-11-22.pdf"
EXCEL_KEY = FOLDER + "sales-daily-2026-11-22.xlsx"
MANIFEST_KEY = FOLDER + "manifest.json"
LATEST_KEY = "reports/latest/sales-daily.pdf"

type Save = Callable[..., tuple[Artifact, ...]]


def claimed(identity: str = "report/sales/daily/pdf", on: date = DATE, **changes: Any) -> Fence:
    """The claim that a run saves under, made now."""
    return replace(Fence(identity, on, attempt=1, claimed_at=clock.now()), **changes)


@pytest.fixture
def store(clients: AwsClients, bucket: str) -> ReportStore:
    return ReportStore(clients.s3, bucket)


@pytest.fixture
def save(store: ReportStore) -> Save:
    times = count()

    def saving(
        files: dict[Format, bytes], *, on: date = DATE, fence: Fence | None = None, **manifest: Any
    ) -> tuple[Artifact, ...]:
        saved = store.save(
            report_type=ReportType.SALES,
            period=Period.DAILY,
            business_date=on,
            files=files,
            manifest={"sales_rows": 7, "timezone": "Asia/Shanghai"} | manifest,
            fence=fence or claimed(f"report/sales/daily/{'+'.join(sorted(files))}", on, attempt=next(times) + 1),
        )
        return tuple(file.artifact for file in saved)

    return saving


@pytest.fixture
def manifest(store: ReportStore) -> Callable[[], dict[str, Any]]:
    return lambda: json.loads(store.read(MANIFEST_KEY) or b"null")


def sha256(data: bytes | None) -> str:
    assert data is not None
    return hashlib.sha256(data).hexdigest()


def writes(wire: Wire) -> list[str]:
    return [operation.removeprefix("PUT ") for operation in wire.operations() if operation.startswith("PUT report")]


def test_a_report_lies_under_the_contracts_keys(
    save: Save, store: ReportStore, clients: AwsClients, bucket: str, manifest: Callable[[], dict[str, Any]]
) -> None:
    data = {Format.PDF: pdf("one"), Format.EXCEL: excel("one")}
    artifacts = save(data, data_as_of=date(2026, 11, 22))
    assert artifacts == (
        Artifact("pdf", bucket, PDF_KEY, len(data[Format.PDF]), sha256(data[Format.PDF])),
        Artifact("excel", bucket, EXCEL_KEY, len(data[Format.EXCEL]), sha256(data[Format.EXCEL])),
    )
    assert store.read(PDF_KEY) == data[Format.PDF] == store.read(LATEST_KEY)
    assert store.read("reports/latest/sales-daily.xlsx") == data[Format.EXCEL]
    stored = clients.s3.head_object(Bucket=bucket, Key=PDF_KEY, ChecksumMode="ENABLED")
    assert stored["ContentType"] == "application/pdf"
    assert base64.b64decode(stored["ChecksumSHA256"]).hex() == artifacts[0].sha256
    assert stored["Metadata"]["business-date"] == "2026-11-22"
    inputs = {"sales_rows": 7, "timezone": "Asia/Shanghai", "data_as_of": "2026-11-22"}
    assert manifest() == {
        "report_type": "sales",
        "period": "daily",
        "business_date": "2026-11-22",
        **inputs,
        "files": {
            "pdf": {
                "key": PDF_KEY,
                "bytes": len(data[Format.PDF]),
                "sha256": artifacts[0].sha256,
                "media_type": "application/pdf",
                "inputs": inputs,
            },
            "excel": {
                "key": EXCEL_KEY,
                "bytes": len(data[Format.EXCEL]),
                "sha256": artifacts[1].sha256,
                "media_type": Format.EXCEL.media_type,
                "inputs": inputs,
            },
        },
    }


def test_files_come_first_then_the_manifest_then_latest(save: Save, wire: Wire) -> None:
    wire.reset()
    save({Format.PDF: pdf("one"), Format.EXCEL: excel("one")})
    assert writes(wire) == [PDF_KEY, EXCEL_KEY, MANIFEST_KEY, LATEST_KEY, "reports/latest/sales-daily.xlsx"]
    before_manifest = wire.operations()[: wire.operations().index(f"PUT {MANIFEST_KEY}")]
    assert f"GET {PDF_KEY}" in before_manifest
    assert f"GET {EXCEL_KEY}" in before_manifest


def test_saving_the_same_again_writes_nothing(save: Save, wire: Wire) -> None:
    first = save({Format.PDF: pdf("one")})
    wire.reset()
    assert save({Format.PDF: pdf("one")}) == first
    assert writes(wire) == []


def test_other_formats_of_another_run_stay_listed_with_their_inputs(
    save: Save, manifest: Callable[[], dict[str, Any]]
) -> None:
    save({Format.PDF: pdf("one")}, sales_rows=7)
    save({Format.EXCEL: excel("two")}, sales_rows=8)
    assert {name: entry["inputs"]["sales_rows"] for name, entry in manifest()["files"].items()} == {
        "pdf": 7,
        "excel": 8,
    }
    save({Format.PDF: pdf("two")}, sales_rows=8)
    assert {name: entry["inputs"]["sales_rows"] for name, entry in manifest()["files"].items()} == {
        "pdf": 8,
        "excel": 8,
    }
    assert manifest()["files"]["pdf"]["sha256"] == sha256(pdf("two"))


def test_latest_never_goes_back_to_an_older_date(save: Save, store: ReportStore) -> None:
    save({Format.PDF: pdf("today")}, on=DATE)
    save({Format.PDF: pdf("yesterday")}, on=date(2026, 11, 21))
    assert store.read(LATEST_KEY) == pdf("today")
    save({Format.PDF: pdf("today, corrected")}, on=DATE)
    assert store.read(LATEST_KEY) == pdf("today, corrected")
    save({Format.PDF: pdf("tomorrow")}, on=NEXT_DATE)
    assert store.read(LATEST_KEY) == pdf("tomorrow")


@pytest.mark.parametrize("already_there", [False, True])
def test_a_newer_date_saved_in_the_same_moment_stays_latest(
    save: Save, store: ReportStore, wire: Wire, already_there: bool
) -> None:
    if already_there:
        save({Format.PDF: pdf("day before")}, on=date(2026, 11, 21))
    wire.meanwhile(calls(f"PUT {LATEST_KEY}"), lambda: save({Format.PDF: pdf("tomorrow")}, on=NEXT_DATE))
    save({Format.PDF: pdf("today")})
    assert store.read(LATEST_KEY) == pdf("tomorrow")
    assert store.read(PDF_KEY) == pdf("today")


@pytest.mark.parametrize("already_there", [False, True])
def test_two_runs_of_other_formats_in_the_same_moment_are_both_listed(
    save: Save, wire: Wire, manifest: Callable[[], dict[str, Any]], already_there: bool
) -> None:
    if already_there:
        save({Format.PDF: pdf("before")})
    wire.meanwhile(calls(f"PUT {MANIFEST_KEY}"), lambda: save({Format.EXCEL: excel("other")}))
    save({Format.PDF: pdf("one")})
    assert {name: entry["sha256"] for name, entry in manifest()["files"].items()} == {
        "pdf": sha256(pdf("one")),
        "excel": sha256(excel("other")),
    }


@pytest.mark.parametrize(
    "moment", [f"GET {MANIFEST_KEY}", f"PUT {MANIFEST_KEY}", f"HEAD {LATEST_KEY}", f"PUT {LATEST_KEY}"]
)
def test_a_file_replaced_by_another_run_is_listed_and_latest_as_it_is(
    save: Save, store: ReportStore, wire: Wire, manifest: Callable[[], dict[str, Any]], moment: str
) -> None:
    ours, other = claimed(), claimed("report/sales/daily/csv+pdf")
    wire.meanwhile(calls(moment), lambda: save({Format.PDF: pdf("the other's")}, fence=other))
    save({Format.PDF: pdf("ours")}, fence=ours)
    assert store.read(PDF_KEY) == pdf("the other's")
    assert manifest()["files"]["pdf"]["sha256"] == sha256(pdf("the other's"))
    assert store.read(LATEST_KEY) == pdf("the other's")


@pytest.mark.parametrize("already_there", [False, True])
@pytest.mark.parametrize("moment", [f"PUT {key}" for key in (PDF_KEY, MANIFEST_KEY, LATEST_KEY)])
def test_a_late_run_overwrites_nothing_of_the_run_that_overtook_it(
    save: Save,
    store: ReportStore,
    wire: Wire,
    manifest: Callable[[], dict[str, Any]],
    moment: str,
    already_there: bool,
) -> None:
    if already_there:
        save({Format.PDF: pdf("of an edition before")}, sales_rows=5)
    first, second = claimed(attempt=8), claimed(attempt=9, overtakes=True)
    corrected = {Format.PDF: pdf("corrected")}
    wire.meanwhile(calls(moment), lambda: save(corrected, fence=second, sales_rows=9))
    with pytest.raises(ClaimLost, match="overtook"):
        save({Format.PDF: pdf("late")}, fence=first, sales_rows=7)
    assert store.read(PDF_KEY) == store.read(LATEST_KEY) == corrected[Format.PDF]
    assert (manifest()["sales_rows"], manifest()["files"]["pdf"]["sha256"]) == (9, sha256(corrected[Format.PDF]))


def test_a_run_that_overtook_another_puts_its_claim_on_what_is_right_already(save: Save, store: ReportStore) -> None:
    same = {Format.PDF: pdf("the same figures")}
    save(same, fence=claimed(attempt=1))
    save(same, fence=claimed(attempt=3, overtakes=True))
    with pytest.raises(ClaimLost):
        save({Format.PDF: pdf("late")}, fence=claimed(attempt=2))
    assert store.read(PDF_KEY) == store.read(LATEST_KEY) == same[Format.PDF]


def test_a_late_run_of_other_work_puts_no_older_figures_over_newer_ones(
    save: Save, store: ReportStore, hand_clock: HandClock
) -> None:
    late = claimed("report/sales/daily/csv+pdf")
    hand_clock.advance(minutes=20)
    save({Format.PDF: pdf("newer")}, fence=claimed())
    with pytest.raises(ReportOvertaken, match=PDF_KEY):
        save({Format.PDF: pdf("older")}, fence=late)
    assert store.read(PDF_KEY) == store.read(LATEST_KEY) == pdf("newer")
    save({Format.PDF: pdf("newer")}, fence=late)  # the same figures do no harm


def test_what_tomorrow_wrote_and_what_an_older_table_counted_is_not_in_the_way(
    save: Save, store: ReportStore, hand_clock: HandClock
) -> None:
    tomorrow = claimed("report/sales/daily/csv+pdf", claimed_at=hand_clock.now() + timedelta(days=30))
    save({Format.PDF: pdf("of a clock that is ahead")}, fence=tomorrow)
    save({Format.PDF: pdf("right")}, fence=claimed(attempt=7))
    hand_clock.advance(days=2)
    save({Format.PDF: pdf("with a new table")}, fence=claimed(attempt=1))
    assert store.read(PDF_KEY) == store.read(LATEST_KEY) == pdf("with a new table")


def test_what_version_1_0_0_wrote_counts_as_the_oldest(
    save: Save, store: ReportStore, clients: AwsClients, bucket: str, manifest: Callable[[], dict[str, Any]]
) -> None:
    for key in (PDF_KEY, LATEST_KEY, MANIFEST_KEY):
        body = b'{"files": {}}' if key == MANIFEST_KEY else pdf("old")
        clients.s3.put_object(Bucket=bucket, Key=key, Body=body, Metadata={"business-date": DATE.isoformat()})
    save({Format.PDF: pdf("new")}, fence=claimed(attempt=1))
    assert store.read(PDF_KEY) == store.read(LATEST_KEY) == pdf("new")
    assert set(manifest()["files"]) == {"pdf"}


def test_a_file_is_read_back_as_it_was_saved_whatever_came_after(
    store: ReportStore, save: Save, clients: AwsClients, bucket: str
) -> None:
    clients.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first, second = pdf("first"), pdf("second")
    (kept,) = store.save(
        report_type=ReportType.SALES,
        period=Period.DAILY,
        business_date=DATE,
        files={Format.PDF: first},
        manifest={},
        fence=claimed(),
    )
    save({Format.PDF: second}, fence=claimed(attempt=2))
    assert store.read(PDF_KEY) == second
    assert store.read_saved(kept) == first
    clients.s3.delete_object(Bucket=bucket, Key=PDF_KEY, VersionId=kept.version)
    assert store.read_saved(kept) is None
    assert store.read_saved(SavedFile(kept.artifact, "")) is None


def flip(answer: Answer) -> None:
    answer.body = answer.body[:-10] + bytes([answer.body[-10] ^ 1]) + answer.body[-9:]


def flip_unnoticed_by_the_sdk(answer: Answer) -> None:
    flip(answer)
    answer.headers = [(name, value) for name, value in answer.headers if not name.lower().startswith("x-amz-checksum")]


def halve(answer: Answer) -> None:
    answer.body = answer.body[: len(answer.body) // 2]


def halve_unnoticed_by_the_sdk(answer: Answer) -> None:
    halve(answer)
    dropped = ("x-amz-checksum", "content-length")
    answer.headers = [(name, value) for name, value in answer.headers if not name.lower().startswith(dropped)]


@pytest.mark.parametrize("damage", [flip, flip_unnoticed_by_the_sdk, halve, halve_unnoticed_by_the_sdk])
def test_what_does_not_come_back_as_written_is_not_listed(
    save: Save, store: ReportStore, wire: Wire, damage: Callable[[Answer], None]
) -> None:
    wire.alter(calls(f"GET {PDF_KEY}"), damage, times=2)
    with pytest.raises(ArtifactDamaged, match=PDF_KEY):
        save({Format.PDF: pdf("one")})
    assert store.read(MANIFEST_KEY) is None
    assert store.read(LATEST_KEY) is None
    save({Format.PDF: pdf("one")})
    assert store.read(LATEST_KEY) == pdf("one")


@pytest.mark.parametrize("damage", [flip, halve])
def test_one_bad_reading_is_read_again(save: Save, wire: Wire, damage: Callable[[Answer], None]) -> None:
    wire.alter(calls(f"GET {PDF_KEY}"), damage, times=1)
    assert len(save({Format.PDF: pdf("one")})) == 1


def test_a_file_damaged_since_it_was_saved_is_written_again(save: Save, wire: Wire) -> None:
    save({Format.PDF: pdf("one")})
    wire.reset()
    wire.alter(calls(f"GET {PDF_KEY}"), flip_unnoticed_by_the_sdk, times=1)
    save({Format.PDF: pdf("one")})
    assert writes(wire) == [PDF_KEY]


def test_a_file_that_does_not_open_is_never_written(save: Save, wire: Wire) -> None:
    with pytest.raises(ArtifactDamaged):
        save({Format.EXCEL: excel("one"), Format.PDF: b"%PDF-1.4 this is none"})
    assert writes(wire) == []


@pytest.mark.parametrize("key", [PDF_KEY, MANIFEST_KEY, LATEST_KEY])
def test_denied_writes_say_which_key_and_what_to_do(save: Save, wire: Wire, key: str) -> None:
    wire.refuse(calls(f"PUT {key}"), 403, "AccessDenied", "not authorized to perform: s3:PutObject")
    with pytest.raises(ReportNotSaved, match=rf"{key}.*s3:PutObject.*role"):
        save({Format.PDF: pdf("one")})


def test_s3_failing_for_a_moment_is_no_failure(save: Save, store: ReportStore, wire: Wire) -> None:
    for operation in (f"PUT {PDF_KEY}", f"GET {PDF_KEY}", f"PUT {MANIFEST_KEY}", f"PUT {LATEST_KEY}"):
        wire.refuse(calls(operation), 503, "SlowDown")
    save({Format.PDF: pdf("one")})
    assert store.read(LATEST_KEY) == pdf("one")


@pytest.mark.parametrize("key", [MANIFEST_KEY, LATEST_KEY])
def test_a_conditional_write_whose_answer_was_lost_counts(save: Save, store: ReportStore, wire: Wire, key: str) -> None:
    wire.cut_after(calls(f"PUT {key}"))
    save({Format.PDF: pdf("one")})
    assert store.read(LATEST_KEY) == pdf("one")
    assert store.read(MANIFEST_KEY) is not None


def test_a_broken_manifest_is_replaced(
    save: Save, clients: AwsClients, bucket: str, manifest: Callable[[], dict[str, Any]]
) -> None:
    clients.s3.put_object(Bucket=bucket, Key=MANIFEST_KEY, Body=b"{broken")
    save({Format.PDF: pdf("one")})
    assert set(manifest()["files"]) == {"pdf"}


def test_a_manifest_may_not_name_what_the_store_writes(save: Save, wire: Wire) -> None:
    with pytest.raises(ValueError, match="business_date"):
        save({Format.PDF: pdf("one")}, business_date="another")
    assert writes(wire) == []
