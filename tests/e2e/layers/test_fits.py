"""Does a function with its layers fit into Lambda?"""

import json

import pytest

from tests.e2e.layers.built_stack import ARCHITECTURES, BuiltStack, size

LIMIT = 262_144_000
"""Bytes of code and layers together, unzipped (Lambda quotas, "Deployment package size")."""
MARGIN = 5_000_000
MOST_LAYERS = 5


def test_every_function_fits_with_room_to_spare(built: BuiltStack) -> None:
    for function, code in built.functions.items():
        total = size(code) + sum(map(size, built.layers_of(function).values()))
        assert total <= LIMIT - MARGIN, f"{function} for {built.architecture}: {total:,} bytes"


def test_no_function_has_more_layers_than_lambda_takes(built: BuiltStack) -> None:
    for function in built.functions:
        assert len(built.layers_of(function)) <= MOST_LAYERS, function


@pytest.fixture(scope="module", autouse=True)
def table() -> None:
    """Print the sizes, for the reader of the log."""
    print(f"\n\n{'MB unzipped, of 262.1':<24}{'code':>8}{'layers':>8}{'total':>8}{'left':>8}  layers")
    for architecture in ARCHITECTURES:
        built = BuiltStack(architecture)
        for function, code in built.functions.items():
            layers = {name: size(folder) / 1e6 for name, folder in built.layers_of(function).items()}
            total = size(code) / 1e6 + sum(layers.values())
            detail = ", ".join(f"{name.removesuffix('Layer').lower()} {mb:.1f}" for name, mb in layers.items())
            print(
                f"{function.removesuffix('Function') + ' ' + architecture:<24}{size(code) / 1e6:>8.2f}{sum(layers.values()):>8.1f}"
                f"{total:>8.1f}{LIMIT / 1e6 - total:>8.1f}  {detail}"
            )


def test_the_built_template_names_a_layer_for_every_function(built: BuiltStack) -> None:
    without = [name for name in built.functions if not built.layers_of(name)]
    assert not without, json.dumps(without)
