import { useEffect } from "hono/jsx/dom";
import type { Figure } from "../figures/arrange";
import { type Headline, HeadlineView } from "../figures/headline-view";
import { TopCard } from "../figures/top-card";
import { address, changeAddress } from "../parts/address";
import { bytes, count, full, percent, seconds, short } from "../parts/format";
import { useStore } from "../parts/store";
import { Chart } from "./chart";
import type { AnswerMeta, Tags } from "./client";
import { KeyForm } from "./key-form";
import type { Overview, ProtocolOverview } from "./overview";
import { HubSession, SPANS, scopeOf, tagField } from "./session";

const session = new HubSession();
const REQUEST_TOKENS = ["--part-2", "--bad"];

/** What all edges of the hub saw: headline figures, latency and requests over time, the heaviest keys. */
export function HubView() {
  useEffect(() => session.open(), []);
  const { key, reason, tags, overview, isAsking } = useStore(session.store);
  if (key === "") return <KeyForm reason={reason} onKey={(given) => session.use(given)} />;
  return (
    <>
      <Tools tags={tags} />
      {reason === "" ? null : (
        <p class="notice bad" role="alert">
          {reason}
        </p>
      )}
      {overview === undefined ? (
        <p class="nothing">{isAsking ? "Asking the hub ..." : ""}</p>
      ) : (
        <OverviewView overview={overview} />
      )}
    </>
  );
}

function Tools({ tags }: { tags: Tags }) {
  const { fields } = useStore(address);
  const choose = (name: string) => (event: Event) => changeAddress({ [name]: (event.target as HTMLSelectElement).value });
  return (
    <form class="tools" aria-label="What to look at" onSubmit={(event: Event) => event.preventDefault()}>
      <h1>All hosts</h1>
      <span class="choice">
        <label for="span">Last</label>
        <select id="span" value={scopeOf(fields).span.id} onChange={choose("span")}>
          {SPANS.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </span>
      {Object.entries(tags).map(([tag, values]) => (
        <span key={tag} class="choice">
          <label for={`tag-${tag}`}>{tag}</label>
          <select id={`tag-${tag}`} value={fields[tagField(tag)] ?? ""} onChange={choose(tagField(tag))}>
            <option value="">all</option>
            {values.map(({ value, edges }) => (
              <option key={value} value={value}>
                {value} ({count(edges)})
              </option>
            ))}
          </select>
        </span>
      ))}
      <button type="button" onClick={() => session.use("")}>
        Forget the key
      </button>
    </form>
  );
}

function OverviewView({ overview }: { overview: Overview }) {
  const { protocols, modules, meta } = overview;
  return (
    <>
      <Completeness meta={meta} />
      <HeadlineView figures={headlineOf(overview)} label="All hosts in figures" />
      {protocols.map((protocol) => (
        <ProtocolView key={protocol.name} protocol={protocol} />
      ))}
      {modules.map(({ name, tops }) =>
        tops.length === 0 ? null : (
          <section key={name} class="module" aria-labelledby={`hub-${name}`}>
            <h2 id={`hub-${name}`}>{name}</h2>
            <TopCards figures={tops} />
          </section>
        ),
      )}
    </>
  );
}

/** Whose figures are in, until when: no figure of the hub stands without it. */
function Completeness({ meta }: { meta: AnswerMeta }) {
  const until = `${meta.complete_until.slice(11, 16)} UTC`;
  if (meta.complete) {
    return (
      <p class="completeness" role="status">
        <span class="status ok">complete</span> Every expected host has reported up to {until}.
      </p>
    );
  }
  const { missing_edges: names, missing_edges_count: missing, set_apart: apart } = meta;
  if (missing === 0) {
    return (
      <p class="completeness" role="status">
        <span class="status timeout">incomplete</span> {count(apart)} {apart === 1 ? "bundle is" : "bundles are"} left out, since{" "}
        {apart === 1 ? "it does" : "they do"} not merge with the others.
      </p>
    );
  }
  return (
    <p class="completeness" role="status">
      <span class="status timeout">incomplete</span> {count(missing)} {missing === 1 ? "host has" : "hosts have"} minutes missing
      before {until}: {names.slice(0, 5).join(", ")}
      {missing > 5 ? " and others" : ""}.
    </p>
  );
}

function headlineOf({ packets, bytes: size, seconds: length, protocols }: Overview): Headline[] {
  const requests = protocols.reduce((sum, { outcomes }) => sum + outcomes.requests, 0);
  const failed = protocols.reduce((sum, { outcomes }) => sum + outcomes.failed, 0);
  const clients = protocols.flatMap(({ name, clients }): Headline[] => {
    if (clients === undefined || clients.estimate === 0) return [];
    const { estimate, lower, upper } = clients;
    const note = lower === upper ? "exact" : `${count(Math.floor(lower))} – ${count(Math.ceil(upper))} with 95\u00a0%`;
    return [{ title: `Distinct ${name.toUpperCase()} clients`, value: count(estimate), note }];
  });
  const rate = (figure: string) => (length > 0 ? `${figure} a second` : undefined);
  return [
    { title: "Packets", value: full(packets), note: rate(short(packets / length)) },
    { title: "Bytes on the wire", value: bytes(size), note: rate(bytes(size / length)) },
    { title: "Requests", value: full(requests), note: rate(short(requests / length)) },
    {
      title: "Failed",
      value: requests > 0 ? percent(failed / requests) : "none",
      note: `${count(failed)} of ${count(requests)}`,
      isBad: failed > 0,
    },
    ...clients,
  ];
}

function ProtocolView({ protocol }: { protocol: ProtocolOverview }) {
  const { name, outcomes, requests, latency, latencyNow, tops } = protocol;
  if (outcomes.requests === 0 && outcomes.unobserved === 0) return null;
  const id = `hub-${name}`;
  return (
    <section class="module" aria-labelledby={id}>
      <h2 id={id}>{name}</h2>
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
          <Chart title={`Requests of ${name} a second`} series={requests} unit="" tokens={REQUEST_TOKENS} />
        </div>
      </div>
      <TopCards figures={tops} />
    </section>
  );
}

function TopCards({ figures }: { figures: readonly Figure[] }) {
  return (
    <div class="cards">
      {figures.map((figure) => (
        <TopCard key={figure.metric} figure={figure} />
      ))}
    </div>
  );
}
