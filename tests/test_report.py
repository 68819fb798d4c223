"""The report: conditions, JSON, Markdown, and the page as a browser sees it."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from conftest import REPOSITORY
from test_evaluation import SHOP, changed, shop

from fixturesynth.errors import InputError, SpecError, ThresholdError
from fixturesynth.evaluation import MetricRecord, Report, Requirement, Summary, Verdict, evaluate
from fixturesynth.evaluation.pagestyle import STYLE
from fixturesynth.evaluation.pictures import Picture
from fixturesynth.evaluation.reportschema import report_json_schema
from fixturesynth.evaluation.tablepanels import MOST_PLOTS

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
    assert body.index(report.verdict.text) < body.index("Valid</a>") < body.index("What gives it away</h2>")
    promised = re.findall(r'class="card"><h2><a href="#\w+">(\w+)</a>', body)
    assert promised == ["Valid", "Real", "Useful", "Private", "Fair"]
    assert "price, tax" in body and "customers → orders" in body


def browser() -> str:
    found = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome")) if p), None)
    if found is None:
        if os.environ.get("CI") and "chromium" not in os.environ.get("FIXTURESYNTH_CI_WITHOUT", "").split(","):
            pytest.fail("no Chromium under CI, and FIXTURESYNTH_CI_WITHOUT does not name it")
        pytest.skip("no Chromium on this machine")
    return found


def render(page: Path, folder: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    """The page through headless Chromium, with everything that it says on stderr."""
    return subprocess.run(
        [
            browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
            f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--v=0", *more, page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "HOME": str(folder)},
    )  # fmt: skip


PROBE = """<script>
const wide = [...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll') && !e.closest('svg')
  && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + '.' + e.className);
const dead = [...document.links].filter(a => !document.getElementById(a.hash.slice(1))).map(a => a.href);
const fetched = performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith('data:'));
parent.postMessage(JSON.stringify({wide, dead, fetched, figures: document.querySelectorAll('figure').length,
  background: getComputedStyle(document.body).backgroundColor, width: innerWidth}), '*');
