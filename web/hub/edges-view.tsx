import { useState } from "hono/jsx/dom";
import { addressWith } from "../parts/address";
import { count, seconds, span } from "../parts/format";
import { ScrollBox } from "../parts/scroll-box";
import type { Complaint, EdgeHealth, EdgesFigures, Losses } from "./edge-health";
import { tagChange } from "./scope";

interface Column {
  id: string;
  title: string;
  /** What it is sorted by. */
  of(edge: EdgeHealth): number | string;
  text(edge: EdgeHealth): string;
  /** What makes its cell a bad one. */
  complaint?: Complaint;
}

const tagsOf = ({ tags }: EdgeHealth) =>
  Object.entries(tags)
    .map(([tag, value]) => `${tag} ${value}`)
    .join(", ");
const momentOf = (time: string) => time.slice(0, 16).replace("T", " ");

const COLUMNS: readonly Column[] = [
  { id: "edge", title: "Edge", of: ({ edge }) => edge, text: ({ edge }) => edge },
  {
    id: "state",
    title: "State",
    of: ({ complaints }) => -complaints.length,
    text: ({ complaints }) => (complaints.length === 0 ? "good" : complaints.join(", ")),
  },
  { id: "tags", title: "Tags", of: tagsOf, text: tagsOf },
  {
    id: "silent",
    title: "Last seen",
    of: ({ silent_seconds: silent }) => silent,
    text: ({ silent_seconds: silent }) => `${span(silent)} ago`,
    complaint: "silent",
  },
  {
    id: "minute",
    title: "Last minute",
    of: ({ last_minute: minute }) => minute,
    text: ({ last_minute: minute }) => momentOf(minute),
  },
  {
    id: "skew",
    title: "Skew",
    of: ({ skew_seconds: skew }) => skew ?? 0,
    text: ({ skew_seconds: skew }) => (skew === null ? "—" : seconds(skew)),
    complaint: "skewed",
  },
  {
    id: "lag",
    title: "Lag",
    of: ({ lag_seconds: lag }) => lag,
    text: ({ lag_seconds: lag }) => seconds(lag),
    complaint: "lagging",
  },
  { id: "dropped", title: "Dropped packets", of: ({ dropped }) => dropped, text: ({ dropped }) => count(dropped) },
  { id: "malformed", title: "Malformed", of: ({ malformed }) => malformed, text: ({ malformed }) => count(malformed) },
  {
    id: "unknown",
    title: "Unknown sections",
    of: ({ unknown_sections: unknown }) => unknown,
    text: ({ unknown_sections: unknown }) => count(unknown),
    complaint: "newer than the hub",
  },
  {
    id: "lost",
    title: "Lost minutes",
    of: ({ lost_minutes: lost }) => lost,
    text: ({ lost_minutes: lost }) => count(lost),
    complaint: "lost minutes",
  },
  { id: "down", title: "Down minutes", of: ({ down_minutes: down }) => down, text: ({ down_minutes: down }) => count(down) },
  { id: "starts", title: "Starts", of: ({ starts }) => starts, text: ({ starts }) => count(starts) },
  { id: "bundles", title: "Bundles", of: ({ bundles }) => bundles, text: ({ bundles }) => count(bundles) },
  { id: "version", title: "Version", of: ({ version }) => version, text: ({ version }) => version || "—" },
];
const NUMBERS = new Set(["silent", "skew", "lag", "dropped", "malformed", "unknown", "lost", "down", "starts", "bundles"]);

/** How the edges are doing: those with something to be said against them first. */
export function EdgesView({ figures: { edges, shards, losses } }: { figures: EdgesFigures }) {
  if (edges.length === 0 && shards.length === 0) return <p class="nothing">No host that is chosen here has ever reported.</p>;
  const bad = edges.filter(({ complaints }) => complaints.length > 0).length;
  return (
    <>
      <p>
        {count(edges.length)} {edges.length === 1 ? "edge" : "edges"};{" "}
        {bad === 0 ? "nothing is to be said against any." : `${count(bad)} with something to be said against.`}
      </p>
      <EdgeTable edges={edges} />
      {shards.length === 0 ? null : <ShardTable figures={shards} />}
      {losses === undefined ? null : <LossTable losses={losses} />}
    </>
  );
}

