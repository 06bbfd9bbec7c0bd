"""Cold start of each function on its built layers, against importing pandas and boto3 alone.

    make build && python -m tests.benchmarks.cold_start

A fresh process without site-packages, as Lambda starts one: the function's code, then its layers; boto3 comes from the
runtime, so here from a folder of its own. Measured: import of the handler with its settings, and the first clients, in
processor time: nothing in it waits for anything, and what else this machine does is left out.
"""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import yaml

from tests.benchmarks.measuring import ROOT, show

RUNS = 7
ENVIRONMENT = {
    "SALESFLOW_API_URL": "https://shop.example/api/v1",
    "SYSTEM_TOKEN_SECRET_ID": "salesflow/system-token",
    "REPORTS_BUCKET": "salesflow-reports",
    "STATE_TABLE": "salesflow-state",
    "TIMEZONE": "Asia/Shanghai",
    "MAIL_SENDER": "reports@shop.example",
    "REPORT_RECIPIENTS": "reader@shop.example",
    "ALERT_RECIPIENTS": "owner@shop.example",
    "OWNER_RECIPIENTS": "owner@shop.example",
    "SES_REGION": "ap-southeast-1",
    "CURRENCY": "CNY",
    "POWERTOOLS_SERVICE_NAME": "salesflow",
    "POWERTOOLS_METRICS_NAMESPACE": "SalesFlow",
    "AWS_REGION": "ap-southeast-1",
    "AWS_DEFAULT_REGION": "ap-southeast-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_LAMBDA_FUNCTION_NAME": "salesflow",
}
_CLOCK = "import sys, time; begin = time.process_time(); "
_BASE = _CLOCK + "import pandas, boto3; print(time.process_time() - begin)"
_HANDLER = _CLOCK + (
    "import app; clients = app.runtime.clients; clients.dynamodb; clients.secretsmanager; clients.s3; "
    "print(time.process_time() - begin)"
)


def layers_of(template: Path) -> dict[str, tuple[Path, list[Path]]]:
    """Each function's built code folder and its layers' package folders, from a built template."""

    resources = yaml.safe_load(template.read_text())["Resources"]  # sam writes every intrinsic out in full
    return {
        name: (
            template.parent / resource["Properties"]["CodeUri"],
            [
                template.parent / resources[layer["Ref"]]["Properties"]["ContentUri"] / "python"
                for layer in resource["Properties"]["Layers"]
            ],
        )
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def seconds(code: str, folders: list[Path]) -> float:
    """What a fresh process says that runs `code` with only these folders and boto3."""
    environment = ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(map(str, folders)), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(json.loads(done.stdout.strip().splitlines()[-1]))


def best_of_both(code: Path, layers: list[Path], runtime: Path) -> tuple[float, float]:
    """The shortest of several runs of the base and of the function, in turns, so that a busy machine slows both."""
    pairs = [(seconds(_BASE, [*layers, runtime]), seconds(_HANDLER, [code, *layers, runtime])) for _ in range(RUNS)]
    return min(base for base, _ in pairs), min(ours for _, ours in pairs)


def main() -> None:
    """Measure and print."""
    template = ROOT / ".aws-sam" / "build" / "template.yaml"
    if not template.exists():
        raise SystemExit("There are no built layers here: make build")
    runtime = ROOT / ".build" / "runtime"
    make_runtime(runtime)
    rows = []
    for name, (code, layers) in layers_of(template).items():
        base, ours = best_of_both(code, layers, runtime)
        rows.append((name, base, ours, ours / base))
    show(
        f"Cold start on the built layers (seconds of processor time, best of {RUNS})",
        ("function", "import pandas, boto3", "handler, settings, first clients", "ratio (aim: at most 1.5)"),
        rows,
    )


def make_runtime(folder: Path) -> None:
    """boto3 and what it needs, as Lambda's runtime has them on its path, linked from the development environment."""
    folder.mkdir(parents=True, exist_ok=True)
    site = Path(sysconfig.get_path("purelib"))
    for package in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3"):
        link = folder / package
        if not link.exists():
            link.symlink_to(site / package)


if __name__ == "__main__":
    main()
