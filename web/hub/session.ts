/** The hub view's state: the key, what is looked at, and the figures, asked for again as time goes on. */
import { address, changeAddress } from "../parts/address";
import { Store } from "../parts/store";
import { Asker } from "./asker";
import { HubClient, HubError, type HubMetric, type Shard, type Tags } from "./client";
import { askLosses, type EdgesFigures, healthOf } from "./edge-health";
import { askEntry, type EntryFigures } from "./entry";
import { askModule, type ModuleFigures } from "./module";
import { askOverview, type Overview } from "./overview";
import { OWN_SPAN, type Scope, scopeOf, type Window } from "./scope";

/** The figures of what is shown. */
export type Content =
  | { view: "overview"; figures: Overview }
  | { view: "module"; name: string; figures: ModuleFigures }
  | { view: "entry"; figures: EntryFigures | undefined }
  | { view: "edges"; figures: EdgesFigures };

export interface HubState {
  key: string;
  /** Why the key was refused, or the hub could not be asked. */
  reason: string;
  isAsking: boolean;
  metrics: HubMetric[];
  tags: Tags;
  content?: Content;
  /** The window that the figures are of. */
  window?: Window;
}

const REFRESH_MS = 30_000;
const KEY_NAME = "tallywire-read-key";

/** Asks the hub, now and every half minute while the view is open. */
export class HubSession {
  readonly store = new Store<HubState>({ key: "", reason: "", isAsking: false, metrics: [], tags: {} });
  private running: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins, with the key of the address or of this tab; answers how to end. */
  open(): () => void {
    if (!this.takeKey()) this.use(sessionStorage.getItem(KEY_NAME) ?? "");
    const unsubscribe = address.subscribe(() => {
      if (!this.takeKey()) void this.ask();
    });
    const onVisible = () => document.visibilityState === "visible" && void this.ask();
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      unsubscribe();
      document.removeEventListener("visibilitychange", onVisible);
      this.stop();
    };
  }

  /** Takes a key in place of the one before; an empty one ends the asking. */
  use(key: string): void {
    this.stop();
    if (key === "") sessionStorage.removeItem(KEY_NAME);
    else sessionStorage.setItem(KEY_NAME, key);
    this.store.set({ key, reason: "", isAsking: false, metrics: [], tags: {}, content: undefined });
    void this.ask();
  }

  /** Asks for everything that is shown. */
  async ask(): Promise<void> {
    this.stop();
    const { key } = this.store.state;
    if (key === "" || document.visibilityState === "hidden") return;
    const running = new AbortController();
    this.running = running;
    this.store.set({ isAsking: true });
    const scope = scopeOf(address.state.fields);
    try {
      const found = await this.askAll(new HubClient(key), scope, running.signal);
      if (this.running === running) this.store.set({ ...found, isAsking: false, reason: "" });
    } catch (error) {
      if (this.running !== running) return;
      this.fail(error);
    }
    // Of a window in the past nothing but late minutes is to be expected.
    const isOver = scope.span === OWN_SPAN && this.store.state.reason === "";
    if (this.running === running && this.store.state.key !== "" && !isOver) {
      this.timer = setTimeout(() => void this.ask(), REFRESH_MS);
    }
  }

  /** Takes the key out of the address at once, so that it stays out of the history and of what is copied from there. */
  private takeKey(): boolean {
    const { key } = address.state.fields;
    if (key === undefined) return false;
    changeAddress({ view: "hub" });
    this.use(key);
    return true;
  }

  private async askAll(client: HubClient, scope: Scope, signal: AbortSignal): Promise<Partial<HubState>> {
    const known = this.store.state.metrics;
    const [metrics, tags] = await Promise.all([
      known.length > 0 ? known : client.list<HubMetric[]>("metrics", signal),
      client.list<Tags>("tags", signal),
    ]);
    const asker = await Asker.open(client, metrics, scope, signal);
    const content = await this.askContent(client, asker, tags, signal);
    return { metrics, tags, content, window: asker.window };
  }

  private async askContent(client: HubClient, asker: Asker, tags: Tags, signal: AbortSignal): Promise<Content> {
    const { show } = asker.scope;
    switch (show.view) {
      case "module":
        return { view: "module", name: show.name, figures: await askModule(asker, show.name) };
      case "entry":
        return { view: "entry", figures: await askEntry(asker, show, tags) };
      case "edges": {
        const [edges, shards, losses] = await Promise.all([
          client.edges(signal),
          client.list<Shard[]>("shards", signal),
          askLosses(asker, tags),
        ]);
        const chosen = edges.filter((edge) => Object.entries(asker.scope.tags).every(([tag, value]) => edge.tags[tag] === value));
        return { view: "edges", figures: { edges: chosen.map(healthOf), shards, ...losses } };
      }
      default:
        return { view: "overview", figures: await askOverview(asker, tags) };
    }
  }

  private fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof HubError && error.isForKey) {
      sessionStorage.removeItem(KEY_NAME);
      this.store.set({ key: "", reason, isAsking: false, content: undefined });
    } else {
      this.store.set({ reason, isAsking: false });
    }
  }

  private stop(): void {
    clearTimeout(this.timer);
    this.running?.abort();
    this.running = undefined;
  }
}
