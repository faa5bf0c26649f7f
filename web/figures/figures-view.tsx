import type { Row } from "../../engine/rows";
import type { Schema } from "../../engine/schema";
import { count, inUnit } from "../parts/format";
import { ScrollBox } from "../parts/scroll-box";
import { arrange, type Figure, type ModuleFigures } from "./arrange";
import { BreakdownTable } from "./breakdown-table";
import { IntervalBar } from "./interval-bar";
import { type OnKey, TopCard } from "./top-card";

interface Props {
  rows: readonly Row[];
  schema: Schema;
  /** Shows the round trips of one key of a top. */
  onKey?: OnKey;
}

/** All figures, module by module. */
export function FiguresView({ rows, schema, onKey }: Props) {
  const modules = arrange(rows, schema);
  if (modules.length === 0) return <p class="nothing">There is nothing to count in it.</p>;
  // What was asked comes before how it was captured.
  const ordered = [...modules].sort(
    (a, b) => Number(a.name === "capture") - Number(b.name === "capture") || modules.indexOf(b) - modules.indexOf(a),
  );
  return (
    <div class="modules">
      {ordered.map((module) => (
        <ModuleView key={module.name} module={module} onKey={onKey} />
      ))}
    </div>
  );
}

function ModuleView({ module, onKey }: { module: ModuleFigures; onKey?: OnKey }) {
  const { name, kinds } = module;
  const of = (kind: Figure["schema"]["kind"]) => kinds.get(kind) ?? [];
  const id = `module-${name}`;
  return (
    <section class="module" aria-labelledby={id}>
      <h2 id={id}>{name}</h2>
      <div class="wide-cards">
        <QuantileCard title="Distributions" figures={of("histogram")} amount="count" />
        <QuantileCard title="Rates, a second" figures={of("rate")} amount="value" />
      </div>
      <div class="cards">
        <DistinctCard figures={of("distinct")} />
        {of("top").map((figure) => (
          <TopCard key={`${figure.metric} ${figure.variant}`} figure={figure} onKey={onKey} />
        ))}
        <CounterCard figures={[...of("counter"), ...of("gauge")]} />
      </div>
      {of("breakdown").map((figure) => (
        <BreakdownTable key={`${figure.metric} ${figure.variant}`} figure={figure} />
      ))}
    </section>
  );
}

function Name({ figure }: { figure: Figure }) {
  return (
    <span title={figure.metric}>
      {figure.title}
      {figure.variant === "" ? null : <span class="variant"> {figure.variant}</span>}
    </span>
  );
}

function DistinctCard({ figures }: { figures: Figure[] }) {
  if (figures.length === 0) return null;
  const most = Math.max(...figures.map(({ upper = 0 }) => upper));
  return (
    <div class="card">
      <h3>Distinct</h3>
      <table>
        <tbody>
          {figures.map((figure) => {
            const { estimate = 0, lower = 0, upper = 0 } = figure;
            const isExact = lower === upper;
            return (
              <tr key={`${figure.metric} ${figure.variant}`}>
                <th scope="row">
                  <Name figure={figure} />
                  <IntervalBar lower={lower} upper={upper} most={most} />
                </th>
                <td class="number">
                  {count(estimate)}
                  <span class="aside range">
                    {isExact ? "exact" : `${count(Math.floor(lower))} – ${count(Math.ceil(upper))}`}
                  </span>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function QuantileCard({ title, figures, amount }: { title: string; figures: Figure[]; amount: "count" | "value" }) {
  if (figures.length === 0) return null;
  const names = Object.keys(figures[0]?.quantiles ?? {});
  return (
    <div class="card">
      <h3>{title}</h3>
      <ScrollBox label={title}>
        <table class="quantiles">
          <thead>
            <tr>
              <th scope="col">
                <span class="hidden">Of what</span>
              </th>
              <th scope="col">{amount === "count" ? "count" : "total"}</th>
              {names.map((name) => (
                <th key={name} scope="col">
                  p{Number(name) * 100}
                </th>
              ))}
              <th scope="col">max</th>
            </tr>
          </thead>
          <tbody>
            {figures.map((figure) => {
              const { unit } = figure.schema;
              return (
                <tr key={`${figure.metric} ${figure.variant}`}>
                  <th scope="row">
                    <Name figure={figure} />
                  </th>
                  <td class="number">{amount === "count" ? count(figure.count ?? 0) : inUnit(figure.value ?? 0, unit)}</td>
                  {names.map((name) => (
                    <td key={name} class="number">
                      {inUnit(figure.quantiles?.[name] ?? 0, unit)}
                    </td>
                  ))}
                  <td class="number">{inUnit(figure.max ?? 0, unit)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </ScrollBox>
    </div>
  );
}

/** Counters: a metric without labels is a line, one with labels a line of its sum with its parts below. */
function CounterCard({ figures }: { figures: Figure[] }) {
  if (figures.length === 0) return null;
  const metrics = [...new Set(figures.map(({ metric }) => metric))].map((metric) =>
    figures.filter((figure) => figure.metric === metric),
  );
  return (
    <div class="card">
      <h3>Counts</h3>
      <table>
        <tbody>
          {metrics.map((parts) => {
            const { metric, title, schema } = parts[0]!;
            const total = parts.reduce((sum, { value = 0 }) => sum + value, 0);
            const isSplit = parts.some(({ variant }) => variant !== "");
            return (
              <>
                <tr key={metric}>
                  <th scope="row" title={metric}>
                    {title}
                  </th>
                  <td class="number">{schema.unit === "bytes" ? inUnit(total, schema.unit) : count(total)}</td>
                </tr>
                {isSplit
                  ? parts
                      .toSorted((a, b) => (b.value ?? 0) - (a.value ?? 0))
                      .map(({ variant, value = 0 }) => (
                        <tr key={`${metric} ${variant}`} class="part">
                          <th scope="row">{variant}</th>
                          <td class="number">{schema.unit === "bytes" ? inUnit(value, schema.unit) : count(value)}</td>
                        </tr>
                      ))
                  : null}
              </>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
