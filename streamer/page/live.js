// Keeps the live page up to date: the ranking of all exported series, and the last minutes of the chosen one.

import { append, figure, short } from "./chart.js";

const REFRESH_MS = 1000;
const SPAN_MS = 5 * 60 * 1000;
const SHORTEST_SPAN_MS = 30 * 1000;
const ROWS_SHOWN = 200;
const NUMBERS_KEPT = 2000; // channels of all series; above it only the chosen series is remembered

const byId = (id) => document.getElementById(id);
const keyOf = (row) => `${encodeURIComponent(row.group)}/${encodeURIComponent(row.series)}`;
const memory = new Map(); // key -> [{at, score, value, forecast, lower, upper, ahead}]
const rowElements = new Map(); // key -> the parts of its table row
let newest = { channels: {}, series: [] };

const number = (list, place) => list[place] ?? NaN; // JSON has null where there is no number

/** Where the value stands against its band: 0 at the lower edge, 1 at the upper one. */
function position(row, place) {
  const lower = number(row.lower, place);
  return (number(row.value, place) - lower) / (number(row.upper, place) - lower);
}

/** The channel that is furthest from the middle of its band tells most about a series. */
function tellingChannel(row) {
  let best = 0;
  let furthest = -1;
  row.value.forEach((_, place) => {
    const distance = Math.abs(position(row, place) - 0.5);
    if (distance > furthest) [best, furthest] = [place, distance];
  });
  return best;
}

function remember(at) {
  const numbers = newest.series.reduce((sum, row) => sum + row.value.length, 0);
  const present = new Set();
  for (const row of newest.series) {
    const key = keyOf(row);
    present.add(key);
    if (numbers > NUMBERS_KEPT && key !== chosen()) continue;
    const points = memory.get(key) ?? [];
    points.push({ at, score: row.anomaly_score ?? NaN, novelty: row.novelty ?? NaN, value: row.value, forecast: row.forecast, lower: row.lower, upper: row.upper, ahead: row.ahead });
    while (points[0].at < at - SPAN_MS) points.shift();
    memory.set(key, points);
  }
  for (const key of memory.keys()) if (!present.has(key) && key !== chosen()) memory.delete(key);
}

const chosen = () => location.hash.slice(1);

function buildRow(key) {
  const element = document.createElement("tr");
  const name = append(element, "td");
  const link = append(name, "a");
  link.href = `#${key}`;
  const note = append(name, "small");
  const value = append(element, "td");
  const forecast = append(element, "td");
  const strip = append(append(element, "td"), "div");
  strip.className = "strip";
  append(strip, "div").className = "inside";
  const dot = append(strip, "div");
  dot.className = "dot";
  const score = append(append(element, "td"), "div");
  score.className = "score";
  const bar = append(score, "div");
  bar.className = "bar";
  const fill = append(bar, "div");
  fill.className = "fill";
  const output = append(score, "output");
  const peak = append(element, "td");
  for (const cell of [value, forecast, peak]) cell.className = "number";
  element.addEventListener("click", () => { location.hash = key; });
  return { element, link, note, value, forecast, dot, fill, output, peak };
}

function fillRow(parts, row, key) {
  const place = tellingChannel(row);
  const channels = newest.channels[row.group] ?? [];
  const score = row.anomaly_score ?? NaN;
  const where = position(row, place);
  parts.link.textContent = row.series;
  parts.link.title = row.series;
  parts.note.textContent = channels.length > 1 ? `${row.group} · ${channels[place]}` : row.group;
  parts.value.textContent = short(number(row.value, place));
  parts.forecast.textContent = short(number(row.forecast, place));
  parts.dot.hidden = !Number.isFinite(where);
  parts.dot.style.left = `${Math.min(Math.max(30 + 40 * where, 4), 96)}%`;
  parts.fill.style.width = `${Math.min(Number.isFinite(score) ? score / 2 : 0, 1) * 100}%`;
  parts.output.textContent = Number.isFinite(score) ? score.toFixed(2) : "–";
  parts.peak.textContent = Number.isFinite(row.anomaly_score_max ?? NaN) ? row.anomaly_score_max.toFixed(2) : "–";
  parts.element.className = score > 1 ? "anomalous" : score > 0.75 ? "near" : "";
  parts.element.classList.toggle("chosen", key === chosen());
}

/** The rows that match the filter, ranked; under the pointer no row moves, so that it can be clicked. */
function matchingRows() {
  const wanted = byId("filter").value.trim().toLowerCase();
  const matching = newest.series.filter((row) => `${row.group} ${row.series}`.toLowerCase().includes(wanted));
  if (!byId("rows").matches(":hover")) return matching;
  const places = new Map([...rowElements.keys()].map((key, place) => [key, place]));
  const placeOf = (row) => places.get(keyOf(row)) ?? places.size;
  return matching.toSorted((one, other) => placeOf(one) - placeOf(other));
}

