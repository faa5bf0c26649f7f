import { useEffect, useRef } from "hono/jsx/dom";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { inUnit } from "../parts/format";
import { useMedia } from "../parts/media";
import { ScrollBox } from "../parts/scroll-box";
import type { Series } from "./overview";

const HEIGHT = 190;
/** Tokens of the lines, first to last. */
const LINE_TOKENS = ["--part-2", "--part-1", "--part-4"];

interface Props {
  title: string;
  series: Series;
  unit: string;
  /** Tokens in place of the usual ones. */
  tokens?: string[];
}

/** Lines over time; the same figures can be had as a table. */
export function Chart({ title, series, unit, tokens = LINE_TOKENS }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const isDark = useMedia("(prefers-color-scheme: dark)");
  const names = series.lines.map(({ name }) => name).join();
  useEffect(() => {
    const { current } = place;
    if (current === null) return;
    const made = new uPlot(optionsOf(current, series, unit, tokens), dataOf(series), current);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: current.clientWidth, height: HEIGHT }));
    observer.observe(current);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [names, unit, isDark]);
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

function dataOf({ seconds, lines }: Series): uPlot.AlignedData {
  return [seconds, ...lines.map(({ values }) => values)];
}

function latest({ lines }: Series, unit: string): string {
  const parts = lines.map(({ name, values }) => {
    const last = values.findLast((value) => value !== null);
    return `${name} ${last === undefined || last === null ? "none" : inUnit(last, unit)}`;
  });
  return `latest ${parts.join(", ")}`;
}

function optionsOf(place: HTMLElement, { lines }: Series, unit: string, tokens: string[]): uPlot.Options {
  const style = getComputedStyle(place);
  // A token is light-dark(), which only an element's own colour resolves.
  const colour = (token: string) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${token})`;
    place.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const show = (value: number | null | undefined) => (value === null || value === undefined ? "—" : inUnit(value, unit));
  const font = `12px ${style.fontFamily}`;
  const axis = { stroke: colour("--muted"), font, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  return {
    width: place.clientWidth,
    height: HEIGHT,
    padding: [10, 14, 0, 0],
    cursor: { drag: { setScale: false, x: false, y: false }, points: { size: 6 } },
    legend: { live: true },
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] } },
    axes: [
      { ...axis, size: 28, gap: 6, space: 60, values: (_, splits) => splits.map(clockOf) },
      { ...axis, size: 64, values: (_, splits) => splits.map(show) },
    ],
    series: [
      { label: "time", value: (_, second) => (second === null || second === undefined ? "—" : clockOf(second)) },
      ...lines.map(({ name }, index) => ({
        label: name,
        stroke: colour(tokens[index % tokens.length] ?? "--text"),
        width: 1.75,
        points: { show: lines[0]!.values.length <= 20 },
        spanGaps: false,
        value: (_: uPlot, value: number | null) => show(value),
      })),
    ],
  };
}

/** Hours and minutes of UTC, as everywhere on the page; at midnight the day. */
function clockOf(second: number): string {
  const time = new Date(second * 1000).toISOString();
  return time.slice(11, 16) === "00:00" ? time.slice(5, 10) : time.slice(11, 16);
}

function SeriesTable({ title, series, unit }: { title: string; series: Series; unit: string }) {
  const { seconds, lines } = series;
  const rows = seconds
    .map((second, index) => ({ second, index }))
    .filter(({ index }) => lines.some(({ values }) => values[index]));
  return (
    <ScrollBox label={title}>
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
              <th scope="row">{clockOf(second)}</th>
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
