// Draws the last minutes of one number as an SVG that stretches to its place.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 600;
const HEIGHT = 100;
const MARGIN = 4;

/** Write a number as short as it can be told apart; a dash where there is none. */
export function short(number) {
  if (!Number.isFinite(number)) return "–";
  const size = Math.abs(number);
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) return number.toExponential(3);
  return number.toLocaleString("en", { maximumSignificantDigits: 6, useGrouping: false });
}

/**
 * Draw a figure from points {at, value, forecast, lower, upper, isAnomalous} of the last `spanMs` before `now`.
 * With a `threshold` the scale holds it and zero.
 */
export function figure({ title, newest, points, now, spanMs, threshold }) {
  const numbers = points.flatMap((point) => [point.value, point.lower, point.upper]).filter(Number.isFinite);
  const fixed = threshold === undefined ? [] : [0, threshold * 1.25];
  const [low, high] = range([...numbers, ...fixed]);
  const x = (point) => WIDTH * (1 - (now - point.at) / spanMs);
  const y = (number) => MARGIN + (HEIGHT - 2 * MARGIN) * (1 - (number - low) / (high - low));

  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.setAttribute("role", "img");
  drawing.setAttribute("aria-label", `${title}: ${newest}`);
  const draw = (kind, path) => {
    const element = document.createElementNS(SVG, "path");
    element.setAttribute("class", kind);
    element.setAttribute("d", path);
    drawing.append(element);
  };
  draw("band", area(points, x, y));
  draw("forecast", trace(points, x, (point) => y(point.forecast)));
  draw(threshold === undefined ? "value" : "trace", trace(points, x, (point) => y(point.value)));
  if (threshold !== undefined) draw("threshold", `M0 ${y(threshold)}H${WIDTH}`);
  const marks = points.filter((point) => point.isAnomalous && Number.isFinite(point.value));
  draw("mark", marks.map((point) => `M${x(point)} ${y(point.value)}h0`).join(""));
  return frame({ title, newest, drawing, low, high, isLow: threshold !== undefined });
}

function range(numbers) {
  if (numbers.length === 0) return [0, 1];
  const low = numbers.reduce((a, b) => Math.min(a, b));
  const high = numbers.reduce((a, b) => Math.max(a, b));
  return low === high ? [low - 1, high + 1] : [low, high];
}

/** A line through the points, broken where a number is missing. */
function trace(points, x, y) {
  let isDrawing = false;
  return points
    .map((point) => {
      const height = y(point);
      const step = Number.isFinite(height) ? `${isDrawing ? "L" : "M"}${x(point).toFixed(1)} ${height.toFixed(2)}` : "";
      isDrawing = step !== "";
      return step;
    })
    .join("");
}

function area(points, x, y) {
  const there = points.filter((point) => Number.isFinite(point.lower) && Number.isFinite(point.upper));
  if (there.length === 0) return "";
  const edge = (list, side) => list.map((point) => `${x(point).toFixed(1)} ${y(point[side]).toFixed(2)}`);
  return `M${[...edge(there, "upper"), ...edge(there.slice().reverse(), "lower")].join("L")}Z`;
}

function frame({ title, newest, drawing, low, high, isLow }) {
  const figureElement = document.createElement("figure");
  const caption = append(figureElement, "figcaption");
  append(caption, "b", title);
  append(caption, "span", newest);
  const axes = append(figureElement, "div");
  axes.className = isLow ? "axes low" : "axes";
  axes.append(drawing);
  const scale = append(axes, "div");
  scale.className = "scale";
  append(scale, "span", short(high));
  append(scale, "span", short(low));
  return figureElement;
}

/** Append a new element, with text that can never be markup. */
export function append(parent, tag, text = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  parent.append(element);
  return element;
}
