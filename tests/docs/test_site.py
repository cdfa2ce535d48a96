"""The documentation builds into a site in which every page stands on its shelf and no link leads nowhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def build(site: Path, config: Path = ROOT / "mkdocs.yml") -> subprocess.CompletedProcess[str]:
    words = ["mkdocs", "build", "--strict", "--config-file", str(config), "--site-dir", str(site)]
    return subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    run = build(folder)
    assert run.returncode == 0, run.stderr
    return folder


def test_the_shelves_stand_in_the_order_in_which_a_newcomer_walks(site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    tabs = re.findall(r'class="md-tabs__link">\s*(.*?)\s*</a>', home)
    assert tabs == ["Home", "Tutorial", "How-to", "Explanation", "Reference"]


def test_every_page_is_on_a_shelf(site: Path) -> None:
    links = re.findall(r'<a href="([\w/-]+)/" class="md-nav__link">', (site / "index.html").read_text(encoding="utf-8"))
    pages = {str(page.relative_to(ROOT / "docs").with_suffix("")) for page in (ROOT / "docs").rglob("*.md")}
    assert set(links) | {"index"} == pages


def test_a_block_that_is_a_file_shows_its_name(site: Path) -> None:
    page = (site / "how-to" / "questions-and-documents" / "index.html").read_text(encoding="utf-8")
    assert '<span class="filename">data/forget.jsonl</span>' in page


@pytest.mark.parametrize("link", ["../README.md", "none.md", "index.md#none"])
def test_a_link_that_leads_nowhere_breaks_the_build(tmp_path: Path, link: str) -> None:
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    (tmp_path / "README.md").touch()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# Home\n\n[there]({link})\n", encoding="utf-8")
    run = build(tmp_path / "site", tmp_path / "mkdocs.yml")
    assert run.returncode == 1
    assert link.removeprefix("index.md") in run.stderr