</script>"""
# A window of Chromium is at least 500 pixels wide; a frame may be as narrow as a phone.
FRAME = """<!doctype html><html><head><meta name="color-scheme" content="light dark"><title></title>
<script>addEventListener('message', e => { document.title = e.data; })</script></head>
<body><iframe src="report.html" width="%d" height="900" style="border:0"></iframe></body></html>"""


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, False), (390, True)])
def test_page_renders_in_a_browser(report: Report, tmp_path: Path, width: int, dark: bool) -> None:
    """Headless Chromium, wide and narrow, light and dark: no complaint, links lead somewhere, nothing is fetched,
    nothing is cut off at the side, every plot is there."""
    path = tmp_path / "report.html"
    # The page forbids scripts by its own policy, which the probe has to take away to look around.
    html = re.sub(r"<meta http-equiv=[^>]*>", "", report.to_html())
    path.write_text(html.replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME % width, encoding="utf-8")
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    done = render(frame, tmp_path, scheme, "--window-size=1400,1000", "--virtual-time-budget=5000", "--dump-dom")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "CONSOLE" not in done.stderr, done.stderr[-2000:]
    found = re.search(r"<title>(\{.*?\})</title>", done.stdout)
    assert found is not None, done.stdout[:2000]
    seen = json.loads(unescape(found[1]))
    assert (seen["dead"], seen["fetched"], seen["wide"]) == ([], [], [])
    assert seen["width"] == width
    assert seen["figures"] == len(report.pictures) >= 5
    assert seen["background"] == ("rgb(18, 22, 28)" if dark else "rgb(246, 247, 249)")


def test_page_as_it_is_saved_makes_no_noise(report: Report, tmp_path: Path) -> None:
    """With its own policy, which lets nothing in: not a word on the console, and the whole page laid out."""
    done = render(report.save(tmp_path / "report.html"), tmp_path, "--dump-dom")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "CONSOLE" not in done.stderr, done.stderr[-2000:]
    assert done.stdout.rstrip().endswith("</html>")


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_read(scheme: str) -> None:
    """Texts have a contrast of 4.5 on what they stand on (WCAG AA), lines and areas of plots 3 on their card."""
    light, dark = STYLE.split("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", light))
    if scheme == "dark":
        found |= dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", dark))

    def contrast(one: str, other: str) -> float:
        high, low = sorted((luminance(found[one]), luminance(found[other])), reverse=True)
        return (high + 0.05) / (low + 0.05)

    texts = [(t, on) for t in ("text", "dim", "link") for on in ("page", "card")]
    texts += [("good", "good-soft"), ("bad", "bad-soft"), ("dim", "h0")]
    assert {pair: contrast(*pair) for pair in texts if contrast(*pair) < 4.5} == {}
    shapes = [(c, "card") for c in ("real", "syn", "good", "bad")]
    assert {pair: contrast(*pair) for pair in shapes if contrast(*pair) < 3} == {}


def test_pages_of_many_tables_stay_small() -> None:
    """400 tables of 20 columns: a page of a few megabytes that says what it leaves out."""
    tables = [f"t{i:03d}" for i in range(400)]
    edges = tuple(float(i) for i in range(41))
    flat = tuple([0.025] * 40)
    pictures = tuple(
        Picture("number", t, f"c{j}", flat, flat, edges=edges) for t in tables for j in range(20)
    )  # fmt: skip
    metrics = tuple(
        MetricRecord("statistical.shape", t, None, (f"c{j}",), 0.9, 1.0, (0, 1), "higher", 0.95, "short")
        for t in tables
        for j in range(20)
    )
    summary = {"statistical.shape": Summary("statistical.shape", 8000, 0.9, 0.9, 0.9, 1.0)}
    rows = {side: dict.fromkeys(tables, 100) for side in ("real", "synthetic")}
    report = Report(summary, metrics, (), Verdict(False, "short"), provenance={"rows": rows}, pictures=pictures)
    html = report.to_html()
    assert len(html) < 3_000_000
    assert html.count("<figure>") == MOST_PLOTS
    assert f"{8000 - MOST_PLOTS:,} are left out" in html


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
    assert report.save(tmp_path / "r.xml").read_text(encoding="utf-8").startswith("<?xml")
    with pytest.raises(InputError, match=r"\.html, \.json, \.md or \.xml"):
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


def test_json_keeps_to_the_published_schema(report: Report) -> None:
    """When the first line fails after a change of the records: write ``report_json_schema()`` to the file again."""
    published = json.loads((REPOSITORY / "schemas" / "report.schema.json").read_text(encoding="utf-8"))
    assert published == json.loads(json.dumps(report_json_schema()))
    body = json.loads(report.to_json())
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(body, published, cls=jsonschema.Draft202012Validator)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body | {"verdict": {"passed": "yes"}}, published)


def test_promises_speak_for_their_measures(report: Report) -> None:
    """Each promise has the figure of a measure that falls short where there is one, and says where."""
    promises = {p.name: p for p in report.promises}
    assert list(promises) == ["valid", "real", "useful", "private", "fair"]
    # One column is reversed against the others: only what looks at columns together can see it.
    real = promises["real"]
    assert real.verdict == "short" and 0 < real.short <= real.measures
    assert report.summary[real.metric].verdict == "short" and report.summary[real.metric].worst in real.sentence
    for p in promises.values():
        group = {s.verdict for s in report.summary.values() if s.name == p.metric}
        assert p.sentence and (p.verdict == "not judged" or p.verdict in group)
    assert "held-out rows" in promises["private"].sentence


def test_requirements_decide_and_those_that_fail_come_first() -> None:
    rows, again = shop(seed=1), shop(seed=2)
    asked = ["validity>=1", "statistical.shape>=2", "detection.c2st>=0.5", "privacy.membership_auc<=0.6"]
    report = evaluate(rows, again, SHOP, detection=False, require=asked)
    said = [(r.metric, r.passed) for r in report.requirements]
    assert said[:3] == [
        ("statistical.shape", False), ("detection.c2st", False), ("privacy.membership_auc", False),
    ]  # fmt: skip
    assert all(passed and metric.startswith("validity.") for metric, passed in said[3:]) and len(said) > 5
    assert "not trained" in report.requirements[1].said and "held-out rows" in report.requirements[2].said
    assert not report.passed
    lax = evaluate(rows, again, SHOP, detection=False, require=["statistical.shape>=0.5", "privacy.copies < 50%"])
    assert lax.passed and all(r.passed for r in lax.requirements)


def test_requirements_of_the_spec_count_too(tmp_path: Path) -> None:
    path = tmp_path / "fixturesynth.yaml"
    rows = shop(seed=1)
    for text in ('[validity>=1, "statistical.shape > 1.5"]', '{validity: ">=1", statistical.shape: "> 1.5"}'):
        path.write_text(f"version: 1\nevaluation:\n  require: {text}\n", encoding="utf-8")
        report = evaluate(rows, rows, SHOP, detection=False, spec=path)
        assert not report.passed and [r.metric for r in report.requirements if not r.passed] == ["statistical.shape"]
    path.write_text("version: 1\nevaluation:\n  require: [statistical.shap>=1]\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"did you mean 'statistical\.shape'"):
        evaluate(rows, rows, SHOP, detection=False, spec=path)
    path.write_text("version: 1\nevaluation:\n  require: [statistical.shape]\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"yaml:3: evaluation\.require"):
        evaluate(rows, rows, SHOP, detection=False, spec=path)


@pytest.mark.parametrize("group", ["detection", "utility", "privacy"])
def test_what_was_not_measured_fails_a_requirement(group: str) -> None:
    """Never passed in silence: neither a single metric nor as part of its group."""
    report = evaluate(shop(seed=1), shop(seed=2), SHOP, detection=False)
    with pytest.raises(ThresholdError, match="cannot be judged: nothing was measured"):
        report.require(f"{group}<=1")


def test_junit_has_a_case_for_every_requirement_rule_and_metric(report: Report) -> None:
    judged = replace(
        report,
        requirements=(
            Requirement("statistical.shape>=2", "statistical.shape", "mean", 0.9, ">=", 2.0, False, "0.9 < 2\x00"),
        ),
    )
    suites = ElementTree.fromstring(judged.to_junit())
    by_name = {suite.get("name"): suite for suite in suites}
    assert by_name["required"][0].find("failure") is not None
    assert len(by_name["rules of the schema"]) == len(report.validity)
    cases = {(c.get("classname"), c.get("name")): c for suite in suites for c in suite}
    for name, s in report.summary.items():
        if s.count:
            assert (cases[name, "all tables"].find("failure") is not None) == (s.verdict == "short")
    tables = {(r.name, r.table) for r in report.metrics}
    assert tables <= set(cases)
    assert int(suites.get("tests", 0)) == len([c for suite in suites for c in suite])
    assert int(suites.get("failures", 0)) == len(list(suites.iter("failure"))) > 1


def test_markdown_fits_a_comment_on_a_pull_request(report: Report) -> None:
    many = replace(report, notes=tuple(f"note {i}" for i in range(5_000)))
    assert len(many.to_markdown()) < 65_536 and "more" in many.to_markdown()
    assert "**real**" in report.to_markdown() and "✗" in report.to_markdown()
