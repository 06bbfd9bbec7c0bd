"""`open`: the library page on this machine, and what it lets through."""

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import urllib3

from local.shop import LocalShop
from ops.commands.open_library import serving
from ops.complaints import Misused, NotFound
from ops.firing import fire
from ops.target import Stack, Target
from tests.integration.ops.running import Desk


@pytest.fixture(scope="module")
def stack(shop: LocalShop) -> Stack:
    return Target(local=True).resolve()


@pytest.fixture(scope="module")
def address(stack: Stack) -> Iterator[str]:
    """The library's, once there is a report."""
    with pytest.raises(NotFound, match="no library page yet"), serving(stack):
        pass
    assert fire(stack, "report", {"formats": ["csv"], "notify": "none"}).status == "SUCCEEDED"
    with serving(stack) as serves:
        yield serves


def get(address: str, **headers: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", address, headers=headers, redirect=False, retries=False)


def test_every_link_of_the_page_leads_to_the_file_in_the_bucket(address: str, stack: Stack) -> None:
    page = get(address)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    links = re.findall(r'<a href="([^"]+)"', page.data.decode())
    assert len(links) == 2
    for target in links:
        clicked = get(address.rpartition("/")[0] + "/" + target)
        assert clicked.status == 302
        kept = stack.client("s3").get_object(Bucket=stack.bucket, Key=f"reports/{target}")["Body"].read()
        fetched = urllib3.request("GET", clicked.headers["Location"])
        assert hashlib.sha256(fetched.data).digest() == hashlib.sha256(kept).digest()
        assert "X-Amz-Expires=3600" in clicked.headers["Location"] or "Expires=" in clicked.headers["Location"]


def test_nothing_but_the_reports_is_let_through_and_only_for_who_knows_the_address(address: str) -> None:
    root, _, _ = address.rpartition("/")
    origin, _, secret = root.rpartition("/")
    assert get(f"{origin}/index.html").status == 403
    assert get(f"{origin}/{secret}x/index.html").status == 403
    assert get(address, Host="attacker.example").status == 403
    assert get(f"{root}/..%2Fhistory/coverage/sales.json").status == 404
    assert get(f"{root}/sales/%0d%0aX: y").status == 404
    assert urllib3.request("POST", address, retries=False).status == 501


def test_a_port_that_is_taken_is_named(stack: Stack, address: str) -> None:
    port = urlsplit(address).port
    assert port
    with pytest.raises(Misused, match=f"Port {port} cannot be had: Address already in use"), serving(stack, port=port):
        pass


def test_the_command_prints_the_address_and_serves_until_it_is_interrupted(desk: Desk, address: str) -> None:
    command = [sys.executable, "-m", "ops", "--local", "open", "--no-browser"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as running:
        assert running.stdout is not None
        printed = running.stdout.readline().strip()
        assert get(printed).status == 200
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=120)
    assert running.returncode == 0
    assert "Ended." in said
