import { useEffect, useRef } from "hono/jsx/dom";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { inUnit } from "../parts/format";
import { useMedia } from "../parts/media";
import { ScrollBox } from "../parts/scroll-box";
import { colourOf } from "./colour";
import { LINE_TOKENS, type Line, type Series } from "./series";
import { momentOf } from "./time-text";

const HEIGHT = 190;
const BEFORE_DASH = [4, 4];

interface Props {
  title: string;
  series: Series;
  unit: string;
}

/** Lines over time; the same figures can be had as a table. */
export function Chart({ title, series, unit }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const isDark = useMedia("(prefers-color-scheme: dark)");
  const shape = `${series.isStacked} ${series.lines.map(({ name, token, role }) => `${name} ${token} ${role}`).join()}`;
  // What the legend shows is the newest series', also while the plot stays.
  const shown = useRef(series);
  shown.current = series;
  useEffect(() => {
    const { current } = place;
    if (current === null) return;
    const made = new uPlot(
      optionsOf(current, () => shown.current!, unit),
      dataOf(series),
      current,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: current.clientWidth, height: HEIGHT }));
    observer.observe(current);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, unit, isDark]);
  useEffect(() => plot.current?.setData(dataOf(series)), [series]);
  return (
    <div class="chart">
      <div ref={place} role="img" aria-label={`${title}: ${latest(series, unit)}`} />
      <details>
        <summary>As a table</summary>
        <SeriesTable title={title} series={series} unit={unit} />
      </details>
    </div>
  );
}

/** Lines in the order in which they are drawn: of a stack the highest first, so that the others cover it from below. */
function drawn({ lines, isStacked }: Series): Line[] {
  if (!isStacked) return lines;
  const parts = lines.filter(({ role }) => role === undefined);
  return [...parts.toReversed(), ...lines.filter(({ role }) => role !== undefined)];
}

function dataOf(series: Series): uPlot.AlignedData {
  if (!series.isStacked) return [series.seconds, ...series.lines.map(({ values }) => values)];
  const sums = new Map<Line, (number | null)[]>();
  let below: (number | null)[] = series.seconds.map(() => null);
  for (const line of series.lines) {
    if (line.role !== undefined) continue;
    below = line.values.map((value, index) => (value === null ? below[index]! : value + (below[index] ?? 0)));
    sums.set(line, below);
  }
  return [series.seconds, ...drawn(series).map((line) => sums.get(line) ?? line.values)];
}

function latest({ lines }: Series, unit: string): string {
  const parts = lines.map(({ name, values }) => {
    const last = values.findLast((value) => value !== null);
    return `${name} ${last === undefined || last === null ? "none" : inUnit(last, unit)}`;
  });
  return `latest ${parts.join(", ")}`;
}

function optionsOf(place: HTMLElement, series: () => Series, unit: string): uPlot.Options {
  const show = (value: number | null | undefined) => (value === null || value === undefined ? "—" : inUnit(value, unit));
  const font = `12px ${getComputedStyle(place).fontFamily}`;
  const grid = { stroke: colourOf(place, "--line"), width: 1 };
  const axis = { stroke: colourOf(place, "--muted"), font, grid, ticks: { show: false } };
  const lines = drawn(series());
  const bounds = lines.flatMap(({ role }, index) => (role === "bound" ? [index + 1] : []));
  const { seconds } = series();
  const days = seconds.length > 1 && seconds.at(-1)! - seconds[0]! > 2 * 86_400;
  return {
    width: place.clientWidth,
    height: HEIGHT,
    padding: [10, 14, 0, 0],
    cursor: { drag: { setScale: false, x: false, y: false }, points: { size: 6 } },
    legend: { live: true },
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] } },
    axes: [
      { ...axis, size: 28, gap: 6, space: 60, values: (_, splits) => splits.map((second) => momentOf(second, days)) },
      { ...axis, size: 68, values: (_, splits) => splits.map(show) },
    ],
    series: [
      { label: "UTC", value: (_, second) => (second === null || second === undefined ? "—" : momentOf(second, days)) },
      ...lines.map((line, index) => lineOptions(place, line, index, series, show)),
    ],
    ...(bounds.length === 2 && {
      bands: [{ series: [bounds[0]!, bounds[1]!] as [number, number], fill: colourOf(place, "--bar-possible") }],
    }),
  };
}

function lineOptions(
  place: HTMLElement,
  { name, token, role }: Line,
  index: number,
  series: () => Series,
  show: (value: number | null | undefined) => string,
): uPlot.Series {
  const colour = colourOf(place, token ?? (role === "before" ? "--before" : LINE_TOKENS[index % LINE_TOKENS.length]!));
  const isStacked = series().isStacked && role === undefined;
  const common = {
    label: name,
    spanGaps: false,
    value: (_: uPlot, __: number | null, ___: number, at: number | null) =>
      show(at === null ? null : series().lines.find((line) => line.name === name)?.values[at]),
  };
  const points = { show: role === undefined && !isStacked && series().seconds.length <= 20 };
  if (role === "bound") return { ...common, stroke: colourOf(place, "--bar"), width: 0.5, points: { show: false } };
  if (role === "before") return { ...common, stroke: colour, width: 1.25, dash: BEFORE_DASH, alpha: 0.7, points };
  return { ...common, stroke: colour, width: isStacked ? 1 : 1.75, points, ...(isStacked && { fill: colour }) };
}

function SeriesTable({ title, series, unit }: { title: string; series: Series; unit: string }) {
  const { seconds, lines } = series;
  const rows = seconds
    .map((second, index) => ({ second, index }))
    .filter(({ index }) => lines.some(({ values }) => values[index]));
  const days = seconds.length > 1 && seconds.at(-1)! - seconds[0]! > 86_400;
  return (
    <ScrollBox label={`${title}, as a table`}>
      <table>
        <thead>
          <tr>
            <th scope="col">UTC</th>
            {lines.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ second, index }) => (
            <tr key={second}>
              <th scope="row">{momentOf(second, days)}</th>
              {lines.map(({ name, values }) => (
                <td key={name} class="number">
                  {values[index] === null ? "—" : inUnit(values[index] ?? 0, unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollBox>
  );
}
