"""A newcomer at a terminal of 80 columns, with a home that holds nothing and the README: from a clone to a deployed stack, and back to nothing.

    python3 tests/e2e/newcomer.py                    in a fresh clone (part of .ci/run): the AWS account is the local cloud that `up` keeps
    python3 tests/e2e/newcomer.py --second-opinion   the AWS account is ministack (make second-opinion), and each job is fired there

It types the README's commands and answers what is asked, shows all that is shown, and ends with how long each command took. It needs a Python
alone, as the newcomer has no more. What is no newcomer's: the machine's package registries and their caches, which it keeps.
"""

from __future__ import annotations

import codecs
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SAMCONFIG = ROOT / "samconfig.toml"
EMULATOR = ROOT / ".build" / "second-opinion" / "bin" / "python"
STACK = "my-shop"
WIDTH = 80
PROMPT = "newcomer$ "
PATIENCE = 900
KEPT = ("PATH", "PYENV_ROOT", "PIP_", "UV_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http", "no_proxy")
"""Of this machine's environment: where programs and packages come from."""
ANSWERS = {
    "Which AWS region": "",
    "Where is the SalesFlow API": "{api}",
    "In which time zone": "",
    "What is its currency": "",
    "Which language": "fr",
    "Which address do the mails come from": "reports@my-shop.example",
    "Who hears of failures": "owner@my-shop.example",
    "Who gets the reports": "manager@my-shop.example",
    "Who gets the alerts": "",
    "When does the daily sales report": "",
    "When does the daily stock report": "",
    "signed links": "yes",
    "Deploy this changeset": "y",
    "System token": "{token}",
    "The shop's name": "Corner Store",
}
"""What is typed where a line begins so, and nothing for what is offered."""
JOBS = ("sync-history", "report --type combined --format pdf --format excel", "forecast", "anomaly-check", "watchdog")


class Terminal:
    """A shell of the newcomer's; what it shows is shown here as well."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.times: list[tuple[str, float]] = []
        self._process, self._terminal = pty.fork()
        if self._process == 0:
            for ignored in (
                signal.SIGINT,
                signal.SIGQUIT,
                signal.SIGPIPE,
            ):  # by a shell that started this in the background, and by Python
                signal.signal(ignored, signal.SIG_DFL)
            os.chdir(ROOT)
            os.execvpe("bash", ["bash", "--noprofile", "--norc"], environment | {"PS1": f"[$?] {PROMPT}"})
        os.set_inheritable(self._terminal, False)  # the next terminal's shell would keep this one open
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDTH, 0, 0))
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._read_until(re.escape(PROMPT))

    def type(
        self, command: str, *, answers: dict[str, str] | None = None, timed: bool = True, fails: bool = False
    ) -> str:
        """Type a command, answer what it asks, and wait for its end; what was shown. Raises AssertionError where it fails."""
        since = time.monotonic()
        self._write(command)
        waiting = dict(answers or {})
        shown = ""
        end = rf"\[(\d+)\] {re.escape(PROMPT)}$"
        while True:
            asked = "|".join(map(re.escape, waiting))
            shown += self._read_until(rf"(?:{asked})[^\n]*[:?] $|{end}" if waiting else end)
            if ended := re.search(end, shown):
                break
            question = next(name for name in waiting if name in shown.rpartition("\n")[2])
            self._write(waiting.pop(question) if question != "Deploy this changeset" else waiting[question])
        if timed:
            self.times.append((command, time.monotonic() - since))
        assert (ended[1] != "0") is fails, f"{command} ended with {ended[1]}"
        assert not re.search(r"Traceback|should not happen", shown), f"{command}: a newcomer cannot read this"
        return plain(shown)

    def start(self, command: str, until: str) -> str:
        """Type a command that goes on, and wait until it says this; what was shown."""
        since = time.monotonic()
        self._write(command)
        shown = self._read_until(rf"{until}|\[\d+\] {re.escape(PROMPT)}$")
        assert re.search(until, shown), f"{command} ended"
        self.times.append((f"{command}, until it is ready", time.monotonic() - since))
        return plain(shown)

    def interrupt(self) -> None:
        """Ctrl+C, and the end of what runs."""
        os.write(self._terminal, b"\x03")
        self._read_until(re.escape(PROMPT))

    def close(self) -> None:
        """End the shell and what it has started."""
        os.killpg(self._process, signal.SIGHUP)
        os.close(self._terminal)
        os.waitpid(self._process, 0)

    def _write(self, line: str) -> None:
        os.write(self._terminal, line.encode() + b"\n")

    def _read_until(self, pattern: str) -> str:
        """What is shown until it ends with the pattern. Raises AssertionError after PATIENCE seconds, or where the shell ends."""
        shown, end = "", time.monotonic() + PATIENCE
        while not re.search(pattern, plain(shown)):
            assert time.monotonic() < end, f"nothing like {pattern} within {PATIENCE} s"
            if select.select([self._terminal], [], [], 1)[0]:
                try:
                    new = self._decoder.decode(os.read(self._terminal, 65536))
                except OSError:
                    raise AssertionError("the shell is gone") from None
                shown += new
                sys.stdout.write(new)
                sys.stdout.flush()
        return plain(shown)


def plain(shown: str) -> str:
    """What stands on the screen: without colours, and of a line that is written over its last state."""
    text = re.sub(r"\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r\n", "\n")
    return re.sub(r"[^\n]*\r(?=[^\n])", "", text)


def of_readme(heading: str) -> list[str]:
    """The commands of the first block below a heading of the README, without their comments."""
    block = README.partition(f"\n## {heading}\n")[2].partition("```\n")[2].partition("```")[0]
    return [line.partition("#")[0].strip() for line in block.splitlines() if line.strip()]


def environment(home: Path) -> dict[str, str]:
    """What a shell of the newcomer's has."""
    there = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
    own, packages = Path.home(), Path.home() / ".config" / "pip" / "pip.conf"
    kept = {"PIP_CACHE_DIR": str(own / ".cache" / "pip"), "UV_CACHE_DIR": str(own / ".cache" / "uv")}
    if packages.exists():
        kept["PIP_CONFIG_FILE"] = str(packages)
    return kept | there | {"HOME": str(home), "TERM": "xterm", "LANG": "C.UTF-8"}


@contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """An AWS that is not ours; its address. What it says of itself is kept in the folder, and what it cannot make is shown at the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = folder / "ministack.log"
    address = f"http://127.0.0.1:{port}"
    given = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_REGION": "ap-southeast-1"}
    with log.open("wb") as out:
        emulator = subprocess.Popen(
            [EMULATOR, Path(__file__).with_name("ministack_here.py")],
            env=os.environ | given | {"AWS_DEFAULT_REGION": "ap-southeast-1", "TMPDIR": str(folder)},
            stdout=out,
            stderr=out,
            cwd=folder,
        )
    try:
        for _ in range(120):
            time.sleep(0.5)
            try:
                urllib.request.urlopen(f"{address}/_ministack/health", timeout=5).close()
                break
            except OSError:
                assert emulator.poll() is None, log.read_text("utf-8", "replace")
        yield address
    finally:
        emulator.terminate()
        emulator.wait(30)
        simple = sorted(set(re.findall(r"on one metric alone: (\S+)", log.read_text("utf-8", "replace"))))
        print(
            f"ministack makes no alarm on a sum or a share of metrics; made on one of them alone: {', '.join(simple)}"
        )


def walk(*, second_opinion: bool) -> Sequence[tuple[str, float]]:
    """The whole way; how long each command took."""
    try_it, deploy = of_readme("Try it here"), of_readme("Deploy")
    assert try_it == ["make demo", "source .venv/bin/activate", "salesflow-ops up"], try_it
    assert deploy == ["make setup", "salesflow-ops deploy"], deploy
    assert "`salesflow-ops destroy` takes it down" in README
    answers_before = SAMCONFIG.read_bytes()
    with tempfile.TemporaryDirectory(prefix="newcomer") as folder:
        home = Path(folder)
        mine = environment(home)
        first, second = Terminal(mine), Terminal(mine)
        try:
            since = time.monotonic()
            demo, activate, up = try_it
            assert "out/reports/index.html" in first.type(demo)
            reports = sum(one.is_file() for one in (ROOT / "out" / "reports" / "latest").rglob("*"))
            print(f"\nFrom a clone to {reports} newest reports in out/: {time.monotonic() - since:.0f} s")
            first.type(activate, timed=False)
            said = first.start(up, "every report on one page")
            api = re.search(r"the SalesFlow API: (\S+)", said)
            assert api
            exports = re.findall(r"^export (\w+)=(\S+)$", said, re.MULTILINE)
            second.type(activate, timed=False)
            second.type("salesflow-ops --local reports list")
            second.type(deploy[0])
            token = token_of()
            if second_opinion:
                with ministack(home) as address:
                    account = dict(exports) | {"AWS_ENDPOINT_URL": address}
                    in_account(second, account, deploy[1], api[1], token, fires=True)
                    told = json.load(urllib.request.urlopen(f"{address}/_ministack/ses/messages", timeout=30))
                    subjects = [mail["Subject"] for mails in told["messages"].values() for mail in mails]
                    assert subjects, "nobody was mailed"
                    print(f"\n{len(subjects)} mails through ministack: {'; '.join(subjects)}")
            else:
                in_account(second, dict(exports), deploy[1], api[1], token, fires=False)
            first.interrupt()
        finally:
            first.close()
            second.close()
            SAMCONFIG.write_bytes(answers_before)
    return [*first.times, *second.times]


def token_of() -> str:
    """A token of the SalesFlow API that `up` serves, as its administrator hands one out: that which the shop of `up` has."""
    asks = "from ops.target import Target; stack = Target(local=True).resolve(); "
    asks += "print(stack.client('secretsmanager').get_secret_value(SecretId=stack.secret)['SecretString'])"
    python = ROOT / ".venv" / "bin" / "python"
    paths = {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "layers" / "pipeline")))}
    said = subprocess.run([python, "-c", asks], cwd=ROOT, env=os.environ | paths, stdout=subprocess.PIPE, check=True)
    return str(json.loads(said.stdout)["token"])


def in_account(terminal: Terminal, account: dict[str, str], deploy: str, api: str, token: str, *, fires: bool) -> None:
    """Deploy into the account, look at it, fire the jobs, and take it down again."""
    for name, value in account.items():
        terminal.type(f"export {name}={value}", timed=False)
    answers = {asked: answer.format(api=api, token=token) for asked, answer in ANSWERS.items()}
    shown = terminal.type(f"{deploy} --stack {STACK}", answers=answers)
    assert token not in shown, "the token was shown"
    assert re.search(r"\d+ ok(, \d+ warn)?\nNext: salesflow-ops run report", shown), "the doctor is not content"
    if fires:
        for job in JOBS:
            shown = terminal.type(f"salesflow-ops run {job} --stack {STACK}")
            assert re.search(r"status +SUCCEEDED", shown), job
        second_shop(terminal, api, token)
    terminal.type(f"salesflow-ops runs list --stack {STACK}", fails=False)
    shown = terminal.type(f"salesflow-ops destroy --stack {STACK}", answers={"No report comes any more": "y"})
    assert "aws s3 rb s3://" in shown.replace("\n", ""), "what stays is not said"
    shown = terminal.type(f"salesflow-ops doctor --stack {STACK}", fails=True)
    assert STACK in shown


def second_shop(terminal: Terminal, api: str, token: str) -> None:
    """Another shop of the stack: its token is sealed with the stack's key, and its report made as ShopRole, by hand and by the fleet's machine."""
    with tempfile.TemporaryDirectory(prefix="shop") as folder:
        said, secret = Path(folder, "branch.toml"), Path(folder, "token")
        said.write_text(
            f'salesflow_api_url = "{api}"\ntimezone = "Asia/Shanghai"\ncurrency = "CNY"\n'
            'owner_recipients = ["owner@branch.example"]\nreport_recipients = ["reader@branch.example"]\n'
        )
        secret.write_text(token)
        terminal.type(f"salesflow-ops shops add branch --from {said} --token-file {secret} --stack {STACK}")
    shown = terminal.type(f"salesflow-ops run report --shop branch --stack {STACK} --yes")
    assert re.search(r"status +SUCCEEDED", shown)
    assert "reader@branch.example" in shown
    terminal.type(f"salesflow-ops fleet canary --stack {STACK} --yes")
    terminal.type(f"salesflow-ops fleet watch --stack {STACK}")


if __name__ == "__main__":
    taken = walk(second_opinion="--second-opinion" in sys.argv[1:])
    print(f"\n{'s':>6}  what a newcomer typed")
    for command, seconds in taken:
        print(f"{seconds:6.1f}  {command}")
    print(f"{sum(seconds for _, seconds in taken):6.1f}  in all")