function showRanking() {
  const matching = matchingRows();
  const shown = matching.slice(0, ROWS_SHOWN).map((row) => {
    const key = keyOf(row);
    const parts = rowElements.get(key) ?? buildRow(key);
    rowElements.delete(key); // a Map keeps the order of arrival: the order on the page
    rowElements.set(key, parts);
    fillRow(parts, row, key);
    return [key, parts.element];
  });
  const body = byId("rows");
  shown.forEach(([, element], place) => {
    if (body.children[place] !== element) body.insertBefore(element, body.children[place] ?? null);
  });
  while (body.children.length > shown.length) body.lastElementChild.remove();
  const kept = new Set(shown.map(([key]) => key));
  for (const key of rowElements.keys()) if (!kept.has(key)) rowElements.delete(key);

  const hidden = matching.length - shown.length;
  byId("more").hidden = hidden === 0;
  byId("more").textContent = `${hidden} more, calmer ones: filter to see them.`;
}

function showFigures(at) {
  const anomalous = newest.series.filter((row) => row.anomaly_score > 1).length;
  byId("count").textContent = newest.series.length;
  byId("anomalous").textContent = anomalous;
  byId("anomalous").classList.toggle("some", anomalous > 0);
  byId("as-of").textContent = new Date(at).toLocaleTimeString("en-GB");
}

function showDetail(now) {
  const key = chosen();
  const points = memory.get(key);
  if (!points) return;
  const spanMs = Math.max(now - points[0].at, SHORTEST_SPAN_MS);
  const [group, series] = key.split("/").map(decodeURIComponent);
  const detail = byId("detail");
  const content = document.createElement("div");
  append(content, "h2", series);
  append(content, "p", group).className = "muted";
  const last = points.at(-1);
  const channels = newest.channels[group] ?? [];
  channels.forEach((title, place) => {
    const column = points.map((point) => ({
      at: point.at,
      value: number(point.value, place),
      forecast: number(point.forecast, place),
      lower: number(point.lower, place),
      upper: number(point.upper, place),
      isAnomalous: point.score > 1,
    }));
    const said = `${short(number(last.value, place))}, expected ${short(number(last.forecast, place))}${outlook(last, place)}`;
    content.append(figure({ title, newest: said, points: column, now, spanMs }));
  });
  const scores = points.map((point) => ({ at: point.at, value: point.score, isAnomalous: point.score > 1 }));
  const score = Number.isFinite(last.score) ? last.score.toFixed(2) : "–";
  content.append(figure({ title: "anomaly score", newest: score, points: scores, now, spanMs, threshold: 1 }));
  const novelties = points.map((point) => ({ at: point.at, value: point.novelty }));
  const novelty = Number.isFinite(last.novelty) ? last.novelty.toFixed(2) : "–";
  content.append(figure({ title: "novelty", newest: novelty, points: novelties, now, spanMs }));
  content.append(times(spanMs), legend());
  detail.replaceChildren(...content.childNodes);
}

/** What is expected further ahead, where the group looks there: a phrase for each horizon. */
function outlook({ ahead }, place) {
  return Object.entries(ahead ?? {})
    .map(([horizon, { forecast, lower, upper }]) => {
      const [middle, low, high] = [forecast, lower, upper].map((list) => short(number(list, place)));
      return ` · in ${horizon} readings ${middle} (${low} to ${high})`;
    })
    .join("");
}

function times(spanMs) {
  const line = document.createElement("p");
  line.className = "times";
  append(line, "span", ago(spanMs));
  append(line, "span", "now");
  return line;
}

function ago(spanMs) {
  const seconds = Math.round(spanMs / 1000);
  return seconds < 120 ? `${seconds} seconds ago` : `${Math.round(seconds / 60)} minutes ago`;
}

function legend() {
  const line = document.createElement("p");
  line.className = "legend";
  for (const [kind, text] of [["value", "value"], ["forecast", "forecast"], ["band", "band"], ["anomaly", "anomalous"]]) {
    append(line, "span", text).className = `is-${kind}`;
  }
  return line;
}

function show() {
  const now = Date.now();
  if (!chosen() && newest.series.length > 0) window.history.replaceState(null, "", `#${keyOf(newest.series[0])}`);
  showRanking();
  showDetail(now);
}

async function refresh() {
  const trouble = byId("trouble");
  try {
    const answer = await fetch("/api/series", { signal: AbortSignal.timeout(5 * REFRESH_MS) });
    if (!answer.ok) throw new Error(`the daemon answered ${answer.status}`);
    newest = await answer.json();
    const now = Date.now();
    remember(now);
    showFigures(now);
    trouble.hidden = true;
  } catch (error) {
    trouble.textContent = `No answer: ${error.message}`;
    trouble.hidden = false;
  }
  show();
  setTimeout(refresh, REFRESH_MS);
}

byId("filter").addEventListener("input", show);
window.addEventListener("hashchange", show);
refresh();
