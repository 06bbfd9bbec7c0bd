"""What every command has in common: which stack it talks to, how it prints, and what it says and ends with where it cannot."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local.cloud.aws import ACCESS_KEYS
from local.state import PLACE, LocalState, state_file
from ops.app import app
from ops.groups import PROGRAM
from salesflow import clock
from tests.integration.ops.faults import variable
from tests.integration.ops.running import Desk, ops
from tests.stand_ins.certificates import certificate, reading_proxy

COMMAND = ("schedules", "list")
XML_ERROR = "<ErrorResponse><Error><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>"


@pytest.fixture
def as_aws(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A shell whose AWS settings lead to the cloud, as an operator's lead to AWS."""
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    return desk


def test_the_same_command_works_on_a_deployed_stack_and_on_the_local_cloud(as_aws: Desk) -> None:
    deployed, local = ops(*COMMAND, "--json"), as_aws(*COMMAND, "--json")
    assert deployed.code == local.code == 0
    assert deployed.data == local.data
    assert len(deployed.data) == 10


def test_options_are_understood_before_and_after_the_command(desk: Desk) -> None:
    assert ops("--local", "--json", *COMMAND).data == ops(*COMMAND, "--local", "--json").data


def test_a_pipe_gets_lines_with_tabs_and_no_colour(desk: Desk) -> None:
    said = desk(*COMMAND)
    assert "\x1b" not in said.out
    states = {row["id"]: row["state"] for row in said.rows}
    assert (len(states), states["scheduled-sales-pdf"]) == (10, "ENABLED")


@pytest.mark.parametrize("no_colour", [False, True])
def test_a_terminal_gets_a_table_in_colour_unless_told_not_to(desk: Desk, no_colour: bool) -> None:
    leader, follower = os.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "200", **({"NO_COLOR": "1"} if no_colour else {})}
    command = [sys.executable, "-m", "ops", "--local", *COMMAND]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, cwd=root, env=environment, stdout=follower, stderr=subprocess.PIPE, check=True)
    os.close(follower)
    shown = b""
    while b"watchdog-hourly" not in shown or not shown.endswith(b"\n"):
        shown += os.read(leader, 65536)
    os.close(leader)
    assert done.returncode == 0
    assert b"\t" not in shown, "columns are laid out for a reader"
    assert (b"\x1b[32m" in shown) is not no_colour


def test_a_stack_that_is_not_there(as_aws: Desk) -> None:
    for said in (ops(*COMMAND, "--stack", "nobodys"), as_aws(*COMMAND, "--stack", "nobodys")):
        assert said.code == 3
        assert "nobodys does not exist" in said.err
        assert "--stack" in said.err
        assert said.out == ""


def test_no_credentials(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "ap-southeast-1")
    said = ops(*COMMAND)
    assert said.code == 4
    assert "no usable AWS credentials" in said.err
    assert "aws configure" in said.err


def test_a_profile_that_is_not_there(desk: Desk) -> None:
    said = ops(*COMMAND, "--profile", "nobody", "--region", "eu-west-1")
    assert said.code == 4
    assert "nobody" in said.err


def test_no_region(desk: Desk) -> None:
    said = ops(*COMMAND)
    assert said.code == 2
    assert "--region" in said.err


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        ("InvalidClientTokenId", "The security token included in the request is invalid.", "does not accept these"),
        ("ExpiredToken", "The security token included in the request is expired", "have expired"),
        (
            "AccessDenied",
            "User: arn:aws:iam::123456789012:user/reader is not authorized to perform: "
            "cloudformation:ListStackResources on resource: stack",
            "cloudformation:ListStackResources is denied",
        ),
    ],
)
def test_wrong_expired_and_insufficient_credentials(as_aws: Desk, code: str, message: str, said: str) -> None:
    answer = XML_ERROR.format(code, message)
    with as_aws.shop.cloud.aws.hold(
        status=403, answer=answer, content_type="text/xml", body="ListStackResources", times=5
    ):
        refused = ops(*COMMAND)
    assert refused.code == 4
    assert said in refused.err
    assert len(refused.err.strip().splitlines()) == 1


