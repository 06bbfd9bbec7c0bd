"""The Docker engine that SAM runs functions in: this machine's own, or one that is started where no image registry can be reached."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import DockerException
from samcli.local.docker.lambda_image import LambdaImage, Runtime

from tests.e2e.layers.built_stack import ROOT

TOOL = ROOT.parent / "shared" / "tools" / "lambda-base-image"
BASE_IMAGE = f"{LambdaImage._INVOKE_REPO_PREFIX}/{Runtime.get_image_name_tag('python3.13', 'x86_64')}"
OF_SAM = LambdaImage._SAM_CLI_REPO_NAME
PATIENCE = 300


class NoEngine(Exception):
    """There is neither a Docker engine that reaches a registry, nor the tool that does without."""


@dataclass(frozen=True)
class Engine:
    """An engine that answers. `host` is its `DOCKER_HOST`, where it is not the usual one; `pulls` says that SAM may pull images."""

    host: str | None
    pulls: bool

    @property
    def variables(self) -> Mapping[str, str]:
        return {"DOCKER_HOST": self.host} if self.host else {}

    @property
    def client(self) -> docker.DockerClient:
        return docker.DockerClient(base_url=self.host) if self.host else docker.from_env()

    def remove_containers(self, *, but: frozenset[str]) -> None:
        """End the containers that SAM has left, except those that were there before."""
        for container in self.client.containers.list(all=True):
            image = container.attrs["Config"]["Image"]
            if image.startswith(OF_SAM) and container.id not in but:
                container.remove(force=True)


@contextmanager
def running_engine() -> Iterator[Engine]:
    """An engine with the Lambda base image, or with a registry to pull it from; what was started for it ends with the block.

    Raises NoEngine.
    """
    own = Engine(os.environ.get("DOCKER_HOST"), pulls=True)
    if _reaches_registry(own):
        yield own
        return
    if not TOOL.is_file():
        raise NoEngine(
            f"no Docker engine here reaches a registry for {BASE_IMAGE}, and there is no {TOOL.relative_to(ROOT.parent)} beside the project"
        )
    try:
        yield Engine(_up() or own.host, pulls=False)
    finally:
        subprocess.run([TOOL, "down"], env=_with_python(), timeout=PATIENCE, check=True)


def _reaches_registry(engine: Engine) -> bool:
    """Ask as SAM does: the engine, for the digest of the base image."""
    try:
        engine.client.images.get_registry_data(BASE_IMAGE)
    except DockerException:
        return False
    return True


def _up() -> str | None:
    """Start an engine, if none answers, and make the image; answers the `DOCKER_HOST` of an engine that it started."""
    done = subprocess.run(
        [TOOL, "up"], env=_with_python(), stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=True
    )
    found = re.search(r"^export DOCKER_HOST=(\S+)$", done.stdout, flags=re.MULTILINE)
    return found[1] if found else None


def _with_python() -> dict[str, str]:
    """The environment of the tool: it makes the image from the CPython that runs this, which may be on no PATH."""
    return {**os.environ, "PATH": f"{Path(sys.base_prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"}