function EdgeTable({ edges }: { edges: readonly EdgeHealth[] }) {
  const [order, setOrder] = useState({ id: "state", isDescending: false });
  const column = COLUMNS.find(({ id }) => id === order.id)!;
  const sorted = edges.toSorted((a, b) => compare(column.of(a), column.of(b)) * (order.isDescending ? -1 : 1));
  const choose = (id: string) => setOrder({ id, isDescending: order.id === id && !order.isDescending });
  return (
    <section class="card" aria-label="Edges">
      <ScrollBox label="Edges, as a table">
        <table class="edges">
          <thead>
            <tr>
              {COLUMNS.map(({ id, title }) => {
                const isSorted = order.id === id;
                const sorting = isSorted ? (order.isDescending ? "descending" : "ascending") : "none";
                return (
                  <th key={id} scope="col" aria-sort={sorting} class={NUMBERS.has(id) ? undefined : "text"}>
                    <button type="button" onClick={() => choose(id)}>
                      {title}
                      <span aria-hidden="true">{isSorted ? (order.isDescending ? " ↓" : " ↑") : ""}</span>
                    </button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {sorted.map((edge) => (
              <tr key={edge.edge}>
                {COLUMNS.map((column) => (
                  <EdgeCell key={column.id} column={column} edge={edge} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollBox>
    </section>
  );
}

function EdgeCell({ column: { id, text, complaint }, edge }: { column: Column; edge: EdgeHealth }) {
  if (id === "edge") return <th scope="row">{edge.edge}</th>;
  if (id === "state") {
    return (
      <td>
        <span class={edge.complaints.length === 0 ? "status ok" : "status error"}>{text(edge)}</span>
      </td>
    );
  }
  if (id === "tags") {
    return (
      <td>
        {Object.entries(edge.tags).map(([tag, value], index) => (
          <>
            {index > 0 ? ", " : ""}
            <a key={tag} href={addressWith(tagChange(tag, value))}>
              {tag} {value}
            </a>
          </>
        ))}
      </td>
    );
  }
  const isBad = complaint !== undefined && edge.complaints.includes(complaint);
  return <td class={`${NUMBERS.has(id) ? "number" : ""} ${isBad ? "bad" : ""}`}>{text(edge)}</td>;
}

function compare(a: number | string, b: number | string): number {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en");
}

function ShardTable({ figures }: { figures: EdgesFigures["shards"] }) {
  return (
    <section class="card" aria-labelledby="shards">
      <h2 id="shards">Shards</h2>
      <ScrollBox label="Shards, as a table">
        <table class="edges">
          <thead>
            <tr>
              {["of", "epoch", "last seen, UTC", "last minute", "bundles", "object"].map((name) => (
                <th key={name} scope="col" class="text">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {figures.map(({ object, value, epoch, last_seen: seen, last_minute: minute, bundles }) => (
              <tr key={object}>
                <th scope="row">{value === "" ? "(none)" : value}</th>
                <td>{epoch}</td>
                <td>{seen === null ? "never" : momentOf(seen)}</td>
                <td>{minute === null ? "none" : momentOf(minute)}</td>
                <td>{count(bundles)}</td>
                <td>{object}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollBox>
    </section>
  );
}

function LossTable({ losses: { tag, values, rows } }: { losses: Losses }) {
  if (rows.length === 0) return <p class="aside">Nothing was dropped, refused or malformed in this time.</p>;
  return (
    <section class="card" aria-labelledby="losses">
      <h2 id="losses">Dropped, refused, malformed, by {tag}</h2>
      <ScrollBox label="Losses, as a table">
        <table>
          <thead>
            <tr>
              <th scope="col">what</th>
              {values.map((value) => (
                <th key={value} scope="col">
                  {value === "" ? "(none)" : value}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ metric, title, counts }) => (
              <tr key={metric}>
                <th scope="row" title={metric}>
                  {title} <span class="variant">{metric.slice(0, metric.indexOf("_"))}</span>
                </th>
                {counts.map((value, index) => (
                  <td key={values[index]} class="number">
                    {count(value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollBox>
    </section>
  );
}
