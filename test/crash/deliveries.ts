/** Edges that post until every bundle is acknowledged, whatever becomes of the hub meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";
import type { LocalHub } from "../../shim/hub/local-hub";

/** One bundle on its way. */
export interface Delivery {
  tenant: string;
  edge: string;
  tags: string;
  bundle: Uint8Array<ArrayBuffer>;
}

/** What the edges saw. */
export interface Outcome {
  posts: number;
  stored: number;
  duplicates: number;
  failed: number;
}

const STARTS_MAX = 30;

/** A hub that is killed and started again at random moments. */
export class FallibleHub {
  kills = 0;
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

  /** Kills and starts until `end` is called; the hub then runs. */
  async killAtRandom(leastMs: number, mostMs: number): Promise<void> {
    while (!this.stopped) {
      await sleep(leastMs + this.random() * (mostMs - leastMs));
      await this.killOnce();
    }
  }

  async killOnce(): Promise<void> {
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
): Promise<Outcome> {
  const queue = [...deliveries];
  const outcome = { posts: 0, stored: 0, duplicates: 0, failed: 0 };
  let open = 0;
  const poster = async () => {
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
      if (status === "failed") outcome.failed += 1;
      open -= 1;
      await sleep(random() * pauseMs);
    }
  };
  await Promise.all(Array.from({ length: posters }, poster));
  return outcome;
}

async function post(hub: LocalHub, { tenant, edge, tags, bundle }: Delivery): Promise<"stored" | "duplicate" | "failed"> {
  const headers = { authorization: `Bearer ${await hub.key({ kind: "write", tenant, edge })}`, "tallywire-tags": tags };
  let text: string;
  try {
    const response = await fetch(`${hub.origin}/v1/ingest`, { method: "POST", body: bundle, headers });
    text = await response.text();
    if (response.status === 503) return "failed";
    if (!response.ok) throw new Refused(text);
  } catch (error) {
    if (error instanceof Refused) throw error;
    return "failed";
  }
  return JSON.parse(text).status;
}

/** The hub refused what it must take. */
class Refused extends Error {}
