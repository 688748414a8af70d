"""A small run, and the page of its report."""

import pytest

from curate.report import report
from tests.pages import Page
from tests.report.small_run import make, texts


@pytest.fixture(scope="module")
def run():
    return make()


@pytest.fixture(scope="module")
def page(run):
    rows, ledger, manifest = run
    return Page(report(rows, ledger, manifest, texts(ledger)))
