import { type Headline, HeadlineView } from "../figures/headline-view";
import { IntervalBar } from "../figures/interval-bar";
import type { Outcomes } from "../figures/outcomes";
import { TopCard } from "../figures/top-card";
import { addressWith } from "../parts/address";
import { bytes, change, count, full, percent, seconds, short } from "../parts/format";
import { ScrollBox } from "../parts/scroll-box";
import { Chart } from "./chart";
import type { HubMetric, Tags } from "./client";
import { hrefOf } from "./links";
import type { Compared, DistinctFigure, Overview, ProtocolOverview, TagShare } from "./overview";
import { showChange, tagChange } from "./scope";

interface Props {
  overview: Overview;
  metrics: readonly HubMetric[];
  tags: Tags;
  shift?: number;
}

/** What all edges saw, at a glance: headline figures, protocols, traffic over time, the heaviest keys. */
export function OverviewView({ overview, metrics, tags, shift }: Props) {
  const { protocols, tops, shares, traffic, seconds: length, packets } = overview;
  if (length === 0) return <p class="nothing">No host that is chosen here has reported in this time.</p>;
  return (
    <>
      <HeadlineView figures={headlineOf(overview, shift)} label="All hosts in figures" />
      <ProtocolTable protocols={protocols} length={length} />
      <div class="wide-cards">
        {packets === undefined ? null : (
          <div class="card">
            <h2>Packets a second</h2>
            <Chart title="Packets a second" series={traffic} unit="" />
          </div>
        )}
        {shares.map((share) => (
          <ShareCard key={share.tag} share={share} />
        ))}
      </div>
      {protocols.map((protocol) => (
        <ProtocolCharts key={protocol.name} protocol={protocol} />
      ))}
      <section class="module" aria-labelledby="heaviest">
        <h2 id="heaviest">Heaviest</h2>
        <div class="cards">
          {tops.map((figure) => (
            <TopCard key={figure.metric} figure={figure} hrefOf={(metric, key) => hrefOf(metric, key, metrics, tags)} />
          ))}
        </div>
      </section>
    </>
  );
}

/** A change in words; nothing where nothing was asked of the period before. */
export function changeText({ value, before }: Compared): string | undefined {
  return before === undefined ? undefined : change(value, before);
}

/** Between which bounds a count is. */
export function boundsText({ lower, upper }: DistinctFigure): string {
  return lower === upper ? "exact" : `${count(Math.floor(lower))} – ${count(Math.ceil(upper))} with 95\u00a0%`;
}

function sumOf(protocols: readonly ProtocolOverview[], of: (outcomes: Outcomes) => number, isBefore = false): number {
  return protocols.reduce(
    (sum, { outcomes, before }) => sum + of(isBefore ? (before ?? { requests: 0, failed: 0, unobserved: 0 }) : outcomes),
    0,
  );
}

function headlineOf({ packets, bytes: size, seconds: length, protocols }: Overview, shift: number | undefined): Headline[] {
  const isCompared = shift !== undefined;
  const compared = (value: number, before: number | undefined) =>
    isCompared && before !== undefined ? change(value, before) : undefined;
  const [requests, failed] = [sumOf(protocols, ({ requests }) => requests), sumOf(protocols, ({ failed }) => failed)];
  const requestsBefore = sumOf(protocols, ({ requests }) => requests, true);
  const shareBefore = requestsBefore > 0 ? sumOf(protocols, ({ failed }) => failed, true) / requestsBefore : undefined;
  const busiest = [...protocols].sort((a, b) => b.outcomes.requests - a.outcomes.requests)[0];
  const amounts: (Headline | undefined)[] = [
    packets && {
      title: "Packets",
      value: full(packets.value),
      note: `${short(packets.value / length)} a second`,
      change: compared(packets.value, packets.before),
    },
    size && {
      title: "Bytes on the wire",
      value: bytes(size.value),
      note: `${bytes(size.value / length)} a second`,
      change: compared(size.value, size.before),
    },
    {
      title: "Requests a second",
      value: short(requests / length),
      note: `${count(requests)} in all`,
      change: compared(requests, requestsBefore),
    },
    {
      title: "Failed",
      value: requests > 0 ? percent(failed / requests) : "none",
      note: `${count(failed)} of ${count(requests)}`,
      change: isCompared && shareBefore !== undefined ? `${percent(shareBefore)} before` : undefined,
      isBad: failed > 0,
    },
  ];
  return [...amounts.filter((figure) => figure !== undefined), ...(busiest === undefined ? [] : protocolHeadline(busiest))];
}

/** Clients and latency of the busiest protocol; of different ones they do not add up. */
function protocolHeadline({ name, clients, latencyNow }: ProtocolOverview): Headline[] {
  const title = name.toUpperCase();
  const latencies = latencyNow
    .filter((quantile) => quantile.name !== "p90")
    .map(
      (quantile): Headline => ({
        title: `${title} latency, ${quantile.name}`,
        value: seconds(quantile.value),
        note: "± 1.1\u00a0%",
        change: changeText(quantile),
      }),
    );
  if (clients === undefined || clients.value === 0) return latencies;
  return [
    { title: `Distinct ${title} clients`, value: count(clients.value), note: boundsText(clients), change: changeText(clients) },
    ...latencies,
  ];
}

