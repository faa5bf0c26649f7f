import { core } from "../core";
import { RECUT_MS_MAX } from "../limits";
import type { Refused } from "../refusal";
import { isFullOfAsked, listAsked, noteAsked, noteDecided, readAsked } from "./asked";
import type { ObjectState } from "./custody";
import type { EdgeStates } from "./edge-states";
import { isFullOfCuts, keptWholeFrom } from "./kept";
import type { Minutes } from "./minutes";
import type { Receipt } from "./node";
import { messageOf, notStored } from "./not-now";
import type { OutboxWriter, Replacement } from "./outbox";
import type { Quarantine } from "./quarantine";
import { minutesOf, minuteWithout, type RecutContext, recutMinute } from "./recut";
import type { Registry } from "./registry";
import { replaceMinute } from "./replace";
import { writeNumber } from "./schema";
import type { Upstream } from "./upstream";

/** What the object does for its cutter. */
export interface CutterHost {
  sql: SqlStorage;
  registry: Registry;
  minutes: Minutes;
  edges: EdgeStates;
  upstream: Upstream;
  quarantine(): Quarantine;
  transact<Result>(work: () => Result): Result;
  state(): ObjectState;
  seal(): void;
  /** What goes up is written by, in the place of what was sent of a minute; null at the top of the tree. */
  outboxOf(revision: number, replaced: number): OutboxWriter | null;
  /** Takes note of a change that was written, and of batches that went into tiles with it. */
  revise(revision: number, sealed?: number): void;
  /** Makes everything in memory anew from rows. */
  reload(): void;
}

/** How far an object has come with making tiles anew. */
export interface RecutReport {
  minutes: number;
  bundles: number;
  /** Minutes that the parent has not answered about yet. */
  waiting: number[];
  /** Minutes that this object or its parent has not all parts of any more, or for whose being taken out there is no room. */
  refused: number[];
  /** The minute to go on with; null where it is done. */
  next: number | null;
}

/**
 * Takes quarantined edges out of tiles. An object without a parent does it minute by minute. A shard's minutes are in its parent too: it puts what
 * the minute is without the edge into its outbox, to stand there in the place of all that it sent of it; and when the parent has taken that, or
 * has said that it cannot since other shards' parts are gone, the shard does the same. So both have the edge, or neither.
 *
 * Each step is one transaction, and may be done again; where one fails, memory is made anew from rows.
 */
export class Cutter {
  constructor(private readonly host: CutterHost) {}

  /**
   * Takes out of their tiles what a quarantined edge posted in minutes from `from` on, each minute in a transaction of its own; stops when the
   * time is up. A shard asks its parent first, and takes out what the parent did.
   */
  async recut(name: string, from: number): Promise<RecutReport | Refused> {
    this.host.seal();
    const edge = this.host.registry.numberOf(name);
    if (edge === undefined || !this.host.quarantine().has(name)) return notQuarantined();
    const untilMs = Date.now() + RECUT_MS_MAX;
    const isAlone = this.host.upstream.standing === null;
    return isAlone ? this.recutAlone(name, edge, from, untilMs) : this.recutTogether(edge, from, untilMs);
  }

  /** Takes out minutes that are in no other object. */
  private recutAlone(name: string, edge: number, from: number, untilMs: number): RecutReport {
    const report: RecutReport = { minutes: 0, bundles: 0, waiting: [], refused: [], next: null };
    const keptFrom = keptWholeFrom(this.host.sql);
    for (const minute of minutesOf(this.context(), edge, from)) {
      if (Date.now() > untilMs) return { ...report, next: minute };
      if (minute < keptFrom || isFullOfCuts(this.host.sql)) {
        report.refused.push(minute);
        continue;
      }
      report.bundles += this.remake((context, revision) => {
        const cut = { edge, minute, through: context.sealed };
        this.host.minutes.setReported(minute, edge, false);
        return recutMinute(context, name, cut, revision, Date.now());
      });
      report.minutes += 1;
    }
    return report;
  }

