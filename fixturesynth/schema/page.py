"""The style of a schema's picture and the page around it: text only, nothing is fetched from anywhere."""

__all__ = ["PAGE", "STYLE"]

STYLE = """
.schema { font-family: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  font-size: 12px; background: #f7f8fa; }
.schema .page { fill: #f7f8fa; }
.schema .box { fill: #ffffff; stroke: #c9d0da; }
.schema .head { fill: #2f4a73; }
.schema .name { fill: #ffffff; font-size: 13px; font-weight: 600; }
.schema .column { fill: #232a35; }
.schema .type { fill: #8a94a3; font-size: 10px; text-anchor: end; }
.schema .more { fill: #8a94a3; font-style: italic; font-size: 11px; }
.schema .badge { font-size: 9px; font-weight: 700; letter-spacing: .4px; fill: #8a94a3; }
.schema .badge.pk { fill: #b7791f; }
.schema .badge.fk { fill: #2b6cb0; }
.schema .badge.pf { fill: #805ad5; }
.schema .edge { fill: none; stroke: #7b8aa0; stroke-width: 1.3; }
.schema marker path { fill: none; stroke: #7b8aa0; stroke-width: 1.3; }
.schema .edge.optional { stroke-dasharray: 5 4; }
.schema .edge.cut { stroke: #d64545; stroke-width: 1.8; }
.schema marker.end-cut path { stroke: #d64545; stroke-width: 1.6; }
@media (prefers-color-scheme: dark) {
  .schema { background: #14181f; }
  .schema .page { fill: #14181f; }
  .schema .box { fill: #1d232d; stroke: #3a4454; }
  .schema .head { fill: #3b5f96; }
  .schema .column { fill: #dde3ec; }
  .schema .type, .schema .more, .schema .badge { fill: #7f8b9c; }
  .schema .badge.pk { fill: #e0b050; }
  .schema .badge.fk { fill: #6fb1f0; }
  .schema .badge.pf { fill: #b79df0; }
  .schema .edge, .schema marker path { stroke: #66758b; }
  .schema .edge.cut, .schema marker.end-cut path { stroke: #ff6b6b; }
}
"""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{{TITLE}}: {{COUNTS}}</title>
<style>
:root { color-scheme: light dark; }
html, body { margin: 0; height: 100%; overflow: hidden; background: #f7f8fa; }
body { font: 13px/1.4 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
{{STYLE}}
#picture { width: 100vw; height: 100vh; display: block; cursor: grab; touch-action: none; }
#picture.moving { cursor: grabbing; }
#picture .page { display: none; }
#picture .table { cursor: pointer; outline: none; }
#picture .table:focus-visible .box { stroke: #2b6cb0; stroke-width: 2.5; }
#picture.chosen .table:not(.lit) { opacity: .18; }
#picture.chosen .edge:not(.lit) { opacity: .07; }
#picture .table.self .box { stroke: var(--lit); stroke-width: 3; }
#picture { --far: #2f4a73; --lit: #2b6cb0; }
#picture .edge.lit:not(.cut) { stroke: var(--lit); stroke-width: 2; }
#picture.far .badge, #picture.far .column, #picture.far .type, #picture.far .more { display: none; }
#picture.far .edge { stroke-width: 2; }
#bar { position: fixed; top: 12px; left: 12px; display: flex; gap: 8px; align-items: center; padding: 8px 12px;
  background: #ffffffee; border: 1px solid #c9d0da; border-radius: 9px; box-shadow: 0 2px 10px #0002; color: #232a35; }
#bar b { max-width: 28ch; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
#bar span { color: #6b7686; white-space: nowrap; }
#bar input { width: 22ch; padding: 5px 8px; border: 1px solid #c9d0da; border-radius: 6px; font: inherit;
  background: transparent; color: inherit; }
#bar button { padding: 5px 10px; border: 1px solid #c9d0da; border-radius: 6px; background: transparent;
  color: inherit; font: inherit; cursor: pointer; }
#legend { position: fixed; bottom: 12px; left: 12px; display: flex; gap: 16px; padding: 7px 12px; color: #6b7686;
  background: #ffffffee; border: 1px solid #c9d0da; border-radius: 9px; font-size: 12px; }
#legend i { display: inline-block; width: 26px; margin-right: 6px; vertical-align: middle;
  border-top: 2px solid #7b8aa0; }
