"""Many shops: the machine that fires them all, a night of real ones, and a morning's wave of 50,000, simulated.

`python -m tests.benchmarks.fleet [wave] [machine] [night]`, all three by default; `--firings 10000` of the machine's, `--shops 200` of the night's.
"""

import argparse
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.cloud import LocalCloud
from local.cloud.aws import ACCESS_KEYS
from local.shop import STAND_INS, TEMPLATE
from ops import fleet
from ops.local_cloud import RunningCloud
from ops.target import local_stack
from tests.benchmarks.measuring import show
from tests.benchmarks.wave import AFTER, BEFORE, MAILS_A_WORKER, Wave, simulate
from tests.reliability.night import BAD, night

PARTS = ("wave", "machine", "night")
FAILING = 100
"""Of so many stubs one fails."""


def wave() -> None:
    """50,000 shops' reports, with every hundredth source hanging and with none."""
    rows = []
    for rate in (14, 28, 100):
        for way, workers in ((BEFORE, 200), (AFTER, 200), (AFTER, round(rate / MAILS_A_WORKER))):
            quiet = Wave(hanging=0, workers=workers, mails_a_second=rate)
            without, hanging = simulate(quiet, way), simulate(replace(quiet, hanging=0.01), way)
            rows.append(
                (way.name, rate, workers, f"{without.hours:.0f}, {hanging.hours:.0f}", f"{without.left:,}, {hanging.left:,}",
                 f"{without.last / 60:.1f}, {hanging.last / 60:.1f}", f"{hanging.last / without.last:.2f}")
            )  # fmt: skip
    columns = ("version", "mails/s", "functions at once", "Lambda hours", "in FailedRuns", "last told, min", "times")
    show(
        "50,000 shops; of two numbers the first is without a hanging source, the second with every hundredth",
        columns,
        rows,
    )


@contextmanager
def stubs() -> Iterator[tuple[str, Counter[str]]]:
    """Functions that answer at once, every hundredth shop's with an error: their address, and how often each shop was fired."""
    fired = Counter[str]()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            shop = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["shop"]
            with lock:
                fired[shop] += 1
            fails = int(shop.rpartition("-")[2]) % FAILING == 0
            body = json.dumps({"errorType": "SourceUnavailable", "errorMessage": "a stub"} if fails else {}).encode()
            self.send_response(200)
            if fails:
                self.send_header("X-Amz-Function-Error", "Unhandled")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", fired
    server.shutdown()


def machine(firings: int) -> None:
    """So many firings through the deployed state machine: each once, and those that fail counted and kept."""
    shops = [f"shop-{n}" for n in range(1, firings + 1)]
    with LocalCloud.start() as cloud, stubs() as (url, fired):
        stack_name = cloud.deploy(TEMPLATE, STAND_INS).stack
        cloud.aws.local("PUT", "functions", {"url": url})
        stack = local_stack(RunningCloud(cloud.aws.endpoint_url, cloud.aws.region, stack_name, ACCESS_KEYS))
        begun = time.perf_counter()
        fleet.start(stack, "machine", "report", fleet.in_lists("machine", shops, [{}], 1, 5), at_once=20)
        while not (found := fleet.progress(stack, "machine")).is_over:
            time.sleep(1)
        took = time.perf_counter() - begun
        kept = len(cloud.messages("FailedRuns"))
    once = sum(count == 1 for count in fired.values())
    columns = ("status", "fired once", "not once", "failed", "kept in FailedRuns", "seconds")
    show(f"{firings:,} firings", columns, [(found.status, once, firings - once, found.failed, kept, took)])


def real_night(shops: int) -> None:
    """A night of so many shops through the real functions, one in forty of them bad."""
    bad = [BAD[number % len(BAD)] for number in range(shops // 40)]
    begun = time.perf_counter()
    with night(shops - 1, bad, at_once=4) as done:
        took, found = time.perf_counter() - begun, done.findings()
        good = [one for firing in done.firings if firing.succeeded and firing.result for one in firing.result.tries]
        rows = [
            (
                job,
                len(some := [one for one in good if one.function.endswith(job)]),
                sum(one.duration for one in some) / len(some),
                max(one.peak_bytes for one in some) / 2**20,
            )
            for job in ("sync-history", "report")
        ]
    show(f"{shops} shops, {len(bad)} of them bad: {len(done.firings)} firings in {took:.0f} s, {len(found)} findings",
         ("function", "runs", "seconds each", "most MB"), rows)  # fmt: skip
    for finding in found[:20]:
        print(finding)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=PARTS)
    parser.add_argument("--firings", type=int, default=10_000)
    parser.add_argument("--shops", type=int, default=200)
    chosen = parser.parse_args()
    for part in chosen.parts or PARTS:
        if part == "wave":
            wave()
        elif part == "machine":
            machine(chosen.firings)
        else:
            real_night(chosen.shops)
