/** The hub view's state: the key, what is looked at, and the figures, asked for again as time goes on. */
import { address, changeAddress } from "../parts/address";
import { Store } from "../parts/store";
import { HubClient, HubError, type HubMetric, type Tags } from "./client";
import { askOverview, type Overview, type Scope } from "./overview";

/** A window that can be looked at, and the length of its steps in seconds. */
export interface Span {
  id: string;
  title: string;
  step: number;
}

export const SPANS: readonly Span[] = [
  { id: "15m", title: "15 minutes", step: 60 },
  { id: "1h", title: "1 hour", step: 60 },
  { id: "6h", title: "6 hours", step: 300 },
  { id: "1d", title: "1 day", step: 1200 },
  { id: "2d", title: "2 days", step: 2400 },
];

export interface HubState {
  key: string;
  /** Why the key was refused, or the hub could not be asked. */
  reason: string;
  isAsking: boolean;
  tags: Tags;
  overview?: Overview;
}

const REFRESH_MS = 30_000;
const KEY_NAME = "tallywire-read-key";
const TAG_PREFIX = "tag.";

/** What the address says is looked at. */
export function scopeOf(fields: Record<string, string>): Scope & { span: Span } {
  const span = SPANS.find(({ id }) => id === fields.span) ?? SPANS[1]!;
  const where: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (name.startsWith(TAG_PREFIX) && value !== "") where[`tag:${name.slice(TAG_PREFIX.length)}`] = [value];
  }
  return { from: `-${span.id}`, step: span.step, where, span };
}

/** The field of the address that holds the chosen value of a tag. */
export function tagField(tag: string): string {
  return `${TAG_PREFIX}${tag}`;
}

/** Asks the hub, now and every half minute while the view is open. */
export class HubSession {
  readonly store = new Store<HubState>({ key: "", reason: "", isAsking: false, tags: {} });
  private metrics: HubMetric[] = [];
  private running: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins, with the key of the address or of this tab; answers how to end. */
  open(): () => void {
    // The key leaves the address at once, so that it stays out of the history and of what is copied from there.
    const given = address.state.fields.key;
    if (given !== undefined) changeAddress({ key: "", view: "hub" });
    this.use(given ?? sessionStorage.getItem(KEY_NAME) ?? "");
    const unsubscribe = address.subscribe(() => void this.ask());
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
    this.metrics = [];
    if (key === "") sessionStorage.removeItem(KEY_NAME);
    else sessionStorage.setItem(KEY_NAME, key);
    this.store.set({ key, reason: "", isAsking: false, tags: {}, overview: undefined });
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
    try {
      const found = await this.askAll(new HubClient(key), running.signal);
      if (this.running === running) this.store.set({ ...found, isAsking: false, reason: "" });
    } catch (error) {
      if (this.running !== running) return;
      this.fail(error);
    }
    if (this.running === running && this.store.state.key !== "") this.timer = setTimeout(() => void this.ask(), REFRESH_MS);
  }

  private async askAll(client: HubClient, signal: AbortSignal): Promise<Pick<HubState, "tags" | "overview">> {
    const scope = scopeOf(address.state.fields);
    if (this.metrics.length === 0) this.metrics = await client.metrics(signal);
    const [tags, overview] = await Promise.all([client.tags(signal), askOverview(client, this.metrics, scope, signal)]);
    return { tags, overview };
  }

  private fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof HubError && error.isForKey) {
      sessionStorage.removeItem(KEY_NAME);
      this.store.set({ key: "", reason, isAsking: false, overview: undefined });
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
