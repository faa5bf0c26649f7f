import { BreakdownTable } from "../figures/breakdown-table";
import { IntervalBar } from "../figures/interval-bar";
import { TopCard } from "../figures/top-card";
import { addressWith } from "../parts/address";
import { bytes, change, count, inUnit } from "../parts/format";
import { ScrollBox } from "../parts/scroll-box";
import { Chart } from "./chart";
import type { HubMetric, Tags } from "./client";
import { HeatMap } from "./heat-map";
import { hrefOf } from "./links";
import type { Counted, Distribution, ModuleFigures, Part, Plotted } from "./module";
import { boundsText, changeText } from "./overview-view";
import { labelChange } from "./scope";

interface Props {
  figures: ModuleFigures;
  metrics: readonly HubMetric[];
  tags: Tags;
}

/** Everything of one module, each kind of metric in its own form. */
export function ModuleView({ figures, metrics, tags }: Props) {
  const { outcomes, distributions, rates, distinct, tops, breakdowns, counters, gauges, seconds } = figures;
  const all = [outcomes, distributions, rates, distinct, tops, breakdowns, counters, gauges];
  if (all.every((list) => list.length === 0)) {
    return <p class="nothing">Nothing of {figures.name} was seen in this time at the hosts that are chosen here.</p>;
  }
  return (
    <>
      <div class="wide-cards">
        {outcomes.map((plotted) => (
          <PlotCard key={plotted.metric.name} plotted={plotted} unit={plotted.metric.unit} note="a second" />
        ))}
        {distributions.map((distribution) => (
          <DistributionCard key={distribution.metric.name} distribution={distribution} />
        ))}
        {rates.map((plotted) => (
          <PlotCard key={plotted.metric.name} plotted={plotted} unit={plotted.metric.unit} note="mean of a second" />
        ))}
        {distinct.map((figure) => (
          <PlotCard
            key={figure.metric.name}
            plotted={figure}
            unit=""
            note={[count(figure.now.value), boundsText(figure.now), changeText(figure.now)].filter(Boolean).join(", ")}
          />
        ))}
      </div>
      {breakdowns.map((figure) => (
        <BreakdownTable key={figure.metric} figure={figure} />
      ))}
      <div class="cards">
        {tops.map((figure) => (
          <TopCard key={figure.metric} figure={figure} hrefOf={(metric, key) => hrefOf(metric, key, metrics, tags)} />
        ))}
      </div>
      <CountedCard title="Counts" counted={counters} seconds={seconds} />
      <CountedCard title="Levels, as last reported" counted={gauges} />
    </>
  );
}

function PlotCard({ plotted: { metric, title, series }, unit, note }: { plotted: Plotted; unit: string; note: string }) {
  return (
    <div class="card">
      <h2 title={metric.name}>
        {title} <span class="variant">{note}</span>
      </h2>
      <Chart title={`${title}, ${metric.name}`} series={series} unit={unit} />
    </div>
  );
}

function DistributionCard({ distribution }: { distribution: Distribution }) {
  const { metric, title, series, now, count: values, heat } = distribution;
  const words = now.map((quantile) => {
    const changed = changeText(quantile);
    return `${quantile.name} ${inUnit(quantile.value, metric.unit)}${changed === undefined ? "" : ` (${changed})`}`;
  });
  return (
    <div class="card">
      <h2 title={metric.name}>
        {title} <span class="variant">{[...words, `${count(values)} in all`].join(" · ")}</span>
      </h2>
      <Chart title={`${title}, ${metric.name}`} series={series} unit={metric.unit} />
      {heat === undefined ? (
        <p class="aside">The heat map has more fields than one answer holds; choose a shorter time to see it.</p>
      ) : (
        <HeatMap title={`${title}, ${metric.name}`} heat={heat} unit={metric.unit} />
      )}
    </div>
  );
}

/** Counters or gauges, the parts of each below it; a part's label leads to the view filtered by it. */
function CountedCard({ title, counted, seconds }: { title: string; counted: readonly Counted[]; seconds?: number }) {
  if (counted.length === 0) return null;
  const isCompared = counted.some(({ total }) => total.before !== undefined);
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      <ScrollBox label={`${title}, as a table`}>
        <table>
          <thead>
            <tr>
              <th scope="col">what</th>
              <th scope="col">value</th>
              {seconds === undefined ? null : <th scope="col">a second</th>}
              {isCompared ? <th scope="col">change</th> : null}
            </tr>
          </thead>
          <tbody>
            {counted.map((one) => (
              <CountedRows key={one.metric.name} counted={one} seconds={seconds} isCompared={isCompared} />
            ))}
          </tbody>
        </table>
      </ScrollBox>
    </section>
  );
}

function CountedRows({ counted, seconds, isCompared }: { counted: Counted; seconds?: number; isCompared: boolean }) {
  const { metric, title, total, parts } = counted;
  const show = (value: number) => (metric.unit === "bytes" ? bytes(value) : count(value));
  const rate = (value: number) => inUnit(value / (seconds ?? 1), metric.unit);
  const cells = ({ value, before }: { value: number; before?: number }) => (
    <>
      <td class="number">{show(value)}</td>
      {seconds === undefined ? null : <td class="number">{rate(value)}</td>}
      {isCompared ? <td class="number">{before === undefined ? "—" : change(value, before)}</td> : null}
    </>
  );
  return (
    <>
      <tr>
        <th scope="row" title={metric.name}>
          {title}
        </th>
        {cells(total)}
      </tr>
      {parts.map((part) => (
        <tr key={Object.values(part.labels).join()} class="part">
          <th scope="row">
            <PartName part={part} />
            <IntervalBar lower={part.value} upper={part.value} most={total.value} />
          </th>
          {cells(part)}
        </tr>
      ))}
    </>
  );
}

function PartName({ part }: { part: Part }) {
  return (
    <>
      {Object.entries(part.labels).map(([label, value], index) => (
        <>
          {index > 0 ? " · " : ""}
          <a key={label} href={addressWith(labelChange(label, value))} title={`only ${label} ${value}`}>
            {value.replaceAll("_", " ")}
          </a>
        </>
      ))}
    </>
  );
}
