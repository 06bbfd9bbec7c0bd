"""What `ops up` keeps running: a shop whose functions can be invoked and whose schedules fire by this machine's clock."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from local.cloud import Firing, Scheduler
from local.cloud.aws import ACCESS_KEYS
from local.demo import last_morning
from local.shop import LocalShop, Shop
from local.state import PLACE, USUAL_PLACE, LocalState, state_file
from salesflow import clock
from salesflow.watch.schedules import Schedule

USUAL_BRIDGE = "172.17.0.1"
MORNING = timedelta(hours=2)
LOOK_SECONDS = 5.0
"""How often the schedules are read; they are due on the minute."""


@contextmanager
def running_shop(shop: Shop, moment: datetime, *, host: str = "127.0.0.1") -> Iterator[LocalShop]:
    """A running shop that `--local` finds, its functions' logs kept as CloudWatch does, with links in its mails; all end with the block."""
    shop = replace(shop, parameters={"LinksState": "ENABLED", **shop.parameters})
    with LocalShop.open(shop, moment, host=host, keeps_logs=True) as running:
        aws = running.cloud.aws
        state = LocalState(
            aws.endpoint_url,
            aws.region,
            running.cloud.stack.stack,
            ACCESS_KEYS,
            running.api.url,
            os.getpid(),
            clock.now(),
        )
        place = state_file()
        state.write(place)
        try:
            yield running
        finally:
            state.remove(place)


class RealTime:
    """Fires a shop's schedules as time goes by, each in a thread of its own; `fired` is told of each when it is over."""

    def __init__(self, running: LocalShop, since: datetime, fired: Callable[[Firing], None]) -> None:
        """What is due from `since` (aware) on is fired."""
        self._running = running
        self._scheduler = Scheduler(running.cloud)
        self._until = since
        self._fired = fired

    def go_to(self, now: datetime) -> list[threading.Thread]:
        """Fire what has become due since the last call; the firings that are under way."""
        self._running.clock.set(now)
        started = []
        for due, schedule in self._scheduler.due(self._until, now):
            thread = threading.Thread(target=self._fire, args=(schedule, due), name=schedule.name, daemon=True)
            thread.start()
            started.append(thread)
        self._until = now
        return started

    def _fire(self, schedule: Schedule, due: datetime) -> None:
        self._fired(self._scheduler.fire(schedule, due))


def keep_running(running: LocalShop, *, fire: bool, fired: Callable[[Firing], None]) -> None:
    """Let the shop's time go with this machine's, until interrupted; with `fire`, fire what is due. `fired` is told of each."""
    time = RealTime(running, clock.now(), fired)
    pause = threading.Event()
    while not pause.wait(LOOK_SECONDS if fire else 1):
        if fire:
            time.go_to(clock.now())
        else:
            running.clock.set(clock.now())


def fill_with_reports(running: LocalShop, now: datetime, *, fired: Callable[[Firing], None]) -> None:
    """Fire the last morning's checks and reports, so that there is something to look at; `fired` is told of each."""
    scheduler, until = Scheduler(running.cloud), last_morning(now, running.shop.zone)
    for due, schedule in scheduler.due(until - MORNING, until):
        if schedule.function != running.cloud.function("SyncHistoryFunction").settings.name:
            fired(scheduler.fire(schedule, due))


def settings_for_others(running: LocalShop) -> list[str]:
    """The lines of shell that let any tool take this cloud for AWS."""
    aws = running.cloud.aws
    variables = {
        **ACCESS_KEYS,
        "AWS_REGION": aws.region,
        "AWS_DEFAULT_REGION": aws.region,
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        **({PLACE: str(state_file())} if state_file() != USUAL_PLACE else {}),
    }
    return [f"export {name}={value}" for name, value in variables.items()]


def write_env_vars(running: LocalShop, path: Path, container_host: str) -> None:
    """The functions' environment for `sam local invoke --env-vars`, with the servers' addresses as a container reaches them.

    The address should be a number: with a host's name S3 clients would look for the bucket as a host of its own.
    """
    aws, api = running.cloud.aws, running.api
    variables = {
        logical_id: {
            **settings.environment,
            "SALESFLOW_API_URL": f"http://{container_host}:{api.port}/api/v1",
            "AWS_ENDPOINT_URL": f"http://{container_host}:{aws.port}",
        }
        for logical_id, settings in running.cloud.stack.functions.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(variables, indent=1) + "\n")


def docker_bridge() -> str:
    """This machine's address on Docker's default bridge, or the usual one where no engine answers."""
    command = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - fixed words
    except (OSError, subprocess.SubprocessError):
        return USUAL_BRIDGE
    return answer.stdout.strip() or USUAL_BRIDGE
