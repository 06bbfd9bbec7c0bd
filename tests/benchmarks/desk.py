"""How long the operator's commands take, beside the AWS CLI's and SAM's for the same: `python -m tests.benchmarks.desk`.

Best of several, against one local cloud with an empty shop. `aws` comes with `make second-opinion`, and is left out before.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from local.state import PLACE
from tests.benchmarks.measuring import ROOT, best_of, show

RUNS = 7
OURS = (sys.executable, "-m", "ops")
SAM = str(Path(sys.executable).with_name("sam"))
AWS = ROOT / ".build" / "second-opinion" / "bin" / "aws"
COMMANDS = (
    ("help", ("--help",), ("help",), ("--help",)),
    (
        "the schedules",
        ("--local", "schedules", "list"),
        ("scheduler", "list-schedules"),
        ("list", "resources", "--stack-name", "salesflow"),
    ),
    (
        "what ran",
        ("--local", "runs", "list"),
        ("dynamodb", "scan", "--table-name", "{table}"),
        ("list", "stack-outputs", "--stack-name", "salesflow"),
    ),
    (
        "what was made",
        ("--local", "reports", "list"),
        ("s3api", "list-objects-v2", "--bucket", "{bucket}", "--prefix", "reports/"),
        None,
    ),
)
"""What is asked, and how: ours, the AWS CLI's, SAM's nearest."""


def main() -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, PLACE: str(Path(folder) / "cloud.json"), "PAGER": "cat", "AWS_PAGER": ""}
        up = subprocess.Popen(
            [*OURS, "up", "--no-fire", "--no-fill", "--env-vars", Path(folder) / "env-vars.json"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert up.stdout is not None
            for line in up.stdout:
                if told := re.match(r"export (\w+)=(\S+)", line):
                    environment[told[1]] = told[2]
                if "Ctrl+C ends it" in line:
                    break
            made = {
                name: subprocess.run(
                    [sys.executable, "-c", LOOK, logical_id],
                    cwd=ROOT,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout.strip()
                for name, logical_id in (("table", "StateTable"), ("bucket", "ReportsBucket"))
            }
            rows = []
            for asked, ours, aws, sam in COMMANDS:
                beside: list[list[str]] = [
                    [str(AWS), *(word.format_map(made) for word in aws)] if AWS.exists() else [],
                    [SAM, *sam] if sam else [],
                ]
                times = [_seconds(one, environment) if one else "-" for one in ([*OURS, *ours], *beside)]
                rows.append((asked, *times))
        finally:
            up.terminate()
            up.wait(30)
    show(f"seconds, the best of {RUNS} (of the processor, the mean)", ("asked", "salesflow-ops", "aws", "sam"), rows)


LOOK = """
import sys, boto3
print(boto3.client("cloudformation").describe_stack_resource(StackName="salesflow", LogicalResourceId=sys.argv[1])
      ["StackResourceDetail"]["PhysicalResourceId"])
"""


def _seconds(command: Sequence[str], environment: dict[str, str]) -> str:
    """The shortest time of several runs, and how much of it was the processor's, which nothing else on this machine makes longer."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    def run() -> None:
        subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)

    seconds, _ = best_of(RUNS, run)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / RUNS
    return f"{seconds:.2f} ({processor:.2f})"


if __name__ == "__main__":
    main()
