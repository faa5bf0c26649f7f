import { useEffect, useRef } from "hono/jsx/dom";
import { count, inUnit } from "../parts/format";
import { useMedia } from "../parts/media";
import { ScrollBox } from "../parts/scroll-box";
import { colourOf } from "./colour";
import type { Band, Heat } from "./heat";
import { momentOf } from "./time-text";

const HEIGHT = 150;
/** A field that holds anything is never fainter than this. */
const FAINTEST = 0.12;

interface Props {
  title: string;
  heat: Heat;
  unit: string;
}

/** How many values of which size when: the darker, the more. The same can be had as a table. */
export function HeatMap({ title, heat, unit }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const isDark = useMedia("(prefers-color-scheme: dark)");
  useEffect(() => {
    const { current } = canvas;
    if (current === null) return;
    const draw = () => drawHeat(current, heat);
    draw();
    const observer = new ResizeObserver(draw);
    observer.observe(current);
    return () => observer.disconnect();
  }, [heat, isDark]);
  const { bands, seconds } = heat;
  if (bands.length === 0 || seconds.length === 0) return null;
  const days = seconds.at(-1)! - seconds[0]! > 2 * 86_400;
  const [low, middle, high] = [bands[0]!, bands[bands.length >> 1]!, bands.at(-1)!];
  return (
    <figure class="heat">
      <figcaption>How many values of which size: the more, the darker; {count(heat.most)} at the most in one field</figcaption>
      <div class="heat-frame">
        <div class="heat-scale" aria-hidden="true">
          <span>{inUnit(high.upper, unit)}</span>
          <span>{inUnit(middle.upper, unit)}</span>
          <span>{inUnit(low.lower, unit)}</span>
        </div>
        <canvas ref={canvas} role="img" aria-label={`${title}, heat map: ${describe(heat, unit)}`} />
        <div class="heat-times" aria-hidden="true">
          <span>{momentOf(seconds[0]!, days)}</span>
          <span>{momentOf(seconds[seconds.length >> 1]!, days)}</span>
          <span>{momentOf(seconds.at(-1)!, days)}</span>
        </div>
      </div>
      <details>
        <summary>As a table</summary>
        <HeatTable title={title} heat={heat} unit={unit} />
      </details>
    </figure>
  );
}

function rangeOf({ lower, upper }: Band, unit: string): string {
  return upper === 0 ? "zero" : `${inUnit(lower, unit)} – ${inUnit(upper, unit)}`;
}

function describe({ bands, counts }: Heat, unit: string): string {
  const sums = counts.map((line) => line.reduce((sum, value) => sum + value, 0));
  const most = sums.indexOf(Math.max(...sums));
  const range = `from ${inUnit(bands[0]!.lower, unit)} to ${inUnit(bands.at(-1)!.upper, unit)}`;
  return `${range}, most are ${rangeOf(bands[most]!, unit)}`;
}

function drawHeat(canvas: HTMLCanvasElement, { bands, seconds, counts, most }: Heat): void {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(HEIGHT * ratio)];
  if (width === 0) return;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d")!;
  context.fillStyle = colourOf(canvas.parentElement!, "--part-2");
  const edge = (index: number, of: number, length: number) => Math.round((index / of) * length);
  counts.forEach((line, band) => {
    const top = height - edge(band + 1, bands.length, height);
    const tall = height - edge(band, bands.length, height) - top;
    line.forEach((value, column) => {
      if (value === 0) return;
      // The square root keeps what is rare in sight beside what is common.
      context.globalAlpha = FAINTEST + (1 - FAINTEST) * Math.sqrt(value / most);
      const left = edge(column, seconds.length, width);
      context.fillRect(left, top, edge(column + 1, seconds.length, width) - left, tall);
    });
  });
}

function HeatTable({ title, heat, unit }: Props) {
  const { seconds, bands, counts } = heat;
  const days = seconds.at(-1)! - seconds[0]! > 86_400;
  const rows = seconds.flatMap((second, column) => {
    const values = counts.map((line) => line[column]!);
    const all = values.reduce((sum, value) => sum + value, 0);
    const busiest = Math.max(...values);
    return all === 0 ? [] : [{ second, all, busiest, band: bands[values.indexOf(busiest)]! }];
  });
  return (
    <ScrollBox label={`${title}, heat map as a table`}>
      <table>
        <thead>
          <tr>
            <th scope="col">UTC</th>
            <th scope="col">all</th>
            <th scope="col">most in</th>
            <th scope="col">there</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ second, all, busiest, band }) => (
            <tr key={second}>
              <th scope="row">{momentOf(second, days)}</th>
              <td class="number">{count(all)}</td>
              <td class="number">{rangeOf(band, unit)}</td>
              <td class="number">{count(busiest)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollBox>
  );
}
