"""Half a million sale lines from the socket to the checked table, against the time that json.loads takes for them."""

import json
from datetime import datetime
from pathlib import Path
from time import perf_counter

import pytest
import urllib3

from ops.salesflow_api import SalesFlowServer, online_retail_store
from tests.integration.source.conftest import MakeClient

ONLINE_RETAIL = Path(__file__).parents[3].parent / "shared" / "data" / "online_retail.parquet"


@pytest.mark.benchmark
def test_fetching_a_big_history_costs_at_most_three_times_its_parsing(
    make_client: MakeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    if not ONLINE_RETAIL.is_file():
        pytest.skip("the Online Retail data set is not here")
    store = online_retail_store(ONLINE_RETAIL)
    with SalesFlowServer(store, clock=lambda: datetime(2011, 12, 9, 23), require_auth=False) as server:
        client = make_client(base_url=server.url)
        body = urllib3.request("GET", f"{server.url}/sales/history?days=400").data
        fetching, parsing = [], []
        for _ in range(3):
            start = perf_counter()
            batch = client.fetch_sales(400)
            fetching.append(perf_counter() - start)
            start = perf_counter()
            json.loads(body)
            parsing.append(perf_counter() - start)
    assert len(batch.lines) == 541_909
    assert batch.lines.drop_duplicates("sale_id")["sale_total"].sum() == sum(
        round(sale.total_amount * 100) for sale in store.sales
    )
    with capsys.disabled():
        print(f"\nfetch {min(fetching):.2f} s, json.loads {min(parsing):.2f} s, {len(body) / 1e6:.1f} MB")
    assert min(fetching) < 3 * min(parsing)
