"""The Stack Exchange communities and their groups: the paper's counts, each site once."""

import re
from pathlib import Path

import pytest
import yaml

SITES = yaml.safe_load((Path(__file__).parents[2] / "recipes" / "stackexchange_sites.yaml").read_text(encoding="utf-8"))
GROUPS = ("stem", "other", "excluded")
OWN_HOSTS = {
    "stackoverflow.com",
    "serverfault.com",
    "superuser.com",
    "askubuntu.com",
    "mathoverflow.net",
    "stackapps.com",
}
NAME = re.compile(r"[a-z0-9]+\.stackexchange\.com|(pt|ru|ja|es)\.stackoverflow\.com")


@pytest.mark.parametrize(("group", "count"), [("stem", 75), ("other", 99), ("excluded", 5)])
def test_a_group_has_as_many_sites_as_in_the_paper(group, count):
    assert len(SITES[group]) == count


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_is_sorted(group):
    assert SITES[group] == sorted(SITES[group])


def test_no_site_stands_twice():
    every = [site for group in GROUPS for site in SITES[group]]
    assert len(every) == len(set(every)) == 179


def test_names_are_names_of_dumps_and_never_of_meta_sites():
    every = {site for group in GROUPS for site in SITES[group]}
    assert every >= OWN_HOSTS
    assert [site for site in every - OWN_HOSTS if not NAME.fullmatch(site) or site.startswith("meta.")] == []


@pytest.mark.parametrize(
    ("site", "group"),
    [
        ("ai.stackexchange.com", "stem"),
        ("bioinformatics.stackexchange.com", "stem"),
        ("math.stackexchange.com", "stem"),
        ("matheducators.stackexchange.com", "stem"),
        ("quantumcomputing.stackexchange.com", "stem"),
        ("stackoverflow.com", "stem"),
        ("beer.stackexchange.com", "other"),
        ("coffee.stackexchange.com", "other"),
        ("cooking.stackexchange.com", "other"),
        ("english.stackexchange.com", "other"),
        ("travel.stackexchange.com", "other"),
    ],
)
def test_a_site_is_where_one_looks_for_it(site, group):
    assert site in SITES[group]


def test_a_renamed_site_leads_to_one_of_a_group_and_is_in_none_itself():
    every = {site for group in GROUPS for site in SITES[group]}
    assert set(SITES["renamed"].values()) <= every
    assert not set(SITES["renamed"]) & every
