import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Core, FilterFault } from "../../engine/core";
import { RoundTripReader } from "../../engine/round-trip";
import { COMMON_HEADERS } from "./reply";

/** How many may watch at the same time. */
export const WATCHERS_MAX = 8;
/** What waits for a reader; what comes beyond is lost to it, and counted. */
const WAITING_BYTES_MAX = 4 << 20;
/** How long a reader may take for what waits in the end. */
const FAREWELL_MS = 5000;

/** How round trips are sent: a line of JSON each, or as events that a browser's EventSource reads. */
export type WatchForm = "ndjson" | "events";

/** What somebody wants to watch. */
export interface Watched {
  /** Round trips that are wanted (docs/filters.md); all where it is empty. */
  filter: string;
  /** Round trips after which it ends. */
  max: number;
  /** Time after which it ends. */
  timeoutMs: number;
  form: WatchForm;
}

const CONTENT_TYPES: Readonly<Record<WatchForm, string>> = {
  ndjson: "application/x-ndjson",
  events: "text/event-stream",
};

type Ending = "max" | "timeout" | "agent";

/** Those who watch round trips by HTTP, while there are any. */
export class Watchers {
  /** Round trips that were lost to any of them. */
  lost = 0;
  private readonly all = new Set<Watcher>();
  private readonly reader: RoundTripReader;

  /** `core` asks filters, and `tellEvents` is told whether round trips are wanted at all. */
  constructor(
    private readonly core: Core,
    private readonly tellEvents: (isWanted: boolean) => void,
  ) {
    this.reader = new RoundTripReader(core.schema);
  }

  /** How many watch. */
  get size(): number {
    return this.all.size;
  }

  /** Whether there is room for no other. */
  get isFull(): boolean {
    return this.all.size >= WATCHERS_MAX;
  }

  /** What is wrong with a filter, if anything. */
  faultOf(filter: string): FilterFault | undefined {
    return this.core.setFilter(filter);
  }

  /** Sends round trips from now on, until there were enough, the time is over, or the reader has gone. */
  add(request: IncomingMessage, response: ServerResponse, watched: Watched): void {
    const watcher = new Watcher(request, response, watched);
    if (this.all.size === 0) this.tellEvents(true);
    this.all.add(watcher);
    const timer = setTimeout(() => void watcher.end("timeout"), watched.timeoutMs);
    watcher.onOver = () => {
      clearTimeout(timer);
      this.all.delete(watcher);
      if (this.all.size === 0) this.tellEvents(false);
    };
    watcher.begin();
  }

  /** Takes the events of a drained ring. */
  take(view: DataView): void {
    if (this.all.size === 0) return;
    const events = eventsIn(view);
    const texts: string[] = [];
    const textOf = (index: number) => (texts[index] ??= JSON.stringify(this.reader.read(events[index]!).next().value));
    for (const watcher of [...this.all]) {
      const { filter } = watcher.watched;
      if (filter !== "") this.core.setFilter(filter);
      for (const [index, event] of events.entries()) {
        if (watcher.isOver) break;
        const isWanted = filter === "" || this.core.wants(event);
        if (isWanted && !watcher.tell(() => textOf(index))) this.lost += 1;
      }
      watcher.push();
    }
  }

  /** Counts round trips that were lost before anybody could be asked whether they are wanted. */
  lose(count: number): void {
    for (const watcher of this.all) watcher.lost += count;
    this.lost += count * this.all.size;
  }

  /** Ends all; resolves when each has what was told to it, or the time for that is over. */
  async end(): Promise<void> {
    const ended = Promise.all([...this.all].map((watcher) => watcher.end("agent")));
    await Promise.race([ended, sleep(FAREWELL_MS, undefined, { ref: false })]);
  }
}

/** One who watches. */
class Watcher {
  lost = 0;
  isOver = false;
  onOver = () => {};
  private told = 0;
  private lostTold = 0;
  private text = "";

  constructor(
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    readonly watched: Watched,
  ) {}

  begin(): void {
    // Nothing may come for as long as nobody asks anything on the network.
    this.request.socket.setTimeout(0);
    this.response.once("close", () => this.over());
    this.response.writeHead(200, { ...COMMON_HEADERS, "content-type": CONTENT_TYPES[this.watched.form], connection: "close" });
    this.response.flushHeaders();
  }

  /** Sends a round trip, or counts that it is lost, as too much waits; whether it was sent. */
  tell(textOf: () => string): boolean {
    if (this.response.writableLength + this.text.length > WAITING_BYTES_MAX) {
      this.lost += 1;
      return false;
    }
    this.noteLost();
    this.told += 1;
    this.write("", textOf());
    if (this.told >= this.watched.max) void this.end("max");
    return true;
  }

  /** Hands over what was told. */
  push(): void {
    if (this.text !== "" && !this.isOver) this.response.write(this.text);
    this.text = "";
  }

  /** Says why it ends; resolves when the reader has all, or has gone. */
  async end(why: Ending): Promise<void> {
    if (this.isOver) return;
    const closed = once(this.response, "close");
    this.noteLost();
    this.write("end", JSON.stringify({ end: why, told: this.told, lost: this.lost }));
    this.push();
    this.over();
    this.request.socket.setTimeout(FAREWELL_MS);
    this.response.end();
    await closed;
  }

  private over(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.onOver();
  }

  private noteLost(): void {
    if (this.lost === this.lostTold) return;
    this.write("lost", JSON.stringify({ lost: this.lost - this.lostTold }));
    this.lostTold = this.lost;
  }

  private write(event: string, json: string): void {
    if (this.watched.form === "ndjson") this.text += `${json}\n`;
    else this.text += `${event === "" ? "" : `event: ${event}\n`}data: ${json}\n\n`;
  }
}

function eventsIn(view: DataView): DataView[] {
  const events: DataView[] = [];
  for (let at = 0; at < view.byteLength; ) {
    const bytes = view.getUint32(at, true);
    events.push(new DataView(view.buffer, view.byteOffset + at, bytes));
    at += bytes;
  }
  return events;
}
