#!/usr/bin/env python3
"""Opens the report's pages in headless Chromium: plots are drawn, nothing complains, nothing is loaded.

    tests/html_page_test.py REPORT_EXAMPLE

REPORT_EXAMPLE is the program that writes the pages of made-up records and of a made-up sweep. Exit status 77 (skipped) where
Chromium or the plot library is absent.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path

SKIPPED = 77
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find_browser():
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


class Elements(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def elements_of(html):
    parser = Elements()
    parser.feed(html)
    return parser.found


def open_page(browser, page, profile):
    """The document after its scripts ran, and what the browser logged. No host name resolves."""
    run = subprocess.run(
        [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         f"--user-data-dir={profile}", "--window-size=1280,2000", "--virtual-time-budget=20000",
         "--enable-logging=stderr", "--host-resolver-rules=MAP * ~NOTFOUND",
         "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True)
    return run.stdout, run.stderr


class PageTests:
    """What holds for each page."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="bitgauge_page_")
        folder = Path(cls.folder.name)
        page = folder / "page.html"
        subprocess.run([EXAMPLE, cls.option, page], check=True)
        cls.source = page.read_text(encoding="utf-8")
        cls.document, cls.log = open_page(BROWSER, page, folder / "profile")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_every_plot_is_drawn(self):
        wanted = len(re.findall(r'data-target="', self.source))
        self.assertGreaterEqual(wanted, self.least_plots)
        self.assertIn(f'data-plots="{wanted}"', self.document)
        drawn = re.findall(r'<div class="plot[^"]*" id="[^"]+"[^>]*>\s*<svg|<svg[^>]*class="marks"',
                           self.document)
        self.assertGreaterEqual(len(drawn), wanted)

    def test_plots_have_marks(self):
        marks = len(re.findall(r'aria-roledescription="(?:point|line mark|rule mark|bar|rect mark)"',
                               self.document))
        self.assertGreater(marks, 50)

    def test_the_console_is_silent(self):
        said = [line for line in self.log.splitlines() if "CONSOLE" in line]
        self.assertEqual(said, [])

    def test_no_element_loads_anything(self):
        for tag, attributes in elements_of(self.document):
            for name in ("src", "srcset", "data", "poster", "background"):
                self.assertNotIn(name, attributes, f"<{tag} {name}=...>")
            if tag != "a":
                self.assertFalse(attributes.get("href", "").startswith(("http:", "https:", "//")))
        self.assertNotIn("link", [tag for tag, _ in elements_of(self.document)])

    def test_names_are_text(self):
        self.assertIn("&lt;/script&gt;&lt;script&gt;alert(1)", self.document)
        self.assertNotIn("<script>alert(1)", self.document)


class RecordsPage(PageTests, unittest.TestCase):
    option = "--page"
    least_plots = 5


class SweepPage(PageTests, unittest.TestCase):
    option = "--sweep-page"
    least_plots = 3


if __name__ == "__main__":
    EXAMPLE = sys.argv.pop(1)
    BROWSER = find_browser()
    if BROWSER is None:
        print("skipped: no Chromium here (apt install chromium)")
        sys.exit(SKIPPED)
    probe = Path(tempfile.mkdtemp()) / "page.html"
    subprocess.run([EXAMPLE, "--page", probe], check=True)
    if "data-target=" not in probe.read_text(encoding="utf-8"):
        print("skipped: this build has no plot library (scripts/vega_bundle.py)")
        sys.exit(SKIPPED)
    shutil.rmtree(probe.parent)
    unittest.main()
