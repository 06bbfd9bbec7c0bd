"""What a container's host does before it forks: everything that a process does once, so that thousands of cold containers need not.

Remembered are pure functions of reports, models and files: between the outside calls there is nothing to kill but arithmetic, which takes
seconds and is done thousands of times.
"""

import functools
import hashlib
import importlib
import os
import pickle
import pkgutil
import threading
from pathlib import Path
from typing import Any


def warm_up(folder: Path) -> None:
    """Import everything, load what is loaded once, and let what is computed again and again be remembered in a folder."""
    import ops
    import salesflow

    for module in (
        *pkgutil.walk_packages(salesflow.__path__, "salesflow."),
        *pkgutil.walk_packages(ops.__path__, "ops."),
    ):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in ("pandas.io.formats.csvs", "pyarrow.dataset"):  # else loaded when they are first used
        importlib.import_module(name)
    _warm_up()
    _remember(folder, "salesflow.jobs.report", "render")
    _remember(folder, "salesflow.forecasting", "forecast_sales")
    _remember(folder, "salesflow.alerts.judging", "detect")
    _remember(folder, "salesflow.detection.timeline", "score_windows")
    _remember(folder, "salesflow.jobs.usual", "usual_days")
    _remember(folder, "salesflow.history.csv_table", "CsvTable.decode")
    _remember(folder, "salesflow.history.csv_table", "CsvTable.encode")


def _remember(folder: Path, module_name: str, function_name: str) -> None:
    """Let a pure function (the same input gives the same result), or a method, compute each of its results only once."""
    owner: Any = importlib.import_module(module_name)
    *owners, name = function_name.split(".")
    for each in owners:
        owner = getattr(owner, each)
    compute = getattr(owner, name)

    @functools.wraps(compute)
    def remembered(*args: Any, **kwargs: Any) -> Any:
        question = pickle.dumps((args, sorted(kwargs.items())))
        known = folder / f"{function_name}-{hashlib.sha256(question).hexdigest()}"
        if known.exists():
            return pickle.loads(known.read_bytes())
        result = compute(*args, **kwargs)
        fresh = known.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        fresh.write_bytes(pickle.dumps(result))
        fresh.rename(known)
        return result

    setattr(owner, name, remembered)


def _warm_up() -> None:
    """Load what a process loads once (service models, templates, fonts), so that thousands of cold containers need not."""
    import boto3
    from botocore import session, useragent

    from salesflow.alerts import mail
    from salesflow.aws import AwsClients
    from salesflow.formats import Format
    from salesflow.reports.html.page import templates
    from tests.unit.reports.samples import rendered

    # each session makes a loader of its own, and each call a user agent, but of the same files and of the same words
    session.create_loader = functools.cache(session.create_loader)
    useragent.sanitize_user_agent_string_component = functools.cache(useragent.sanitize_user_agent_string_component)
    clients = AwsClients(ses_region="eu-west-1")
    _ = clients.s3, clients.dynamodb, clients.secretsmanager, clients.kms, clients.sesv2, clients.scheduler
    boto3.client("cloudformation")
    for environment in (templates(), mail._templates()):
        for name in environment.list_templates():
            environment.get_template(name)
    for fmt in Format:
        rendered("combined-weekly-40-scripts", fmt)
