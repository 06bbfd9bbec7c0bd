"""A local cloud with the small test stack in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cloud import LocalCloud

TEMPLATE = Path(__file__).parent / "stack" / "template.yaml"


@pytest.fixture(scope="module")
def empty_cloud() -> Iterator[LocalCloud]:
    """A cloud for tests that deploy stacks of their own."""
    with LocalCloud.start(wait=lambda seconds: None) as cloud:
        yield cloud


@pytest.fixture(scope="package")
def cloud() -> Iterator[LocalCloud]:
    """A cloud with the test stack in it; it waits for nothing between the tries of an asynchronous event."""
    with LocalCloud.start(wait=lambda seconds: None) as cloud:
        cloud.deploy(TEMPLATE, stack="probe")
        yield cloud
