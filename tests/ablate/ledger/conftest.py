"""Runs that the tests of this package share; package scope, since `data` sets CURATE_DATA for as long as it lives."""

from __future__ import annotations

import pytest

from tests.ablate.ledger import runs


@pytest.fixture(scope="package")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("without")
    runs.write_data(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURATE_DATA", str(folder))
        yield folder


@pytest.fixture(scope="package")
def rowwise(data):
    """A run whose steps all look at single rows, so that what is said of them is exact."""
    return runs.run(data, "rowwise", runs.recipe(runs.steps(step_5=True)))


@pytest.fixture(scope="package")
def whole(data):
    return runs.run(data, "whole", runs.recipe(runs.steps(), size=20))
