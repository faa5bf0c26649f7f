import { useEffect } from "hono/jsx/dom";
import { address, addressWith } from "../parts/address";
import { Boundary } from "../parts/boundary";
import { useStore } from "../parts/store";
import { moduleOf } from "./asker";
import type { HubMetric } from "./client";
import { Completeness } from "./completeness";
import { EdgesView } from "./edges-view";
import { EntryView } from "./entry-view";
import { KeyForm } from "./key-form";
import { ModuleView } from "./module-view";
import { OverviewView } from "./overview-view";
import { type Show, scopeOf, showChange, type Window } from "./scope";
import { type Content, HubSession, type HubState } from "./session";
import { windowText } from "./time-text";
import { Tools } from "./tools";

const session = new HubSession();

/** What all edges of the hub saw: at a glance, by protocol, and how the edges are doing. */
export function HubView() {
  useEffect(() => session.open(), []);
  const state = useStore(session.store);
  const { show } = scopeOf(useStore(address).fields);
  const { key, reason, tags, metrics, content, window, isAsking } = state;
  if (key === "") return <KeyForm reason={reason} onKey={(given) => session.use(given)} />;
  const isCurrent = content !== undefined && isOf(content, show);
  return (
    <>
      <Tools title={titleOf(show)} tags={tags} metrics={metrics} window={window} onForget={() => session.use("")} />
      <ViewLinks metrics={metrics} show={show} />
      {reason === "" ? null : (
        <p class="notice bad" role="alert">
          {reason}
        </p>
      )}
      <Boundary key={JSON.stringify(show)}>
        {isCurrent && content.figures !== undefined ? (
          <div class="window-line" aria-busy={isAsking ? "true" : "false"}>
            <Completeness meta={content.figures.meta} />
            {window === undefined ? null : <WindowWords window={window} />}
          </div>
        ) : null}
        {isCurrent ? (
          <ContentView content={content} state={state} />
        ) : (
          <p class="nothing">{isAsking ? "Asking the hub ..." : ""}</p>
        )}
      </Boundary>
    </>
  );
}

/** Whether figures are of what is to be shown: those of another view are not shown in its place. */
function isOf(content: Content, show: Show): boolean {
  if (content.view === "module" && show.view === "module") return content.name === show.name;
  if (content.view === "entry" && show.view === "entry") {
    return content.figures === undefined || (content.figures.entry === show.entry && content.figures.metric.name === show.metric);
  }
  return content.view === show.view;
}

function titleOf(show: Show): string {
  if (show.view === "edges") return "Edges";
  if (show.view === "module") return show.name;
  return show.view === "entry" ? show.entry : "All hosts";
}

function ContentView({ content, state: { metrics, tags, window } }: { content: Content; state: HubState }) {
  switch (content.view) {
    case "module":
      return <ModuleView figures={content.figures} metrics={metrics} tags={tags} />;
    case "entry":
      return <EntryView figures={content.figures} tags={tags} />;
    case "edges":
      return <EdgesView figures={content.figures} />;
    default:
      return <OverviewView overview={content.figures} metrics={metrics} tags={tags} shift={window?.shift} />;
  }
}

/** Links to the views; one for each module that has metrics. */
function ViewLinks({ metrics, show }: { metrics: readonly HubMetric[]; show: Show }) {
  const modules = [...new Set(metrics.map(({ name }) => moduleOf(name)))];
  const views: { title: string; show: Show }[] = [
    { title: "Overview", show: { view: "overview" } },
    ...modules.map((name) => ({ title: name, show: { view: "module", name } as const })),
    { title: "Edges", show: { view: "edges" } },
  ];
  const isShown = (other: Show) =>
    other.view === show.view && (other.view !== "module" || (show.view === "module" && other.name === show.name));
  return (
    <nav class="views" aria-label="Views of the hub">
      {views.map((view) => (
        <a key={view.title} href={addressWith(showChange(view.show))} aria-current={isShown(view.show) ? "page" : undefined}>
          {view.title}
        </a>
      ))}
    </nav>
  );
}

function WindowWords({ window: { from, to, shift } }: { window: Window }) {
  return (
    <p class="aside">
      {windowText(from, to)} UTC
      {shift === undefined ? "" : `, beside ${windowText(from - shift, to - shift)}`}
    </p>
  );
}
