"""The documentation as a site: no link leads nowhere, and its code is what the tests run."""

import os
import re
import subprocess
import sys

from tests.support.environments import ROOT


def test_the_site_is_built_with_no_warning(tmp_path):
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").glob("**/*.md")}
    pages = {page.with_name("index.html") if page.name == "README.html" else page for page in pages}
    assert {page for page in pages if not (tmp_path / "site" / page).is_file()} == set()
    assert "made" in (tmp_path / "site/library.html").read_text(), "the members of EksCluster"
    assert (tmp_path / "site/search/search_index.json").is_file()
    outside = re.findall(
        r'<(?:script|link)[^>]+(?:src|href)="https?://[^"]+"', (tmp_path / "site/index.html").read_text()
    )
    assert [one for one in outside if "canonical" not in one] == []


def test_the_library_page_shows_the_app_that_is_tested():
    assert (ROOT / "constructs/examples/app.py").read_text() in (ROOT / "docs/library.md").read_text()
