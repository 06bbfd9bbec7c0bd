"""The anomaly check through the function's own handler: what is found, told once, saved and recorded."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from msgspec import structs

from local.api import SalesStore, Surprise, sample_sales
from salesflow.alerts.book import AlertBook
from salesflow.detection import UnknownProduct
from salesflow.errors import DeliveryIncomplete
from salesflow.rows import Rows
from tests.integration.jobs.conftest import OWNER, ROOT, Histories, System, settle, text_of
from tests.reliability.alert_year import resize
from tests.stand_ins.aws import Wire, calls
from tests.stand_ins.lambda_context import Context
from tests.stand_ins.shops import with_hostile_names

READER = "manager@shop.example.com"
LAST = date(2026, 11, 22)
SUNDAY = date(2026, 11, 15)
"""The week's deep read has been."""


@pytest.fixture(autouse=True)
def alert_settings(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """One reader of alerts, and an overlap that does not read more than it must."""
    monkeypatch.setenv("ALERT_RECIPIENTS", READER)
    monkeypatch.setenv("HISTORY_OVERLAP_DAYS", "1")
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")


@cache
def sample_shop(surprises: tuple[Surprise, ...], days: int) -> SalesStore:
    """The sample shop, made once; whoever changes it takes a copy."""
    return with_hostile_names(sample_sales(seed=11, end_date=LAST, days=days, surprises=surprises))


class Shop:
    """The shop's days one after the other: the server's clock stands at the morning after each."""

    def __init__(self, system: System, histories: Histories) -> None:
        self.system, self.histories = system, histories

    def serve(self, *surprises: Surprise, edit: Any = None, days: int = 140, known_to: date | None = None) -> None:
        """Serve the last days of the sample shop with these surprises; known_to: the history stands until then, before all of them."""
        store = self.system.api.store = sample_shop(surprises, days)
        if known_to is not None:
            self.system.api.clock = lambda: datetime.combine(known_to + timedelta(days=1), datetime.min.time())
            settle(self.system, self.histories, (surprises, days), known_to)
        if edit:
            self.system.api.store = edit(SalesStore(list(store.sales), store.products))

    def check(self, day: date, **fields: Any) -> dict[str, Any]:
        """Fire the check on the morning after a day, as its schedule does."""
        self.system.api.clock = lambda: datetime.combine(day + timedelta(days=1), datetime.min.time()).replace(hour=7)
        tick = {"schedule": "anomaly-check", "scheduled_time": f"{day}T22:40:00Z", **fields}
        return self.system.fire("anomaly_check", tick)

    def days(self, first: date, last: date, **fields: Any) -> list[dict[str, Any]]:
        """One check after the other."""
        return [self.check(first + timedelta(days=n), **fields) for n in range((last - first).days + 1)]


@pytest.fixture
def shop(system: System, histories: Histories) -> Shop:
    return Shop(system, histories)


def sized(store: SalesStore, first: date, *shares: float) -> SalesStore:
    """The shop with so many times the sales of some days in a row."""
    for number, share in enumerate(shares):
        resize(store, first + timedelta(days=number), share)
    return store


def without(store: SalesStore, day: date) -> SalesStore:
    """The shop without the sales of a day."""
    return SalesStore([sale for sale in store.sales if sale.sold_at.date() != day], store.products)


def subjects(system: System) -> list[str]:
    return [mail["Subject"].partition(" [")[0] for mail in system.mails()]


def test_a_slow_day_is_found_saved_explained_and_mailed_once(shop: Shop) -> None:
    day = date(2026, 11, 18)
    shop.serve(Surprise(day, 0.15), known_to=SUNDAY)
    answer = shop.check(day)
    assert (answer["status"], answer["notified"]) == ("SUCCEEDED", [READER])
    assert answer["business_date"] == day.isoformat()
    (artifact,) = answer["artifacts"]
    assert artifact["key"] == "anomalies/GLOBAL/2026-11-18.json"
    document = json.loads(shop.system.body(artifact["key"]))
    (mail,) = shop.system.mails()
    assert mail["To"] == READER
    assert mail["X-SalesFlow-Run-Id"] == answer["run_id"]
    said = text_of(mail)
    told = document["told"][0]
    assert said.splitlines()[0] == told["text"]
    assert "below a usual Wednesday" in told["text"]
    causes = told["event"]["causes"]
    for parts in ("products", "hours", "price_volume"):
        assert sum(part["amount"] for part in causes[parts]) == causes["difference"]
    assert answer["run_id"] in said
    assert artifact["key"] not in said  # an address of a bucket opens nothing on a phone
    again = shop.check(day)
    assert (again["status"], again["notified"]) == ("DUPLICATE", [])
    forced = shop.check(day, force=True)
    assert forced["status"] == "SUCCEEDED"
    assert forced["artifacts"] == answer["artifacts"]  # the same inputs, the same bytes
    assert len(shop.system.mails()) == 1  # a rerun of the same date mails nothing again
    products = shop.check(day, scope="PRODUCT")
    assert products["artifacts"][0]["key"] == "anomalies/PRODUCT/2026-11-18.json"
    assert len(shop.system.mails()) == 1  # the check of the whole shop told of its products already


def test_the_checks_of_the_shop_and_of_the_products_tell_nothing_twice_whichever_comes_first(shop: Shop) -> None:
    day = date(2026, 11, 18)
    shop.serve(Surprise(day, 0.15), Surprise(day + timedelta(days=1), 12.0, sku="RIZ-005"))
    told = [
        entry["alert"]
        for on, scopes in ((day, ("PRODUCT", "GLOBAL")), (day + timedelta(days=1), ("GLOBAL", "PRODUCT")))
        for scope in scopes
        for entry in shop.check(on, scope=scope)["told"]
        if entry["change"] == "opened"
    ]
    assert {"down|shop", "up|shop"} <= set(told)
    assert "up|sku:RIZ-005" not in told  # the shop's own finding explains it
    assert len(told) == len(set(told))


def test_an_event_is_told_at_its_start_and_when_worse_and_its_end_makes_no_mail_of_its_own(shop: Shop) -> None:
    first = date(2026, 11, 9)
    shop.serve(edit=lambda store: sized(store, first, 0.5, 0.5, 0.08), known_to=first - timedelta(days=1))
    answers = shop.days(first, first + timedelta(days=4))
    told = [entry for answer in answers for entry in answer["told"] if entry["alert"] == "down|shop"]
    assert [entry["change"] for entry in told] == ["opened", "worse"]
    assert "below usual" in subjects(shop.system)[0]
    assert len([subject for subject in subjects(shop.system) if subject.startswith("Worse: ")]) == 1


def test_a_first_deployment_is_quiet_about_what_began_before_it(shop: Shop) -> None:
    day = date(2026, 11, 18)
    shop.serve(
        edit=lambda store: without(without(without(store, day), day - timedelta(days=1)), day - timedelta(days=2))
    )
    answer = shop.check(day)
    assert answer["state"] == "missing"
    assert answer["open_alerts"] == 1
    assert shop.system.mails() == []
    after = shop.check(day + timedelta(days=1))
    # nobody heard of the start, so nobody hears of the end
    assert "day|shop" not in {entry["alert"] for entry in after["told"]}


def test_a_missed_day_is_made_up_for_by_the_next_check_and_a_past_date_changes_nothing(shop: Shop) -> None:
    day = date(2026, 11, 18)
    shop.serve(Surprise(day, 0.15), known_to=SUNDAY)
    shop.check(day - timedelta(days=1))
    shop.check(day + timedelta(days=1))  # the tick for the day itself never came
    (mail,) = shop.system.mails()
    assert "Found for Wednesday, 18 November, not told before" in text_of(mail)
    rows = [row for row in shop.system.rows() if row["pk"]["S"].startswith("alert#")]
    late = shop.check(day)
    early = shop.check(day - timedelta(days=9))
    assert "nobody told" in early["reason"]
    assert late["artifacts"][0]["key"] == "anomalies/GLOBAL/2026-11-18.json"
    assert len(shop.system.mails()) == 1
    assert [row for row in shop.system.rows() if row["pk"]["S"].startswith("alert#")] == rows
    shop.check(day + timedelta(days=2))
    assert subjects(shop.system)[1:] == []  # one slow day has no end to tell


def test_who_is_muted_is_not_mailed_about(shop: Shop) -> None:
    day = date(2026, 11, 18)
    shop.serve(Surprise(day, 0.15), known_to=SUNDAY)
    book = AlertBook(Rows(shop.system.clients.dynamodb, shop.system.table))
    book.mute("shop", day)
    answer = shop.check(day)
    assert answer["findings"]["HIGH"] >= 1
    assert not [line for line in answer["told"] if line["alert"] == "down|shop"]
    assert "down|shop" in json.dumps(json.loads(shop.system.body("anomalies/GLOBAL/2026-11-18.json"))["open"])


def test_a_trial_run_does_not_swallow_the_days_alert(shop: Shop) -> None:
    day = date(2026, 11, 18)
    shop.serve(Surprise(day, 0.15), known_to=SUNDAY)
    assert shop.check(day, notify="none")["notified"] == []
    assert shop.check(day, notify="owner")["notified"] == [OWNER]
    answer = shop.check(day)
    assert (answer["status"], answer["notified"]) == ("SUCCEEDED", [READER])
    assert [mail["To"] for mail in shop.system.mails()] == [OWNER, READER]
    assert len({mail["X-SalesFlow-Reference"] for mail in shop.system.mails()}) == 1
    assert shop.check(day)["status"] == "DUPLICATE"


def test_notify_none_leaves_the_alerts_to_the_next_check(shop: Shop) -> None:
    day = date(2026, 11, 18)
    shop.serve(Surprise(day, 0.15), Surprise(day + timedelta(days=1), 0.15))
    shop.check(day - timedelta(days=1))
    answer = shop.check(day, notify="none")
    assert "notify is none" in answer["reason"]
    assert shop.system.mails() == []
    shop.check(day + timedelta(days=1), notify="owner")
    assert [mail["To"] for mail in shop.system.mails()] == [OWNER]


@pytest.mark.parametrize("step", ["GET history/coverage", "PutItem", "PUT anomalies/", "GET anomalies/", "SendEmail"])
def test_a_run_killed_anywhere_is_made_good_by_its_retry(shop: Shop, wire: Wire, step: str) -> None:
    """Each of these calls fails for good in the first run, before it takes effect."""
    day = date(2026, 11, 18)
    shop.serve(Surprise(day, 0.15), known_to=SUNDAY)
    alerts = calls(step)
    wire.refuse(
        lambda request: alerts(request) and (step != "PutItem" or b"alert#" in request.body),
        400,
        "AccessDeniedException",
        times=30,
    )
    with pytest.raises(Exception, match=r"."):
        shop.check(day)
    wire.rules.clear()
    assert shop.check(day)["status"] == "SUCCEEDED"
    assert len(shop.system.mails()) == 1


def test_what_could_not_be_told_all_day_is_told_by_the_next_check_to_those_who_were_not(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "partner@shop.example.com"
    monkeypatch.setenv("ALERT_RECIPIENTS", f"{READER},{other}")
    day = date(2026, 11, 18)
    shop.serve(Surprise(day, 0.15), known_to=SUNDAY)
    wire.refuse(calls("SendEmail", recipient=other), 400, "AccountSuspendedException", times=30)
    with pytest.raises(DeliveryIncomplete):
        shop.check(day)
    assert [mail["To"] for mail in shop.system.mails()] == [READER]
    wire.rules.clear()
    shop.check(day + timedelta(days=1))
    assert [mail["To"] for mail in shop.system.mails()] == [READER, other]
    first, second = shop.system.mails()
    assert first["Subject"] == second["Subject"]
    assert shop.check(day)["status"] == "DUPLICATE"


def test_ten_checks_at_once_tell_once(shop: Shop) -> None:
    day = date(2026, 11, 18)
    shop.serve(Surprise(day, 0.15), known_to=SUNDAY)
    shop.system.api.clock = lambda: datetime.combine(day + timedelta(days=1), datetime.min.time()).replace(hour=7)
    handler = shop.system.load("anomaly_check")
    event = {"schedule": "anomaly-check", "scheduled_time": f"{day}T22:40:00Z"}
    with ThreadPoolExecutor(10) as pool:
        statuses = sorted(pool.map(lambda _: handler(dict(event), Context())["status"], range(10)))
    assert statuses == ["DUPLICATE"] * 9 + ["SUCCEEDED"]
    assert len(shop.system.mails()) == 1


def test_an_unknown_product_is_refused_with_what_comes_near(shop: Shop) -> None:
    day = date(2026, 11, 18)
    shop.serve(days=60)
    for fields, near in (
        ({"sku": "RIZ-05"}, "'RIZ-005' (Riz parfumé 5 kg)"),
        ({"sku": "riz parfumé"}, "'RIZ-005' (Riz parfumé 5 kg)"),
        ({"name": "Riz parfume"}, "'RIZ-005' (Riz parfumé 5 kg)"),
        ({"name": "Cola"}, "'COL-033' (Cola 33 cl)"),
        ({"sku": "zzzzzzzzzzzz"}, "None of the 42 known products"),
    ):
        with pytest.raises(UnknownProduct) as caught:
            shop.check(day, scope="PRODUCT", **fields)
        assert near in str(caught.value)
    assert shop.system.keys("anomalies/") == []
    assert {row["status"]["S"] for row in shop.system.rows() if row.get("status")} == {"FAILED"}


def test_one_product_has_a_file_of_its_own_whatever_its_sku_is(shop: Shop) -> None:
    shop.serve(Surprise(date(2026, 11, 18), 9.0, sku="RIZ-005"), days=250)
    for fields, folder in (
        ({"sku": "RIZ-005"}, "sku=RIZ-005/"),
        ({"name": "riz parfume 5 kg", "force": True}, "sku=RIZ-005/"),
        ({"sku": "XSS/01"}, "sku=XSS_01."),
        ({"sku": "=1+2"}, "sku=1_2."),
    ):
        answer = shop.check(date(2026, 11, 18), scope="PRODUCT", **fields)
        (key,) = [artifact["key"] for artifact in answer["artifacts"]]
        assert key.startswith(f"anomalies/PRODUCT/{folder}")
        assert key.endswith("/2026-11-18.json")
        document = json.loads(shop.system.body(key))
        assert {finding["event"]["sku"] for finding in document["findings"]} <= {answer["sku"]}
        assert document["findings"] or answer["sku"] != "RIZ-005"
    assert len(shop.system.mails()) == 1  # asked for by SKU and by name, it is one product


def test_a_product_on_stock_that_never_sold_can_be_asked_for(shop: Shop) -> None:
    def with_a_new_product(store: SalesStore) -> SalesStore:
        new = structs.replace(store.products[0], id=9_001, sku="NEW-001", name="Théière neuve")
        return SalesStore(store.sales, [*store.products, new])

    shop.serve(edit=with_a_new_product, days=120)
    answer = shop.check(LAST, scope="PRODUCT", name="theiere neuve")
    assert (answer["status"], answer["sku"]) == ("SUCCEEDED", "NEW-001")
    assert "has not sold in the 26 weeks before" in answer["reason"]


@pytest.mark.parametrize("period", ["weekly", "monthly"])
def test_a_bad_week_is_found_in_the_sums(shop: Shop, period: str) -> None:
    days = 7 if period == "weekly" else 28
    shop.serve(*[Surprise(LAST - timedelta(days=n), 0.35) for n in range(days)], days=10 * days)
    answer = shop.check(LAST, period=period)
    assert answer["artifacts"][0]["key"] == f"anomalies/GLOBAL/{period}/2026-11-22.json"
    assert not answer["learning"]
    (mail,) = shop.system.mails()
    assert f"in the {days} days to Sunday, 22 November" in text_of(mail)
    assert "below the usual" in text_of(mail)


def test_a_day_that_is_not_over_is_not_called_a_drop(shop: Shop) -> None:
    shop.serve(known_to=SUNDAY)
    shop.system.api.clock = lambda: datetime(2026, 11, 18, 11)
    event = {"schedule": "s", "scheduled_time": "2026-11-18T03:00:00Z", "business_date": "2026-11-18"}
    answer = shop.system.fire("anomaly_check", event)
    assert answer["status"] == "PARTIAL"
    assert answer["told"] == []
    assert "not over yet" in answer["reason"]
    assert shop.check(date(2026, 11, 18))["status"] == "SUCCEEDED"


def test_a_shop_without_a_sale_has_nothing_to_check(shop: Shop) -> None:
    shop.system.api.store = SalesStore([], [])
    assert shop.check(date(2026, 11, 18))["status"] == "SKIPPED_EMPTY"


def test_a_stack_with_a_panel_from_before_fills_the_shops_days(shop: Shop) -> None:
    shop.serve(known_to=SUNDAY)
    day = date(2026, 11, 18)
    shop.check(day)
    s3, bucket = shop.system.clients.s3, shop.system.bucket
    kept = {key: shop.system.body(key) for key in shop.system.keys("history/shop/")}
    for key in [*kept, "history/coverage/shop.json"]:
        s3.delete_object(Bucket=bucket, Key=key)
    shop.check(day, force=True)
    assert {key: shop.system.body(key) for key in shop.system.keys("history/shop/")} == kept


def test_the_function_needs_no_pyarrow() -> None:
    """The model functions have no room for it: the handler, and all that a check loads, must do without."""
    script = (
        "import sys\n"
        "for name in ('pyarrow', 'reportlab', 'xlsxwriter'): sys.modules[name] = None\n"
        "import importlib.util\n"
        f"sys.path.insert(0, {str(ROOT / 'layers' / 'pipeline')!r})\n"
        f"spec = importlib.util.spec_from_file_location('app', {str(ROOT / 'functions/anomaly_check/app.py')!r})\n"
        "app = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(app)\n"
        "app.runtime.panel_history, app.runtime.alert_book, app.runtime.store, app.runtime.mailer, app.runtime.stock_history\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
