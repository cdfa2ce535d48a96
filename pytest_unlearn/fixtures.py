"""The fixtures of the plugin: the run, and a subject for tests of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_unlearn.asserting import UnderTest
    from pytest_unlearn.runner.session import Session


@pytest.fixture(scope="session")
def unlearn_session(request: pytest.FixtureRequest) -> Session:
    """The run that judges checks; override it in a conftest to judge them elsewhere."""
    from pytest_unlearn.plugin import session

    return session(request.config)


@pytest.fixture(scope="module")
def unlearn_subject(request: pytest.FixtureRequest, unlearn_session: Session) -> UnderTest:
    """The candidate of a scenario, for `assert_forgotten` and `assert_retained`: that of `--unlearn-candidate`, else
    the scenario's own. `pytestmark = pytest.mark.unlearn_scenario(path)` names the scenario, relative to the tests;
    without it there is one beside them.
    """
    mark = request.node.get_closest_marker("unlearn_scenario")
    said = dict(zip(("path", "target", "candidate"), mark.args, strict=False)) | mark.kwargs if mark else {}
    folder = Path(request.node.path).parent
    return subject_of(
        request.config,
        unlearn_session,
        folder / said["path"] if "path" in said else _beside(folder),
        said.get("target", ""),
        said.get("candidate", ""),
    )


def subject_of(config: pytest.Config, session: Session, path: Path, target: str, candidate: str) -> UnderTest:
    """What a scenario is about, with the candidates of the command line; a mistake fails the test in words."""
    from pytest_unlearn.asserting import under_test
    from pytest_unlearn.collect import candidates
    from pytest_unlearn.errors import UnlearnError

    try:
        return under_test(session, path, config.rootpath, candidates(config), target=target, candidate=candidate)
    except UnlearnError as error:
        pytest.fail(str(error), pytrace=False)


def _beside(folder: Path) -> Path:
    found = sorted(folder.glob("*.unlearn.yaml"))
    if len(found) != 1:
        pytest.fail(
            f"there are {len(found)} scenarios beside these tests: name one with "
            "`pytestmark = pytest.mark.unlearn_scenario('NAME.unlearn.yaml')`",
            pytrace=False,
        )
    return found[0]
