import type { BreakdownPart } from "../../engine/rows";
import { bytes, count, inUnit, percent } from "../parts/format";
import { ScrollBox } from "../parts/scroll-box";
import { breakdownItems, type Figure } from "./arrange";

/** Requests, errors, bytes and durations of the busiest label sets; the rest below them. */
export function BreakdownTable({ figure }: { figure: Figure }) {
  const columns = (figure.schema.keys ?? []).map(({ name }) => name);
  const items = breakdownItems(figure);
  const quantiles = Object.keys(items[0]?.duration.quantiles ?? figure.other?.duration.quantiles ?? {});
  const other = figure.other !== undefined && figure.other.requests > 0 ? figure.other : undefined;
  return (
    <div class="card full">
      <h3 title={figure.metric}>
        {figure.title}
        {figure.variant === "" ? null : <span class="variant"> {figure.variant}</span>}
      </h3>
      <ScrollBox label={figure.title}>
        <table class="breakdown">
          <thead>
            <tr>
              {columns.map((name) => (
                <th key={name} scope="col" class="text">
                  {name.replaceAll("_", " ")}
                </th>
              ))}
              {["requests", "errors", "bytes", ...quantiles.map((name) => `p${Number(name) * 100}`)].map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {items.map((item) => (
              <tr key={JSON.stringify(item.key)}>
                {columns.map((name) => (
                  <td key={name} class="text">
                    {item.key[name]}
                  </td>
                ))}
                <Cells part={item} possible={item.upper - item.lower} quantiles={quantiles} />
              </tr>
            ))}
            {other === undefined ? null : (
              <tr>
                <td class="text" colspan={columns.length}>
                  all others
                </td>
                <Cells part={other} possible={0} quantiles={quantiles} />
              </tr>
            )}
          </tbody>
        </table>
      </ScrollBox>
    </div>
  );
}

function Cells({ part, possible, quantiles }: { part: BreakdownPart; possible: number; quantiles: string[] }) {
  return (
    <>
      <td class="number">
        {count(part.requests)}
        {possible > 0 ? <span class="aside"> + {count(possible)} at most</span> : null}
      </td>
      <td class={part.errors > 0 ? "number bad" : "number"} title={percent(part.requests > 0 ? part.errors / part.requests : 0)}>
        {count(part.errors)}
      </td>
      <td class="number">{bytes(part.bytes)}</td>
      {quantiles.map((name) => (
        <td key={name} class="number">
          {part.duration.count > 0 ? inUnit(part.duration.quantiles[name] ?? 0, "seconds") : "—"}
        </td>
      ))}
    </>
  );
}
