import { count, inUnit, percent } from "../parts/format";
import { type Figure, topItems } from "./arrange";
import { IntervalBar } from "./interval-bar";

/** Takes a filter that matches what has this key. */
export type OnKey = (filter: string) => void;
/** The address that a key of a metric leads to. */
export type HrefOf = (metric: string, key: string) => string | undefined;

interface Props {
  figure: Figure;
  onKey?: OnKey;
  hrefOf?: HrefOf;
}

/** The heaviest keys of a top, each with the interval that is certain. */
export function TopCard({ figure, onKey, hrefOf }: Props) {
  const items = topItems(figure);
  const { total = 0, bound = 0, schema, title, variant } = figure;
  const most = items[0]?.upper ?? 0;
  const show = (value: number) => (schema.unit === "bytes" ? inUnit(value, "bytes") : count(value));
  return (
    <div class="card">
      <h3 title={figure.metric}>
        {title}
        {variant === "" ? null : <span class="variant"> {variant}</span>}
      </h3>
      <table class="top">
        <colgroup>
          <col />
          <col class="value" />
        </colgroup>
        <thead class="hidden">
          <tr>
            <th scope="col">{schema.keys?.[0]?.name ?? "key"}</th>
            <th scope="col">value</th>
          </tr>
        </thead>
        <tbody>
          {items.map(({ key, value, lower, upper }) => (
            <tr key={key}>
              <th scope="row">
                <Key text={key} kind={schema.keys?.[0]?.name} onKey={onKey} href={hrefOf?.(figure.metric, key)} />
                <IntervalBar lower={lower} upper={upper} most={most} />
              </th>
              <td
                class="number"
                title={lower === upper ? `${percent(value / total)} of all, exact` : "between these for certain"}
              >
                {show(value)}
                {lower === upper ? null : (
                  <span class="aside range">
                    {show(lower)} – {show(upper)}
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="aside">
        {show(total)} in all{bound > 0 ? `; nothing above ${show(bound)} is missing` : ""}
      </p>
    </div>
  );
}

/** The filter for what has a key: `5300/udp` and `5300` are ports, which are numbers; all others are texts. */
function filterOf(kind: string | undefined, text: string): string {
  const port = Number.parseInt(text, 10);
  if (kind === "port" && !Number.isNaN(port)) return `client.port == ${port} or server.port == ${port}`;
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

interface KeyProps {
  text: string;
  kind: string | undefined;
  onKey?: OnKey;
  href?: string;
}

function Key({ text, kind, onKey, href }: KeyProps) {
  const shown = text === "" ? "(empty)" : text;
  if (href !== undefined) {
    return (
      <a class="key" title={shown} href={href}>
        {shown}
      </a>
    );
  }
  if (onKey === undefined || text === "") return <span class="key">{shown}</span>;
  return (
    <button type="button" class="key" title={`Round trips with ${shown}`} onClick={() => onKey(filterOf(kind, text))}>
      {shown}
    </button>
  );
}
