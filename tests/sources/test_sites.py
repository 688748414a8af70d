"""Names of dumps and of sites, and which of them are taken."""

from __future__ import annotations

import sys

import pytest

from curate.rows import SourceError, SourceMissing
from curate.sources.stackexchange import sites as _sites
from curate.sources.stackexchange import stackexchange


@pytest.mark.parametrize(
    ("file", "site"),
    [
        ("ai.stackexchange.com.7z", "ai.stackexchange.com"),
        ("ai.stackexchange.com (1).7z", "ai.stackexchange.com"),
        ("AI.StackExchange.com.7Z", "ai.stackexchange.com"),
        ("ai.meta.stackexchange.com.7z", "ai.meta.stackexchange.com"),
        ("stackoverflow.com-Posts.7z", "stackoverflow.com"),
        ("es.stackoverflow.com.7z", "es.stackoverflow.com"),
        ("mathoverflow.net.7z", "mathoverflow.net"),
        ("ai.7z", "ai.stackexchange.com"),
        ("askubuntu.7z", "askubuntu.com"),
        ("ai.stackexchange.com/Posts.xml", "ai.stackexchange.com"),
        ("deep/er/ai/posts.xml", "ai.stackexchange.com"),
        ("stackoverflow.com-Posts/Posts.xml", "stackoverflow.com"),
        ("mathoverflow-posts/Posts.xml", "mathoverflow.net"),
    ],
)
def test_a_dump_is_named_by_its_site(tmp_path, file, site):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert _sites.dumps(tmp_path) == {site: (path,)}
    assert _sites.dumps(path) == {site: (path,)}


@pytest.mark.parametrize(
    "file",
    [
        "stackoverflow.com-Users.7z",
        "stackoverflow.com-PostHistory.7z",
        "ai.stackexchange.com/Users.xml",
        "ai.stackexchange.com.zip",
        "._ai.stackexchange.com.7z",
        "PostLinks.xml",
    ],
)
def test_what_is_no_dump_of_posts(tmp_path, file):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    (tmp_path / "tea.7z").touch()
    assert list(_sites.dumps(tmp_path)) == ["tea.stackexchange.com"]


def test_a_folder_that_is_named_like_a_dump_is_none(tmp_path):
    (tmp_path / "ai.7z").mkdir()
    (tmp_path / "ai.7z" / "tea.7z").touch()
    assert list(_sites.dumps(tmp_path)) == ["tea.stackexchange.com"]


def test_the_packaged_groups_are_full_names_and_no_site_is_in_two():
    groups = _sites.groups()
    names = [name for group in groups.values() for name in group]
    assert {"stem", "other"} <= set(groups)
    assert [_sites.full_name(name) for name in names] == names
    assert len(set(names)) == len(names)


def test_a_renamed_site_is_known_by_both_names():
    other = _sites.groups()["other"]
    assert {"beer.stackexchange.com", "alcohol.stackexchange.com"} <= set(other)


def test_an_unknown_group_says_which_there_are(tmp_path):
    with pytest.raises(SourceError, match="no group steam; right would be stem, other, excluded, or a list of names"):
        _sites.in_group(tmp_path, ["ai.stackexchange.com"], "steam")


def test_a_long_list_of_what_is_there_is_cut(tmp_path):
    there = [f"s{n:02}.stackexchange.com" for n in range(30)]
    with pytest.raises(SourceError, match=r"s19\.stackexchange\.com and 10 more$"):
        _sites.by_name(tmp_path, there, ["ai"])


@pytest.fixture
def three_sites(tmp_path, monkeypatch):
    monkeypatch.setattr(
        _sites, "groups", lambda: {"stem": ["tea.stackexchange.com"], "other": ["art.stackexchange.com"]}
    )
    for file in ("tea/Posts.xml", "ham.stackexchange.com/Posts.xml", "deep/stackoverflow.com-Posts.7z"):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("sites", "names"),
    [
        pytest.param(None, ["ham.stackexchange.com", "stackoverflow.com", "tea.stackexchange.com"], id="all, sorted"),
        pytest.param("stem", ["tea.stackexchange.com"], id="those of a group"),
        pytest.param(["tea", "stackoverflow"], ["stackoverflow.com", "tea.stackexchange.com"], id="short names"),
        pytest.param(["ham.stackexchange.com", "ham"], ["ham.stackexchange.com"], id="a site asked for twice"),
    ],
)
def test_which_sites_are_read(three_sites, sites, names):
    assert [part.name for part in stackexchange(three_sites, sites=sites)] == names


def test_a_site_that_is_not_there(three_sites):
    with pytest.raises(
        SourceError, match=r"no dump of coffee; there are: ham\.stackexchange\.com, stackoverflow\.com"
    ) as e:
        stackexchange(three_sites, sites=["tea", "coffee"])
    assert not isinstance(e.value, SourceMissing)


def test_a_group_of_which_nothing_is_there(three_sites):
    with pytest.raises(SourceMissing, match="no dump of a site of the group other; there are: ham"):
        stackexchange(three_sites, sites="other")


def test_without_py7zr_only_archives_fail_and_say_what_to_install(three_sites, monkeypatch):
    monkeypatch.setitem(sys.modules, "py7zr", None)
    with pytest.raises(SourceError, match=r"pip install 'curate-lm\[dumps\]'"):
        stackexchange(three_sites)
    assert len(stackexchange(three_sites, sites=["ham", "tea"])) == 2
