import { address, goTo } from "../parts/address";
import { count } from "../parts/format";
import { useStore } from "../parts/store";
import type { HubMetric, Tags } from "./client";
import { labelChange, minuteText, OWN_SPAN, type Scope, SPANS, scopeOf, tagChange, type Window } from "./scope";

interface Props {
  title: string;
  tags: Tags;
  metrics: readonly HubMetric[];
  window?: Window;
  onForget(): void;
}

/** Labels that so many metrics have that a filter by them says something everywhere. */
const COMMON_LABEL_METRICS = 20;

/** What is looked at: time, tags, labels, comparison. Everything of it stands in the address. */
export function Tools({ title, tags, metrics, window, onForget }: Props) {
  const scope = scopeOf(useStore(address).fields);
  return (
    <form class="tools" aria-label="What to look at" onSubmit={(event: Event) => event.preventDefault()}>
      <h1>{title}</h1>
      <TimeChoice scope={scope} window={window} />
      {Object.entries(tags).map(([tag, values]) => (
        <Choice
          key={tag}
          id={`tag-${tag}`}
          label={tag}
          value={scope.tags[tag] ?? ""}
          options={values.map(({ value, edges }) => ({ value, title: `${value} (${count(edges)})` }))}
          onChoose={(value) => goTo(tagChange(tag, value))}
        />
      ))}
      {labelsOf(metrics, scope).map(({ name, values }) => (
        <Choice
          key={name}
          id={`label-${name}`}
          label={name.replaceAll("_", " ")}
          value={scope.labels[name] ?? ""}
          options={values.map((value) => ({ value, title: value.replaceAll("_", " ") }))}
          onChoose={(value) => goTo(labelChange(name, value))}
        />
      ))}
      <label class="choice">
        <input
          type="checkbox"
          checked={scope.isCompared}
          onChange={(event: Event) => goTo({ compare: (event.target as HTMLInputElement).checked ? "" : "off" })}
        />
        beside the period before
      </label>
      <button type="button" onClick={onForget}>
        Forget the key
      </button>
    </form>
  );
}

/** Labels to choose from: what nearly everything has, and those that filter already. */
function labelsOf(metrics: readonly HubMetric[], { labels }: Scope): { name: string; values: string[] }[] {
  const found = new Map<string, { values: Set<string>; metrics: number }>();
  for (const metric of metrics) {
    for (const { name, values } of metric.labels) {
      const known = found.get(name) ?? { values: new Set<string>(), metrics: 0 };
      for (const value of values) known.values.add(value);
      found.set(name, { ...known, metrics: known.metrics + 1 });
    }
  }
  return [...found]
    .filter(([name, { metrics: having }]) => having >= COMMON_LABEL_METRICS || labels[name] !== undefined)
    .map(([name, { values }]) => ({ name, values: [...values] }));
}

function TimeChoice({ scope, window }: { scope: Scope; window?: Window }) {
  const choose = (span: string) => {
    if (span !== OWN_SPAN) return goTo({ span, from: "", to: "" });
    const { from, to } = window ?? { from: Date.now() / 1000 - 3600, to: Date.now() / 1000 };
    goTo({ span, from: minuteText(from), to: minuteText(to) });
  };
  const { own } = scope;
  return (
    <>
      <span class="choice">
        <label for="span">Last</label>
        <select id="span" value={scope.span} onChange={(event: Event) => choose((event.target as HTMLSelectElement).value)}>
          {SPANS.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
          <option value={OWN_SPAN}>from ... to</option>
        </select>
      </span>
      {own === undefined ? null : (
        <>
          <End id="from" title="From, UTC" value={own.from} isGood={(seconds) => seconds < own.to} />
          <End id="to" title="to" value={own.to} isGood={(seconds) => seconds > own.from} />
        </>
      )}
    </>
  );
}

/** One end of a window of one's own. */
function End({
  id,
  title,
  value,
  isGood,
}: {
  id: "from" | "to";
  title: string;
  value: number;
  isGood(seconds: number): boolean;
}) {
  const take = (event: Event) => {
    const box = event.target as HTMLInputElement;
    const isEnd = isGood(Date.parse(`${box.value}Z`) / 1000);
    box.setCustomValidity(isEnd ? "" : "The end has to come after the beginning.");
    if (isEnd) goTo({ [id]: box.value });
    else box.reportValidity();
  };
  return (
    <span class="choice">
      <label for={`own-${id}`}>{title}</label>
      <input id={`own-${id}`} type="datetime-local" value={minuteText(value)} onChange={take} required />
    </span>
  );
}

interface ChoiceProps {
  id: string;
  label: string;
  value: string;
  options: { value: string; title: string }[];
  onChoose(value: string): void;
}

function Choice({ id, label, value, options, onChoose }: ChoiceProps) {
  const isKnown = value === "" || options.some((option) => option.value === value);
  return (
    <span class="choice">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event: Event) => onChoose((event.target as HTMLSelectElement).value)}>
        <option value="">all</option>
        {isKnown ? null : <option value={value}>{value}</option>}
        {options.map(({ value, title }) => (
          <option key={value} value={value}>
            {title}
          </option>
        ))}
      </select>
    </span>
  );
}
