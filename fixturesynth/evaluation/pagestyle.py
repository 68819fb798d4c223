"""The style of the report's page: light and dark, wide and narrow; nothing is fetched from anywhere."""

__all__ = ["STYLE"]

STYLE = """
:root { color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --line: #dfe4ea; --text: #1f2733; --dim: #5d6878;
  --real: #3b6fb6; --syn: #d1660a; --good: #176f42; --good-soft: #e2f3e9; --bad: #b3261e; --bad-soft: #fbe6e4;
  --link: #2456a4; --h0: #e9edf2; --h1: #f3dcb8; --h2: #f0b97a; --h3: #e58f4d; --h4: #cf5b34; --h5: #a32a22;
  --on: #2a1606; }
@media (prefers-color-scheme: dark) {
  :root { --page: #12161c; --card: #1b212a; --line: #333d4a; --text: #e6eaf0; --dim: #9aa6b6; --real: #7db0f0;
    --syn: #f59a4a; --good: #5fcf95; --good-soft: #16382a; --bad: #ff8a80; --bad-soft: #43201e; --link: #8cb8ff;
    --h0: #29313c; --h1: #4d4129; --h2: #7a5628; --h3: #a8662a; --h4: #d0662f; --h5: #f0604a; --on: #fff6ee; }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 56px; }
body { margin: 0; background: var(--page); color: var(--text); overflow-wrap: anywhere;
  font: 15px/1.5 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main, nav > div { max-width: 1180px; margin: 0 auto; padding: 0 20px; }
nav { position: sticky; top: 0; z-index: 2; background: var(--page); border-bottom: 1px solid var(--line); }
nav > div { display: flex; gap: 18px; overflow-x: auto; white-space: nowrap; padding-top: 11px; padding-bottom: 11px;
  scrollbar-width: none; }
nav b { margin-right: 6px; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
h1 { font-size: 25px; line-height: 1.25; margin: 0 0 6px; }
h2 { font-size: 20px; margin: 44px 0 4px; }
h3 { font-size: 15px; margin: 24px 0 8px; }
p { margin: 4px 0 12px; max-width: 78ch; }
.dim, small { color: var(--dim); }
.verdict { margin: 24px 0 18px; padding: 20px 24px; border-radius: 12px; border: 1px solid var(--line);
  border-left: 7px solid var(--good); background: var(--card); }
.verdict.bad { border-left-color: var(--bad); }
.verdict ul { margin: 10px 0 0; padding-left: 20px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); gap: 12px; }
.card, figure { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px;
  margin: 0; }
.card h2 { display: flex; justify-content: space-between; align-items: center; gap: 8px; margin: 0; font-size: 15px; }
.card b { display: block; font-size: 28px; line-height: 1.35; font-variant-numeric: tabular-nums; }
.card b.none { color: var(--dim); }
.card small { display: block; font-size: 12px; line-height: 1.4; }
.card p { margin: 8px 0 0; font-size: 13.5px; line-height: 1.45; }
.short h2 { margin-top: 30px; } .short li { margin: 3px 0; max-width: 100ch; }
h3.table { font-size: 18px; margin-top: 36px; padding-top: 14px; border-top: 1px solid var(--line); }
h4 { font-size: 14px; margin: 26px 0 6px; }
details.table { border-top: 1px solid var(--line); margin: 0; padding: 10px 0; }
details.table > summary b { font-size: 16px; }
caption { text-align: left; padding: 8px 12px; color: var(--dim); }
.telling { list-style: none; margin: 0; padding: 0; min-width: 30ch; } .telling li { margin: 0 0 4px; }
.facts thead { display: none; }
code { font: 12px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.chip { display: inline-block; padding: 1px 8px; border-radius: 99px; font-size: 12px; font-weight: 600;
  white-space: nowrap; background: var(--h0); color: var(--dim); }
.chip.ok { background: var(--good-soft); color: var(--good); }
.chip.bad { background: var(--bad-soft); color: var(--bad); }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(290px, 1fr)); gap: 12px; align-items: start; }
figure svg { width: 100%; height: auto; display: block; }
figcaption { display: flex; flex-wrap: wrap; gap: 2px 8px; align-items: baseline; margin-bottom: 6px; }
figcaption b { font-size: 14px; }
figcaption small { font-size: 12px; flex-basis: 100%; }
.legend { display: flex; flex-wrap: wrap; gap: 16px; font-size: 13px; color: var(--dim); margin: 6px 0 12px; }
.legend i { display: inline-block; width: 20px; height: 10px; margin-right: 6px; border-radius: 2px; }
.legend .r { background: var(--real); } .legend .s { background: var(--syn); }
svg .t { font-size: 11px; fill: var(--text); } svg .dim { fill: var(--dim); } svg .odd { fill: var(--dim);
  font-style: italic; }
svg .on { fill: var(--on); font-size: 10px; font-weight: 600; }
.real { fill: var(--real); } .syn { fill: var(--syn); }
.real-area { fill: var(--real); fill-opacity: .38; }
.syn-line { fill: none; stroke: var(--syn); stroke-width: 1.9; stroke-linejoin: round; }
.axis, .rail { stroke: var(--line); stroke-width: 1; fill: none; }
.rail { stroke-width: 4; stroke-linecap: round; }
.run { fill: none; stroke-width: 4; stroke-linecap: round; }
.run.ok { stroke: var(--good); } .run.bad { stroke: var(--bad); } .dot.ok { fill: var(--good); }
  .dot.bad { fill: var(--bad); }
.meter { width: 180px; max-width: 100%; height: 16px; display: block; }
.meter .rail, .meter .run { stroke-width: 6; stroke-linecap: butt; } .tick { stroke: var(--text); stroke-width: 2; }
.ring { fill: var(--card); stroke: var(--real); stroke-width: 2; }
.mark { stroke: var(--text); stroke-width: 2; }
.scale { width: 220px; height: 18px; display: block; }
.heat { height: auto; display: block; margin: 10px; }
.h0 { fill: var(--h0); } .h1 { fill: var(--h1); } .h2 { fill: var(--h2); } .h3 { fill: var(--h3); }
.h4 { fill: var(--h4); } .h5 { fill: var(--h5); } .none { fill: none; stroke: var(--line); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { overflow-wrap: normal; min-width: 6ch; text-align: left; padding: 7px 12px;
  border-top: 1px solid var(--line); vertical-align: top; }
tbody th { font-weight: 600; }
thead th { border-top: 0; color: var(--dim); font-weight: 600; white-space: nowrap; }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } th.n { text-align: right; }
.rows td { white-space: nowrap; font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: 12px; overflow-wrap: normal; }
details { margin: 12px 0; }
summary { cursor: pointer; color: var(--link); }
details > :not(summary) { margin-top: 10px; }
footer { margin: 50px 0 40px; padding-top: 14px; border-top: 1px solid var(--line); font-size: 13px;
  color: var(--dim); }
@media (max-width: 560px) {
  table.rows { min-width: 620px; }
  table:not(.rows) thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  table:not(.rows), table:not(.rows) tbody { display: block; }
  table:not(.rows) tr { display: block; padding: 8px 12px; border-top: 1px solid var(--line); }
  table:not(.rows) tr:first-child { border-top: 0; }
  table:not(.rows) th[scope=row] { display: block; border: 0; padding: 0 0 2px; }
  table:not(.rows) td { display: flex; justify-content: space-between; gap: 16px; border: 0; padding: 1px 0;
    text-align: right; white-space: normal; min-width: 0; }
  td[data-l]::before { content: attr(data-l); color: var(--dim); text-align: left; flex: none; max-width: 50%; }
  table:not(.rows) td:empty { display: none; }
  table:not(.rows) td:has(ul) { display: block; text-align: left; }
  .facts td { text-align: left !important; }
  body { font-size: 15px; } main, nav > div { padding-left: 14px; padding-right: 14px; } h1 { font-size: 21px; }
  .verdict { padding: 15px 16px; } .plots { grid-template-columns: 1fr; }
  .cards { grid-template-columns: 1fr; gap: 9px; } .card b { font-size: 24px; }
}
@media print { nav { display: none; } figure, .card { break-inside: avoid; } }
"""