def test_a_denial_deeper_in_the_pipeline_s_own_code_names_the_action(desk: Desk) -> None:
    denied = "User: x is not authorized to perform: scheduler:ListSchedules on resource: y"
    with desk.shop.cloud.aws.failing(
        status=403, error="AccessDeniedException", message=denied, method="GET", path="/schedules"
    ):
        said = desk(*COMMAND)
    assert said.code == 4
    assert "scheduler:ListSchedules is denied" in said.err


def test_no_network(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    said = ops(*COMMAND)
    assert said.code == 5
    assert "cannot be reached" in said.err


def test_a_proxy_that_shows_a_certificate_of_its_own_is_named_with_the_cure(
    as_aws: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pem, aws = certificate(tmp_path), as_aws.shop.cloud.aws
    with reading_proxy(pem, aws.port) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        refused = ops(*COMMAND)
        assert refused.code == 5
        assert "is not trusted here" in refused.err
        assert "set AWS_CA_BUNDLE to the PEM file of its CA" in refused.err
        monkeypatch.setenv("AWS_CA_BUNDLE", str(pem))
        assert len(ops(*COMMAND).rows) == 10


def test_an_api_behind_such_a_proxy_is_named_with_the_cure(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def of(check: str) -> tuple[str, str, str]:
        (found,) = [one for one in desk("doctor", "--json").data if one["check"] == check]
        return found["verdict"], found["says"], found["fix"]

    pem = certificate(tmp_path)
    with (
        reading_proxy(pem, desk.shop.api.port) as address,
        variable(desk.shop, "SALESFLOW_API_URL", f"{address}/api/v1"),
    ):
        verdict, says, fix = of("SalesFlow API")
        assert (verdict, says) == (
            "FAIL",
            f"nothing can be read at {address}/api/v1: its TLS certificate is not accepted",
        )
        assert "set SSL_CERT_FILE to the PEM file of the proxy's CA" in fix
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        assert of("SalesFlow API")[0] == of("sales can be read")[0] == "OK"


def test_the_running_cloud_s_file_is_for_its_owner_alone(desk: Desk) -> None:
    assert stat.S_IMODE(state_file().stat().st_mode) == 0o600


def test_no_local_cloud_and_one_that_has_ended(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "local-cloud.json"
    monkeypatch.setenv(PLACE, str(place))
    none = desk(*COMMAND)
    assert (none.code, "salesflow-ops up" in none.err) == (5, True)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    LocalState(f"http://127.0.0.1:{port}", "eu-west-1", "salesflow", ACCESS_KEYS, "http://x", 1, clock.now()).write(
        place
    )
    ended = desk(*COMMAND)
    assert (ended.code, "has ended" in ended.err) == (5, True)
    place.write_text("{}")
    damaged = desk(*COMMAND)
    assert (damaged.code, "cannot be read" in damaged.err) == (5, True)


def test_tab_offers_the_ids_that_a_list_showed_and_dates(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def offered(*words: str) -> list[str]:
        monkeypatch.setenv("COMP_WORDS", " ".join(("salesflow-ops", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        return (
            CliRunner().invoke(app, env={"_SALESFLOW_OPS_COMPLETE": "complete_bash"}, prog_name=PROGRAM).stdout.split()
        )

    assert offered("schedules", "pause", "scheduled-s") == []
    assert desk(*COMMAND).code == 0
    assert offered("schedules", "pause", "scheduled-s") == ["scheduled-sales-pdf", "scheduled-stock-excel"]
    assert offered("run", "report", "--date", "y") == ["yesterday"]
    assert offered("runs", "show", "") == [], "no run has been seen yet"


def test_a_command_that_is_misspelt_is_a_misuse(desk: Desk) -> None:
    said = desk("schedulles", "list")
    assert said.code == 2
    assert "schedules" in said.err


def test_the_installed_script_runs_from_anywhere(tmp_path: Path) -> None:
    from ops.install_script import install

    (tmp_path / "a place").mkdir()
    (tmp_path / "a place" / "python").symlink_to(sys.executable)
    script = install(tmp_path / "a place", Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if "site-packages" in path)}
    done = subprocess.run(
        [script, "--help"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Usage: salesflow-ops" in done.stdout
    completing = {
        "_SALESFLOW_OPS_COMPLETE": "complete_bash",
        "COMP_WORDS": "salesflow-ops schedules pa",
        "COMP_CWORD": "2",
    }
    completed = subprocess.run(
        [script], cwd=tmp_path, env={**environment, **completing}, capture_output=True, text=True, check=False
    )
    assert completed.stdout.split() == ["pause"]


def test_outside_of_the_environment_it_says_what_to_run() -> None:
    command = [sys.executable, "-S", "-m", "ops", "--help"]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "has no typer. Run `make setup`, then `source .venv/bin/activate`" in done.stderr


HEAVY = {"boto3", "botocore.session", "local", "moto", "numpy", "pandas", "rich.markdown", "samtranslator"}
OF_A_COMMAND = {"botocore", "pydantic", "rich.table", "urllib3"}


def loaded_after(*commands: str) -> dict[str, set[str]]:
    """Which modules a process has loaded after each of these commands, one after the other."""
    program = """
import sys
from ops.app import app
for command in sys.argv[1:]:
    app(command.split(), standalone_mode=False)
    print("loaded", *sys.modules, file=sys.stderr)
"""
    command = [sys.executable, "-c", program, *commands]
    done = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True)
    told = [set(line.split()) for line in done.stderr.splitlines() if line.startswith("loaded ")]
    return dict(zip(commands, told, strict=True))


def test_help_imports_nothing_heavy_and_that_of_the_root_nothing_of_a_command() -> None:
    of_root = ["--help", "--version"]
    for command, loaded in loaded_after(*of_root, "runs --help", "schedules list --help", "reports --help").items():
        assert not (HEAVY | OF_A_COMMAND if command in of_root else HEAVY) & loaded, command


LISTS = ["runs list", "reports list", "schedules list", "anomalies list", "recipients list", "channels list", "costs"]


def test_what_looks_at_a_stack_waits_for_nothing_that_works_on_tables(desk: Desk) -> None:
    """pandas alone takes as long as all the rest of such a command."""
    for command, loaded in loaded_after(*(f"--local {words}" for words in LISTS)).items():
        assert "botocore.session" in loaded
        assert not {"local", "moto", "numpy", "pandas"} & loaded, command


def test_a_page_of_help_keeps_its_examples_whole_and_its_options_apart(desk: Desk) -> None:
    said = ops("schedules", "put", "-h")
    assert (
        "  salesflow-ops schedules put --type stock --format pdf --at 07:00 --on MON-FRI --zone Europe/Paris\n"
        in said.out
    )
    assert said.out.index("Options:") < said.out.index("Which stack, and how to print:") < said.out.index("Examples:")
    assert ops("help", "schedules", "put").out == said.out


def test_a_terminal_that_has_no_such_letter_gets_a_question_mark(desk: Desk) -> None:
    """A pipe of Windows and a bare C locale know a few hundred letters; names of products come from everywhere."""
    program = """
import contextlib, sys
from ops.app import main
from ops.terminal import Output
sys.argv = ["salesflow-ops", "--version"]
with contextlib.suppress(SystemExit):
    main()
Output().line("Thé 绿茶")
"""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0"}
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, env=environment, capture_output=True, check=True)
    assert done.stdout.splitlines()[-1] == b"Th? ??"


def test_a_proxy_of_the_shell_does_not_come_between(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert desk("schedules", "list").code == 0
