"""Names find files; a wrong name gets a suggestion."""

from __future__ import annotations

import pytest

from pytest_unlearn.registry import GRADERS, METHODS, PROBES, UnknownNameError


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
