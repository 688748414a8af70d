from __future__ import annotations

import json

import pytest

from curate.ablate import report
from tests.ablate.report import folders
from tests.browser import NARROW, WIDE, fits, opened


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_loads_nothing(browser, tmp_path, width, scheme):
    out = folders.rich(tmp_path)
    report.write(out)
    with opened(browser, out / report.PAGE, width, color_scheme=scheme) as page:
        assert fits(page)
        assert page.locator("h1").inner_text() == json.loads((out / report.ABLATION).read_text())["name"]
        for anchor in page.locator("nav a").all():
            assert page.locator(anchor.get_attribute("href")).count() == 1
