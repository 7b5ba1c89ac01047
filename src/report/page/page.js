"use strict";
// Draws the plots, redraws them when the colour scheme changes, and sorts tables by a click.

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function theme(width) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const font = getComputedStyle(document.body).fontFamily;
  return {
    background: "transparent",
    font,
    view: { stroke: null },
    axis: {
      labelColor: colour("--soft"), titleColor: colour("--soft"), gridColor: colour("--line"),
      domainColor: colour("--line"), tickColor: colour("--line"),
      labelFontSize: 11, titleFontSize: 12, titleFontWeight: "normal", titlePadding: 8,
    },
    axisY: { labelLimit: width < 600 ? 120 : 240 },
    legend: { labelColor: colour("--ink"), titleColor: colour("--ink"), labelFontSize: 12 },
    text: { color: colour("--ink") },
  };
}

// Legends get as many columns as the width has room for; left alone, they run out of the page.
function parsed(text, width) {
  const columns = Math.max(1, Math.floor(width / 185));
  return JSON.parse(text, (key, value) => (key === "legend" && value ? { ...value, columns } : value));
}

// Small multiples get as many columns as fit; a table of cells scrolls before it becomes too narrow.
function fitted(spec, width) {
  const least = spec.usermeta?.least_width ?? 0;
  if (least > width) return { ...spec, width: least, autosize: { type: "fit", contains: "padding" } };
  if (!spec.facet) return spec;
  const columns = Math.max(1, Math.floor((width - 70) / 230));
  const inner = Math.floor((width - 70) / columns) - spec.spacing.column;
  return { ...spec, columns, spec: { ...spec.spec, width: inner } };
}

async function draw(script) {
  const target = document.getElementById(script.dataset.target);
  const width = target.clientWidth;
  const spec = fitted(parsed(script.textContent, width), width);
  await window.vegaEmbed(target, { ...spec, config: theme(width) }, {
    mode: "vega-lite", renderer: "svg", actions: false, ast: true,
    tooltip: { theme: dark.matches ? "dark" : "light" },
  });
}

async function drawAll() {
  if (!window.vegaEmbed) return;
  const scripts = [...document.querySelectorAll("script[data-target]")];
  await Promise.all(scripts.map(draw));
  document.documentElement.dataset.plots = String(scripts.length);
}

function sortKey(cell) {
  const number = parseFloat(cell.textContent.replace(/^\* |,/g, ""));
  return Number.isNaN(number) ? cell.textContent : number;
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return a.localeCompare(b);
}

function sortBy(header) {
  const body = header.closest("table").tBodies[0];
  const falling = header.getAttribute("aria-sort") === "ascending";
  for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const rows = [...body.rows].sort(
    (a, b) => compare(sortKey(a.cells[header.cellIndex]), sortKey(b.cells[header.cellIndex])));
  body.append(...(falling ? rows.reverse() : rows));
}

for (const header of document.querySelectorAll("thead th")) {
  header.addEventListener("click", () => sortBy(header));
}
dark.addEventListener("change", drawAll);
drawAll();
