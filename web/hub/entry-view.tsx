import { IntervalBar } from "../figures/interval-bar";
import { addressWith, goTo } from "../parts/address";
import { change, count, inUnit, percent } from "../parts/format";
import { Chart } from "./chart";
import type { Tags } from "./client";
import type { EntryFigures } from "./entry";
import { tagChange } from "./scope";

/** Who still has it: an entry of a list by a tag, now and over time. */
export function EntryView({ figures, tags }: { figures: EntryFigures | undefined; tags: Tags }) {
  if (figures === undefined) {
    return <p class="nothing">The hub has no such list, or a label is chosen that the list does not have.</p>;
  }
  const { metric, title, by, all, total, shares, series } = figures;
  const show = (value: number) => (metric.unit === "bytes" ? inUnit(value, "bytes") : count(value));
  const range = ({ lower, upper }: { lower: number; upper: number }) =>
    lower === upper ? "exact" : `${show(lower)} – ${show(upper)}`;
  return (
    <>
      <p>
        {title}: {show(all.value)} of {show(total)}
        {total > 0 ? `, ${percent(all.value / total)}` : ""},{" "}
        {all.lower === all.upper ? "exact" : `between ${range(all)} for certain`}
        {all.before === undefined ? "" : `; ${show(all.before)} in the period before`}.
      </p>
      {Object.keys(tags).length < 2 ? null : (
        <span class="choice">
          <label for="entry-by">by</label>
          <select id="entry-by" value={by} onChange={(event: Event) => goTo({ by: (event.target as HTMLSelectElement).value })}>
            {Object.keys(tags).map((tag) => (
              <option key={tag} value={tag}>
                {tag}
              </option>
            ))}
          </select>
        </span>
      )}
      <div class="wide-cards">
        <div class="card">
          <h2>
            By {by === "" ? "host" : by} over time <span class="variant">a second</span>
          </h2>
          <Chart title={`${title}, by ${by}`} series={series} unit={metric.unit} />
        </div>
        <div class="card">
          <h2>By {by === "" ? "host" : by}</h2>
          {shares.length === 0 ? <p class="aside">Nobody had it in this time, as far as is kept.</p> : null}
          <table class="top">
            <colgroup>
              <col />
              <col class="value" />
            </colgroup>
            <tbody>
              {shares.map((share) => (
                <tr key={share.name}>
                  <th scope="row">
                    {share.name === "" ? (
                      <span class="key">(none)</span>
                    ) : (
                      <a class="key" href={addressWith(tagChange(by, share.name))}>
                        {share.name}
                      </a>
                    )}
                    <IntervalBar lower={share.lower} upper={share.upper} most={shares[0]!.upper} />
                  </th>
                  <td class="number">
                    {show(share.value)}
                    <span class="aside range">
                      {range(share)}
                      {share.before === undefined ? "" : `, ${change(share.value, share.before)}`}
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </>
  );
}