  /** Asks the parent for the minutes that it was not asked for yet, and sends up what waits; what it says comes to `decided`. */
  private async recutTogether(edge: number, from: number, untilMs: number): Promise<RecutReport> {
    const { sql, upstream } = this.host;
    const known = new Set(listAsked(sql, edge).map(({ minute }) => minute));
    const keptFrom = keptWholeFrom(sql);
    const minutes = minutesOf(this.context(), edge, from);
    /** Minutes for which there is no room. */
    const full: number[] = [];
    let next: number | null = null;
    for (const minute of minutes) {
      if (known.has(minute) || minute < keptFrom) continue;
      if (isFullOfAsked(sql) || isFullOfCuts(sql) || upstream.isFull) {
        full.push(minute);
        continue;
      }
      if (Date.now() > untilMs) {
        next = minute;
        break;
      }
      this.ask(edge, minute);
    }
    const asked = listAsked(sql, edge).filter(({ isRefused }) => !isRefused);
    try {
      await upstream.deliver(Date.now() + RECUT_MS_MAX);
    } catch (error) {
      console.error(`what was recut waits to be sent up: ${messageOf(error)}`);
    }
    const left = listAsked(sql, edge);
    const done = asked.filter(({ number }) => left.every((one) => one.number !== number));
    return {
      minutes: done.length,
      bundles: done.reduce((sum, { bundles }) => sum + bundles, 0),
      waiting: left.filter(({ isRefused }) => !isRefused).map(({ minute }) => minute),
      refused: [
        ...left.filter(({ isRefused }) => isRefused).map(({ minute }) => minute),
        ...minutes.filter((minute) => minute < keptFrom && !known.has(minute)),
        ...full,
      ],
      next,
    };
  }

  /** Puts a minute without an edge into the outbox, to stand in the place of all that was sent of it. */
  private ask(edge: number, minute: number): void {
    const { sql, minutes, outboxOf } = this.host;
    this.remake((context, revision) => {
      const cut = { edge, minute, through: context.sealed };
      minutes.setReported(minute, edge, false);
      const outbox = outboxOf(revision, minute)!;
      const bundles = minuteWithout(context, cut, (sealed) => outbox.add(sealed));
      noteAsked(sql, { ...cut, number: outbox.end(), bundles });
    });
  }

  /** Does what the parent decided about a minute: takes the edge out of it here too, or leaves it as it was. */
  decided(number: number, isTaken: boolean): void {
    const { sql, registry, minutes } = this.host;
    const asked = readAsked(sql, number);
    if (asked === null) return;
    this.remake((context, revision) => {
      const name = registry.edges.get(asked.edge) ?? "";
      if (isTaken) recutMinute(context, name, asked, revision, Date.now());
      else minutes.setReported(asked.minute, asked.edge, true);
      noteDecided(sql, number, isTaken);
    });
  }

  /** Takes a minute that a shard made anew in the place of what it sent of it before. */
  replace(message: Replacement): Receipt {
    const { registry, seal, reload } = this.host;
    const shard = registry.placeShard(message.shard);
    if (typeof shard !== "number") return shard;
    try {
      seal();
      return replaceMinute(this.host, this.context(), shard, message);
    } catch (error) {
      console.error(`a recut minute was not taken: ${messageOf(error)}`);
      reload();
      return notStored();
    }
  }

  /** Makes tiles anew under a revision of their own, in a transaction. */
  private remake<Result>(work: (context: RecutContext, revision: number) => Result): Result {
    const { sql, edges, state, transact, revise, reload } = this.host;
    const revision = state().revision + 1;
    try {
      const result = transact(() => {
        const done = work(this.context(), revision);
        edges.save();
        writeNumber(sql, "revision", revision);
        writeNumber(sql, "recut_revision", revision);
        return done;
      });
      edges.saved();
      revise(revision);
      return result;
    } catch (error) {
      reload();
      throw error;
    }
  }

  private context(): RecutContext {
    const { sql, registry, minutes, edges } = this.host;
    const edgeOf = (source: number) => registry.sources.get(source)?.edge ?? 0;
    return { core: core(), sql, minutes, edges, quarantine: this.host.quarantine(), sealed: this.host.state().sealed, edgeOf };
  }
}

function notQuarantined(): Refused {
  const reason = "the edge is not quarantined; quarantine it first, so that what is taken out can be kept apart";
  return { status: 409, code: "not_quarantined", reason };
}