#legend i.optional { border-top-style: dashed; }
#legend i.cut { border-top-color: #d64545; }
@media (prefers-color-scheme: dark) {
  html, body { background: #14181f; }
  #picture { --far: #a9c9f5; --lit: #6fb1f0; }
  #picture.chosen .table:not(.lit) { opacity: .3; }
  #bar, #legend { background: #1d232dee; border-color: #3a4454; color: #dde3ec; }
  #bar input, #bar button { border-color: #3a4454; }
  #bar span, #legend { color: #8d99aa; }
}
</style>
</head>
<body>
{{SVG}}
<div id="bar"><b>{{TITLE}}</b><span>{{COUNTS}}</span>
<input id="search" list="names" placeholder="Find a table ( / )" autocomplete="off" aria-label="Find a table">
<datalist id="names">{{OPTIONS}}</datalist><button id="fit" type="button">Fit</button></div>
<div id="legend"><span><i></i>reference</span><span><i class="optional"></i>may be NULL</span>
<span><i class="cut"></i>cut from the load order</span></div>
<script>
"use strict";
const svg = document.getElementById("picture"), search = document.getElementById("search");
const tables = [...svg.querySelectorAll(".table")], edges = [...svg.querySelectorAll(".edge")];
const whole = svg.viewBox.baseVal, all = {x: whole.x, y: whole.y, w: whole.width, h: whole.height};
let view = {...all}, drag = null, moved = false;
const scale = () => Math.min(svg.clientWidth / view.w, svg.clientHeight / view.h);
function show() {
  svg.setAttribute("viewBox", [view.x, view.y, view.w, view.h].join(" "));
  const far = scale() < 0.42;
  svg.classList.toggle("far", far);
  for (const table of tables) {
    const name = table.querySelector(".name"), box = table.querySelector(".box");
    const head = table.querySelector(".head");
    if (!name.dataset.short) name.dataset.short = name.textContent;
    head.style.display = "";
    if (far) {
      const width = box.width.baseVal.value, height = box.height.baseVal.value;
      const full = table.dataset.name;
      const size = Math.max(11, Math.min(13 / scale(), (width - 14) / (full.length * 0.62), height * 0.5));
      name.textContent = full;
      name.style.fontSize = size + "px";
      name.setAttribute("x", width / 2); name.setAttribute("y", height / 2 + size * 0.36);
      name.style.textAnchor = "middle"; name.style.fill = "var(--far)"; head.style.display = "none";
    } else {
      name.textContent = name.dataset.short;
      name.style.cssText = "";
      name.setAttribute("x", 12); name.setAttribute("y", 20);
    }
  }
}
function fit(box) {
  const width = svg.clientWidth, height = svg.clientHeight;
  const factor = Math.min(width / box.w, (height - 110) / box.h, 1.25);
  view = {w: width / factor, h: height / factor};
  view.x = box.x + box.w / 2 - view.w / 2;
  view.y = box.y + box.h / 2 - view.h / 2 - 8 / factor;
  show();
}
function point(event) {
  const box = svg.getBoundingClientRect(), factor = scale();
  return {x: view.x + view.w / 2 + (event.clientX - box.width / 2) / factor,
          y: view.y + view.h / 2 + (event.clientY - box.height / 2) / factor};
}
svg.addEventListener("wheel", event => {
  event.preventDefault();
  const at = point(event), factor = Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.004);
  const next = Math.max(120, Math.min(all.w * 4 + 4000, view.w * factor)) / view.w;
  view = {x: at.x - (at.x - view.x) * next, y: at.y - (at.y - view.y) * next, w: view.w * next, h: view.h * next};
  show();
}, {passive: false});
svg.addEventListener("pointerdown", event => {
  drag = {x: event.clientX, y: event.clientY, view: {...view}}; moved = false;
});
window.addEventListener("pointermove", event => {
  if (!drag) return;
  const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
  if (Math.hypot(dx, dy) > 4) { moved = true; svg.classList.add("moving"); }
  if (!moved) return;
  view.x = drag.view.x - dx / scale(); view.y = drag.view.y - dy / scale();
  svg.setAttribute("viewBox", [view.x, view.y, view.w, view.h].join(" "));
});
window.addEventListener("pointerup", () => { drag = null; svg.classList.remove("moving"); });
function choose(name) {
  const near = new Set([name]);
  for (const edge of edges) {
    const lit = edge.dataset.child === name || edge.dataset.parent === name;
    edge.classList.toggle("lit", lit);
    if (lit) { near.add(edge.dataset.child); near.add(edge.dataset.parent); }
  }
  for (const table of tables) {
    table.classList.toggle("lit", near.has(table.dataset.name));
    table.classList.toggle("self", table.dataset.name === name);
  }
  svg.classList.toggle("chosen", name !== null);
}
function go(name) {
  const table = tables.find(t => t.dataset.name === name);
  if (!table) return;
  choose(name);
  const [, x, y] = table.getAttribute("transform").match(/translate\\(([-\\d.]+) ([-\\d.]+)\\)/).map(Number);
  const box = table.querySelector(".box");
  const w = box.width.baseVal.value, h = box.height.baseVal.value;
  fit({x: x + 60 - 500, y: y + 60 - 300, w: w + 1000, h: h + 600});
}
svg.addEventListener("click", event => {
  if (moved) return;
  const table = event.target.closest(".table");
  choose(table ? table.dataset.name : null);
});
search.addEventListener("input", () => {
  const text = search.value.trim().toLowerCase();
  if (!text) { choose(null); return; }
  const exact = tables.find(t => t.dataset.name.toLowerCase() === text);
  if (exact) { go(exact.dataset.name); return; }
  choose(null);
  svg.classList.add("chosen");
  for (const table of tables) table.classList.toggle("lit", table.dataset.name.toLowerCase().includes(text));
});
search.addEventListener("keydown", event => {
  if (event.key !== "Enter") return;
  const text = search.value.trim().toLowerCase();
  const table = tables.find(t => t.dataset.name.toLowerCase().includes(text));
  if (text && table) go(table.dataset.name);
});
window.addEventListener("keydown", event => {
  if (event.key === "/" && document.activeElement !== search) { event.preventDefault(); search.focus(); }
  if (event.key === "Escape") { search.value = ""; search.blur(); choose(null); fit(all); }
  if (event.key === "Enter" && document.activeElement.classList.contains("table"))
    choose(document.activeElement.dataset.name);
});
document.getElementById("fit").addEventListener("click", () => fit(all));
window.addEventListener("resize", () => { if (!svg.classList.contains("chosen")) fit(all); });
fit(all);
if (location.hash.length > 1) go(decodeURIComponent(location.hash.slice(1)));
</script>
</body>
</html>
"""
