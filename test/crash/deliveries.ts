/** Edges that post until every bundle is acknowledged, whatever becomes of the hub meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";
import type { LocalHub } from "../../shim/hub/local-hub";

/** One bundle on its way. */
export interface Delivery {
  tenant: string;
  edge: string;
  tags: string;
  /** What is posted, deflated where it says so. */
  body: Uint8Array<ArrayBuffer>;
  isDeflated?: boolean;
}

/** What the edges saw. */
export interface Outcome {
  /** Edges that are still posting. */
  open: number;
  posts: number;
  stored: number;
  duplicates: number;
  /** Posts without an answer, or that are to come again. */
  failed: number;
  /** Whether the disk is full now, and how often the hub has answered then that it could not take a bundle. */
  isDiskFull: boolean;
  onFullDisk: number;
  /** Of those: refused since the hub's clock was far behind the minute. */
  ahead: number;
}

const STARTS_MAX = 30;

/** A hub that is killed and started again at random moments. */
export class FallibleHub {
  kills = 0;
  private isSpared = false;
  private killing: Promise<void> = Promise.resolve();
  private stopped = false;

  private constructor(
    private hub: LocalHub,
    private readonly start: (port: number) => Promise<LocalHub>,
    private readonly random: () => number,
  ) {}

  static async open(start: (port: number) => Promise<LocalHub>, random: () => number): Promise<FallibleHub> {
    return new FallibleHub(await start(0), start, random);
  }

  get now(): LocalHub {
    return this.hub;
  }

  /** Kills and starts until `end` is called, and so often at least; the hub then runs. */
  async killAtRandom(leastMs: number, mostMs: number, least = 0): Promise<void> {
    while (!this.stopped || this.kills < least) {
      await sleep(leastMs + this.random() * (mostMs - leastMs));
      while (this.isSpared) await sleep(10);
      await this.killOnce();
    }
  }

  /** Lets it run from when it does on, until `spareNoMore`. */
  async spare(): Promise<void> {
    this.isSpared = true;
    await this.killing;
  }

  spareNoMore(): void {
    this.isSpared = false;
  }

  killOnce(): Promise<void> {
    this.killing = this.killAndStart();
    return this.killing;
  }

  private async killAndStart(): Promise<void> {
    await this.hub.kill();
    this.kills += 1;
    this.hub = await this.startAgain(this.hub.port);
  }

  /** Starts until it does: where the disk is full for a while it cannot. */
  private async startAgain(port: number): Promise<LocalHub> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.start(port);
      } catch (error) {
        if (attempt === STARTS_MAX) throw error;
        await sleep(100);
      }
    }
  }

  end(): void {
    this.stopped = true;
  }
}

/** Random order; the list itself is kept. */
export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** Posts all deliveries from `posters` edges at a time; one that fails goes back to the end of the queue. */
export async function deliver(
  hub: FallibleHub,
  deliveries: readonly Delivery[],
  posters: number,
  pauseMs: number,
  random: () => number,
  outcome: Outcome = newOutcome(),
): Promise<Outcome> {
  const queue = [...deliveries];
  let open = 0;
  const poster = async () => {
    outcome.open += 1;
    while (queue.length > 0 || open > 0) {
      const delivery = queue.shift();
      if (delivery === undefined) {
        await sleep(5);
        continue;
      }
      open += 1;
      outcome.posts += 1;
      const status = await post(hub.now, delivery);
      if (status === "stored") outcome.stored += 1;
      else if (status === "duplicate") outcome.duplicates += 1;
      else queue.push(delivery);
      if (status !== "stored" && status !== "duplicate") outcome.failed += 1;
      if (status === "unavailable" && outcome.isDiskFull) outcome.onFullDisk += 1;
      if (status === "clock_ahead") outcome.ahead += 1;
      open -= 1;
      await sleep(random() * pauseMs);
    }
    outcome.open -= 1;
  };
  await Promise.all(Array.from({ length: posters }, poster));
  return outcome;
}

/** Nothing yet. */
export function newOutcome(): Outcome {
  return { open: 0, posts: 0, stored: 0, duplicates: 0, failed: 0, isDiskFull: false, onFullDisk: 0, ahead: 0 };
}

async function post(hub: LocalHub, { tenant, edge, tags, body, isDeflated }: Delivery): Promise<string> {
  const authorization = `Bearer ${await hub.key({ kind: "write", tenant, edge })}`;
  const encoding = isDeflated === true ? "deflate" : "identity";
  const headers = { authorization, "tallywire-tags": tags, "content-encoding": encoding };
  let text: string;
  try {
    const response = await fetch(`${hub.origin}/v1/ingest`, { method: "POST", body, headers });
    text = await response.text();
    const told = JSON.parse(text) as { status?: string; error?: string };
    if (response.status === 503) return "unavailable";
    if (told.error === "clock_ahead") return told.error;
    if (!response.ok) throw new Refused(text);
    return told.status ?? "failed";
  } catch (error) {
    if (error instanceof Refused) throw error;
    return "failed";
  }
}

/** The hub refused what it must take. */
class Refused extends Error {}
