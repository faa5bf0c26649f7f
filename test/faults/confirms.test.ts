/**
 * Confirms of AMQP under lost segments, of clients and brokers of every habit: a publish's number is never sent, so what is told of it is
 * held against the count that the generator keeps. Nothing may be wrong; how much is known depends on the habit.
 */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { ack, amqp, deliver, nack, publish, select, selectOk, together, tripsOf } from "../support/amqp";
import type { Captured } from "../support/pcap-builder";
import { randomFrom } from "../support/sketches";

/** How a client publishes and its broker confirms. */
interface Habit {
  title: string;
  /** Publishes that it sends at once at the most. */
  batchMost: number;
  /** Publishes that may wait when it sends more: 0 for a client that waits for all of them. */
  window: number;
  /** How the broker names numbers: one by one, any order of those that it has, or all up to one. */
  acks: "each" | "any order" | "multiple" | "some multiple";
  /** Share of what is told with the right number, of all publishes that were captured, at a loss of 3 %. */
  knownLeast: number;
}

const HABITS: Habit[] = [
  { title: "one at a time", batchMost: 1, window: 0, acks: "each", knownLeast: 0.9 },
  { title: "a few at once, acked one by one", batchMost: 5, window: 0, acks: "each", knownLeast: 0.6 },
  { title: "a few at once, acked in any order", batchMost: 5, window: 0, acks: "any order", knownLeast: 0.6 },
  { title: "a few at once, acked together", batchMost: 5, window: 0, acks: "multiple", knownLeast: 0.6 },
  { title: "a few at once, acked in parts", batchMost: 5, window: 0, acks: "some multiple", knownLeast: 0.6 },
  { title: "always some on the way", batchMost: 2, window: 6, acks: "each", knownLeast: 0.1 },
  { title: "always some on the way, acked in parts", batchMost: 3, window: 8, acks: "some multiple", knownLeast: 0.1 },
];

const ROUNDS = 40;
const SEEDS = 25;
const LOSS = 0.03;

/** A talk of a habit: its packets, the first `kept` of which open it, and what the broker said of each publish by its key. */
function talkOf(habit: Habit, seed: number) {
  const random = randomFrom(seed);
  const below = (most: number) => Math.floor(random() * most);
  const talk = amqp({ stepNs: 100_000n }).send("client", select(1)).send("server", selectOk(1)).acknowledge("client");
  const kept = talk.packets.length;
  const outcomes: ("ack" | "nack")[] = [];
  let open: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const count = 1 + below(habit.batchMost);
    const frames = Array.from({ length: count }, () => {
      outcomes.push(random() < 0.1 ? "nack" : "ack");
      open.push(outcomes.length);
      return publish(1, "x", `k${outcomes.length}`, below(3) === 0 ? 900 : 20);
    });
    // All in one write, or each in its own.
    if (below(2) === 0) talk.send("client", together(...frames), 400);
    else for (const frame of frames) talk.send("client", frame, 400);
    if (below(4) === 0) talk.send("server", deliver(2, round + 1));
    const settled = open.length - (round === ROUNDS - 1 ? 0 : Math.min(open.length, below(habit.window + 1)));
    const [now, rest] = [open.slice(0, settled), open.slice(settled)];
    open = rest;
    for (const frame of confirmed(now, habit, outcomes, below)) {
      if (below(3) === 0) talk.acknowledge("client");
      talk.send("server", frame);
    }
    if (below(2) === 0) talk.acknowledge("client");
    talk.wait(20_000_000n);
  }
  talk.acknowledge("client").close();
  return { packets: talk.packets, kept, outcomes };
}

/** What a broker sends of the numbers in `now`. */
function confirmed(now: number[], { acks }: Habit, outcomes: string[], below: (most: number) => number): Uint8Array[] {
  const one = (tag: number) => (outcomes[tag - 1] === "ack" ? ack(1, tag) : nack(1, tag));
  if (acks === "each") return now.map(one);
  if (acks === "any order") {
    const order = [...now];
    for (let at = order.length - 1; at > 0; at--) {
      const other = below(at + 1);
      [order[at], order[other]] = [order[other]!, order[at]!];
    }
    return order.map(one);
  }
  const frames: Uint8Array[] = [];
  for (let from = 0; from < now.length; ) {
    const count = acks === "multiple" ? now.length - from : 1 + below(now.length - from);
    const part = now.slice(from, from + count);
    // What is acked together has one outcome.
    for (const tag of part) outcomes[tag - 1] = outcomes[part.at(-1)! - 1]!;
    const last = part.at(-1)!;
    frames.push(outcomes[last - 1] === "ack" ? ack(1, last, 1) : nack(1, last, 1));
    from += count;
  }
  return frames;
}

/** What is wrong of a round trip, undefined for nothing. */
function wrongOf({ request, response, status }: RoundTrip, outcomes: readonly string[]): string | undefined {
  if (request?.method !== "publish" || typeof request.routingKey !== "string") return undefined;
  const number = Number(request.routingKey.slice(1));
  if (request.deliveryTag !== undefined && request.deliveryTag !== number) return `${number} is told as ${request.deliveryTag}`;
  if (response !== undefined && response.method !== outcomes[number - 1]) return `${number} is told to have ${response.method}`;
  if (!["ok", "error", "unobserved"].includes(status)) return `${number} is ${status}`;
  return (status === "ok") !== (response?.method === "ack") ? `${number} is ${status}` : undefined;
}

describe.each(HABITS)("$title", (habit) => {
  test("whole: every publish with its number and outcome", () => {
    const { packets, outcomes } = talkOf(habit, 1);
    const trips = tripsOf(packets).filter(({ request }) => request?.method === "publish");
    expect(trips.map((trip) => wrongOf(trip, outcomes)).filter(Boolean)).toEqual([]);
    expect(trips.filter(({ response }) => response).length).toBe(outcomes.length);
  });

  test("losses: nothing is wrong", () => {
    let known = 0;
    let seen = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { packets, kept, outcomes } = talkOf(habit, seed);
      const random = randomFrom(seed + 1000);
      const left: Captured[] = packets.filter((_, index) => index < kept || random() >= LOSS);
      const trips = tripsOf(left).filter(({ request }) => request?.method === "publish");
      expect(trips.map((trip) => wrongOf(trip, outcomes)).filter(Boolean), `seed ${seed}`).toEqual([]);
      seen += trips.length;
      known += trips.filter(({ response }) => response).length;
    }
    expect(known / seen).toBeGreaterThanOrEqual(habit.knownLeast);
  });
});
