"""Names find files; a wrong name gets a suggestion."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.registry import GRADERS, METHODS, PROBES, UnknownNameError
from pytest_unlearn.scenario.border import entry_of
from pytest_unlearn.scenario.nodes import document_of
from pytest_unlearn.scenario.problems import Problems


def test_built_in_names_are_the_files_of_the_package() -> None:
    assert {"alias", "direct", "inverse", "multi_hop", "paraphrase"} <= set(PROBES.names())
    assert "probe" not in PROBES.names()
    assert "space" not in PROBES.names()


def test_a_near_miss_is_corrected() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown probe kind 'dirct' - did you mean 'direct'\?"):
        PROBES.get("dirct")


def test_a_far_miss_lists_what_is_known() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown grader 'zzz' \(known: overlap, rank, text, verbatim\)"):
        GRADERS.get("zzz")


def test_an_entry_tells_its_config_and_its_facts() -> None:
    entry = METHODS.get("npo")
    assert entry.config().beta == 0.1
    assert "forget" in entry.facts["needs"]
    assert entry.about


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in of two probe kinds: the module of one registers nothing, and that of the other is not there."""
    about = tmp_path / "half_plugin-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: half-plugin\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[pytest_unlearn.probes]\nhalf_silent = half_plugin_silent\nhalf_gone = half_plugin_gone\n"
    )
    (tmp_path / "half_plugin_silent.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("installed")
def test_a_plug_in_that_does_not_register_its_name_is_told() -> None:
    with pytest.raises(UnlearnError) as caught:
        PROBES.get("half_silent")
    assert str(caught.value) == (
        "the probe kind 'half_silent' was loaded, but it does not register that name: decorate its function with "
        "`register('half_silent')`"
    )


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("half_gone", "the probe kind 'half_gone' cannot be imported: No module named 'half_plugin_gone'"),
        (
            "half_silent",
            "the probe kind 'half_silent' was loaded, but it does not register that name: decorate its function with "
            "`register('half_silent')`",
        ),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_a_mistake_where_it_is_named(tmp_path: Path, name: str, told: str) -> None:
    problems = Problems(document_of(f"ask: {name}", tmp_path / "a.yaml"))
    assert entry_of(PROBES, name, ("ask",), problems) is None
    with pytest.raises(UnlearnError) as caught:
        problems.stop()
    assert str(caught.value) == f"{tmp_path}/a.yaml:1:6: {told}\n    ask: {name}\n         ^"
