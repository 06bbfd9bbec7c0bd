from pathlib import Path

import pytest

from tests.e2e.layers.built_stack import ARCHITECTURES, BuiltStack

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.layers)


@pytest.fixture(params=ARCHITECTURES)
def built(request: pytest.FixtureRequest) -> BuiltStack:
    return BuiltStack(request.param)