const COLUMNS = ["requests a second", "failed", "unobserved", "distinct clients", "p50", "p90", "p99"];

/** A line a protocol; each leads to its view. */
function ProtocolTable({ protocols, length }: { protocols: readonly ProtocolOverview[]; length: number }) {
  if (protocols.length === 0) return <p class="nothing">There were no requests in this time.</p>;
  const most = Math.max(...protocols.map(({ clients }) => clients?.upper ?? 0));
  return (
    <section class="card" aria-labelledby="protocols">
      <h2 id="protocols">Protocols</h2>
      <ScrollBox label="Protocols, as a table">
        <table class="protocols">
          <thead>
            <tr>
              <th scope="col">protocol</th>
              {COLUMNS.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {protocols.map((protocol) => (
              <ProtocolRow key={protocol.name} protocol={protocol} length={length} most={most} />
            ))}
          </tbody>
        </table>
      </ScrollBox>
    </section>
  );
}

function ProtocolRow({ protocol, length, most }: { protocol: ProtocolOverview; length: number; most: number }) {
  const { name, outcomes, before, clients, latencyNow } = protocol;
  const shareOf = ({ failed, requests }: Outcomes) => (requests > 0 ? failed / requests : 0);
  const failedBefore = before && before.requests > 0 ? `${percent(shareOf(before))} before` : undefined;
  return (
    <tr>
      <th scope="row">
        <a href={addressWith(showChange({ view: "module", name }))}>{name}</a>
      </th>
      <Cell text={short(outcomes.requests / length)} note={before && change(outcomes.requests, before.requests)} />
      <Cell text={percent(shareOf(outcomes))} note={failedBefore} isBad={outcomes.failed > 0} />
      <Cell text={count(outcomes.unobserved)} />
      {clients === undefined ? (
        <Cell text="—" />
      ) : (
        <td class="number" title={boundsText(clients)}>
          {count(clients.value)}
          <IntervalBar lower={clients.lower} upper={clients.upper} most={most} />
          <span class="aside range">
            {clients.lower === clients.upper
              ? "exact"
              : `${count(Math.floor(clients.lower))} – ${count(Math.ceil(clients.upper))}`}
          </span>
        </td>
      )}
      {["p50", "p90", "p99"].map((quantile) => {
        const found = latencyNow.find(({ name }) => name === quantile);
        return <Cell key={quantile} text={found ? seconds(found.value) : "—"} note={found && changeText(found)} />;
      })}
    </tr>
  );
}

function Cell({ text, note, isBad }: { text: string; note?: string; isBad?: boolean }) {
  return (
    <td class={isBad ? "number bad" : "number"}>
      {text}
      {note === undefined ? null : <span class="aside range">{note}</span>}
    </td>
  );
}

function ShareCard({ share: { tag, values } }: { share: TagShare }) {
  const most = values[0]?.value ?? 0;
  return (
    <div class="card">
      <h2>Packets by {tag}</h2>
      <table class="top">
        <colgroup>
          <col />
          <col class="value" />
        </colgroup>
        <thead class="hidden">
          <tr>
            <th scope="col">{tag}</th>
            <th scope="col">packets</th>
          </tr>
        </thead>
        <tbody>
          {values.map(({ name, ...figure }) => (
            <tr key={name}>
              <th scope="row">
                {name === "" ? (
                  <span class="key">(none)</span>
                ) : (
                  <a class="key" href={addressWith(tagChange(tag, name))}>
                    {name}
                  </a>
                )}
                <IntervalBar lower={figure.value} upper={figure.value} most={most} />
              </th>
              <Cell text={full(figure.value)} note={changeText(figure)} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ProtocolCharts({ protocol }: { protocol: ProtocolOverview }) {
  const { name, outcomes, requests, latency, latencyNow } = protocol;
  const id = `hub-${name}`;
  return (
    <section class="module" aria-labelledby={id}>
      <h2 id={id}>
        <a href={addressWith(showChange({ view: "module", name }))}>{name}</a>
      </h2>
      <div class="wide-cards">
        <div class="card">
          <h3>
            Latency <span class="variant">{latencyNow.map((part) => `${part.name} ${seconds(part.value)}`).join(" · ")}</span>
          </h3>
          <Chart title={`Latency of ${name}`} series={latency} unit="seconds" />
        </div>
        <div class="card">
          <h3>
            Requests a second{" "}
            <span class="variant">
              {count(outcomes.requests)} in all, {percent(outcomes.requests > 0 ? outcomes.failed / outcomes.requests : 0)} failed
            </span>
          </h3>
          <Chart title={`Requests of ${name} a second`} series={requests} unit="" />
        </div>
      </div>
    </section>
  );
}
