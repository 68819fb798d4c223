"""The report: conditions, JSON, Markdown, and the page as a browser sees it."""

import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from test_evaluation import SHOP, changed, shop

from fixturesynth.errors import InputError, ThresholdError
from fixturesynth.evaluation import Report, evaluate

VOID = {"meta", "link", "br", "hr", "img", "input"}


@pytest.fixture(scope="module")
def report() -> Report:
    again = shop(seed=2)
    return evaluate(
        shop(seed=1), changed(again, "orders", tax=again.arrow("orders").column("tax").to_numpy()[::-1]), SHOP
    )


class Page(HTMLParser):
    """Well-formedness, ids, links, and everything that could be fetched."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            self.attributes.append((name, value or ""))
            if name == "id":
                self.ids.append(value or "")
            if name == "href" and tag == "a":
                self.links.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes <{self.open[-1:]}>"
        self.open.pop()


def test_page_is_whole_and_points_nowhere_outside(report: Report) -> None:
    """Tags close in order, ids are unique, anchors resolve, nothing is fetched."""
    page = Page(report.to_html())
    assert not page.open
    assert len(set(page.ids)) == len(page.ids)
    assert page.links and all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert not [value for _, value in page.attributes if re.search(r"(https?:)?//", value)]
    assert not re.search(r"@import|url\(|<script|<iframe", report.to_html())


def test_page_says_the_verdict_first(report: Report) -> None:
    html = report.to_html()
    body = html[html.index("<main>") :]
    assert body.index(report.verdict.text) < body.index("Validity</h2>")
    assert "price, tax" in body and "customers → orders" in body


def test_page_renders_in_a_browser(report: Report, tmp_path: Path) -> None:
    """Headless Chromium: no complaint on its console, and every section laid out."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    path = report.save(tmp_path / "report.html")
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
            f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--v=0", "--dump-dom", path.as_uri(),
        ],
        capture_output=True, text=True, timeout=90, check=False, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "CONSOLE" not in done.stderr
    assert done.stdout.count("<figure>") == len(report.pictures)
    assert done.stdout.rstrip().endswith("</html>")


def test_json_holds_every_figure(report: Report) -> None:
    body = json.loads(report.to_json())
    assert body["verdict"]["passed"] is False
    assert len(body["metrics"]) == len(report.metrics)
    assert body["summary"]["statistical.shape"]["mean"] == report.summary["statistical.shape"].mean
    assert {"name", "table", "edge", "columns", "score", "floor", "range", "direction", "threshold", "verdict"} <= set(
        body["metrics"][0]
    )
    assert body["provenance"]["rows"]["real"] == {"customers": 200, "orders": 1200}


def test_save_chooses_by_the_ending(report: Report, tmp_path: Path) -> None:
    assert report.save(tmp_path / "deep" / "r.md").read_text(encoding="utf-8").startswith("# Falls short")
    assert json.loads(report.save(tmp_path / "r.json").read_text(encoding="utf-8"))
    with pytest.raises(InputError, match=r"\.html, \.json or \.md"):
        report.save(tmp_path / "r.pdf")


def test_require_passes_or_names_what_fell_short(report: Report) -> None:
    """By how much and where; several at once."""
    report.require(
        ["validity>=1", "statistical.shape >= 0.5", "statistical.cardinality.min>=0.5", "privacy.copies<=100%"]
    )
    with pytest.raises(ThresholdError) as caught:
        report.require(["statistical.pair.min>=0.95", "statistical.shape>=2", "validity>=1"])
    assert "statistical.pair.min is" in str(caught.value) and "statistical.shape.mean is" in str(caught.value)
    assert "validity" not in str(caught.value) and "short" in str(caught.value) and "price, tax" in str(caught.value)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("shape>=0.9", "did you mean 'statistical.shape'"),
        ("statistical.shpe>=0.9", "did you mean 'statistical.shape'"),
        ("statistical.shape.mode>=0.9", "there are|did you mean"),
        ("validty>=1", "did you mean 'validity'"),
        ("statistical.shape", "write GROUP.METRIC>=NUMBER"),
        ("statistical.shape>=many", "write GROUP.METRIC>=NUMBER"),
    ],
)
def test_require_refuses_what_it_does_not_know(report: Report, condition: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        report.require(condition)


def test_unknown_metric_gets_a_suggestion(report: Report) -> None:
    with pytest.raises(InputError, match=r"did you mean 'detection\.c2st_joined'"):
        report.of("detection.c2st_join")
    worst = report.weakest("statistical.pair", 1)[0]
    assert worst.score == report.summary["statistical.pair"].minimum


def test_frames_hold_every_figure(report: Report) -> None:
    """One row each, with interval and floor; the summary beside it."""
    assert not report.passed
    frame = report.to_pandas()
    assert len(frame) == len(report.metrics) and set(frame["metric"]) == {r.name for r in report.metrics}
    shape = frame[(frame["metric"] == "statistical.shape") & (frame["columns"] == "price")].iloc[0]
    assert shape["low"] <= shape["score"] <= shape["high"] and shape["group"] == "statistical"
    summary = report.frames["summary"].set_index("metric")
    assert list(summary.index) == list(report.summary)
    assert summary.loc["statistical.pair", "score"] == report.summary["statistical.pair"].mean
    assert set(report.frames) == {"summary", "metrics", "validity", "left_out"}


def test_notebooks_show_verdict_and_metrics(report: Report) -> None:
    """Tags close, names are escaped, nothing is fetched."""
    html = report._repr_html_()
    page = Page(html)
    assert not page.open and "http" not in html
    assert report.verdict.text in html and "Pair trends" in html and "short" in html


def test_a_group_is_asked_of_each_of_its_metrics(report: Report) -> None:
    """What has nothing to measure is passed over; the figure may be named."""
    report.require("validity>=1")
    report.require("validity.min>=1")
    with pytest.raises(ThresholdError) as caught:
        report.require("detection>=0.999")
    named = set(re.findall(r"detection\.\w+", str(caught.value)))
    assert "detection.c2st" in named and len(named) == len([n for n in report.summary if n.startswith("detection.")])
