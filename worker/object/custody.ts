import { core } from "../core";
import { BATCH_BUNDLES_MAX, BATCH_BYTES_MAX, PENDING_BYTES_MAX, RECUT_MS_MAX } from "../limits";
import type { Refused } from "../refusal";
import type { Arrival, Entry } from "./batches";
import type { EdgeStates } from "./edge-states";
import { entryKey, type Minutes } from "./minutes";
import type { Delivery, Receipt } from "./node";
import { behind, messageOf, notStored } from "./not-now";
import { Quarantine, type QuarantineList } from "./quarantine";
import { minutesOf, type RecutContext, recutMinute } from "./recut";
import type { Registry } from "./registry";
import { writeNumber } from "./schema";

/** What the object does for its custody of quarantined edges. */
export interface CustodyHost {
  sql: SqlStorage;
  registry: Registry;
  minutes: Minutes;
  edges: EdgeStates;
  transact<Result>(work: () => Result): Result;
  state(): { sealed: number; revision: number; pendingBytes: number };
  /** Writes what waits to be written. */
  flush(): void;
  seal(): void;
  /** Writes bundles as one row, and what `besides` writes in the same transaction; throws where it cannot. */
  store(arrivals: readonly Arrival[], besides: () => void): void;
  /** Takes note of a change that was written. */
  revise(revision: number): void;
  arm(): void;
}

/** What becomes of what is kept apart: it stays, it counts as late, or it is forgotten. */
export type Settling = "keep" | "release" | "drop";

/** What was kept apart of an edge. */
export interface Settled {
  bundles: number;
  lost: number;
}

/** How far an object has come with making tiles anew; `next` is the minute to go on with, null where it is done. */
export interface RecutReport {
  minutes: number;
  bundles: number;
  next: number | null;
}

/**
 * What an object does with quarantined edges: keeps apart what they post, takes back what they posted, and gives it free or forgets it.
 *
 * Each step is one transaction, and may be done again; where one fails, memory is what the rows say.
 */
export class Custody {
  quarantine: Quarantine;

  constructor(private readonly host: CustodyHost) {
    this.quarantine = this.open();
  }

  /** Puts an edge on the tenant's list, or takes it off. */
  list(edge: string, isIn: boolean): QuarantineList | Refused {
    return this.change(() => this.quarantine.change(edge, isIn, Date.now()));
  }

  /** Goes by a list from now on. */
  goBy(list: QuarantineList): void {
    this.change(() => this.quarantine.apply(list, Date.now()));
  }

  /** Goes by a list from now on, and settles what is kept apart of an edge. */
  settle(list: QuarantineList, edge: string, how: Settling): Settled | Refused {
    this.goBy(list);
    const { bundles = 0, lost = 0 } = this.quarantine.of(edge) ?? {};
    if (how === "drop") this.change(() => this.quarantine.drop(edge));
    const refused = how === "release" ? this.release(edge) : null;
    return refused ?? { bundles, lost };
  }

  /** Keeps a quarantined edge's bundle apart; its key is new among those of its minute. */
  keepApart({ edge, body, encoding }: Delivery, entry: Entry, keys: Set<number>): Receipt {
    const { registry, edges } = this.host;
    try {
      this.change(() => {
        registry.save();
        this.quarantine.take(edge, { entry, body, encoding }, entry.receivedMs);
      });
    } catch (error) {
      console.error(`keeping apart failed: ${messageOf(error)}`);
      return notStored();
    }
    registry.saved();
    keys.add(entryKey(entry));
    edges.observeApart(this.edgeOf(entry.source), entry);
    this.host.arm();
    return { stored: true, timeMs: entry.receivedMs, apart: true };
  }

  /**
   * Takes out of their tiles what a quarantined edge posted in minutes from `from` on, each minute in a transaction of its own; stops when the
   * time is up.
   */
  recut(name: string, from: number): RecutReport | Refused {
    const { sql, registry, edges } = this.host;
    this.host.seal();
    const number = registry.numberOf(name);
    if (number === undefined || !this.quarantine.has(name)) return notQuarantined();
    const untilMs = Date.now() + RECUT_MS_MAX;
    const report: RecutReport = { minutes: 0, bundles: 0, next: null };
    for (const minute of minutesOf(this.recutContext(), number, from)) {
      if (Date.now() > untilMs) return { ...report, next: minute };
      const revision = this.host.state().revision + 1;
      report.bundles += this.change(() => {
        const bundles = recutMinute(this.recutContext(), { name, number }, minute, revision, Date.now());
        edges.save();
        writeNumber(sql, "revision", revision);
        writeNumber(sql, "recut_revision", revision);
        return bundles;
      });
      edges.saved();
      this.host.revise(revision);
      report.minutes += 1;
    }
    return report;
  }

  /** Runs a change of what is kept apart in a transaction. */
  change<Result>(work: () => Result): Result {
    try {
      return this.host.transact(work);
    } catch (error) {
      this.quarantine = this.open();
      throw error;
    }
  }

  /** Stores what is kept apart of an edge as if it came now, a row at a time. */
  private release(edge: string): Refused | null {
    this.host.flush();
    const isKnown = (source: number) => this.host.registry.sources.has(source);
    while (true) {
      if (this.host.state().pendingBytes > PENDING_BYTES_MAX) return behind();
      const { ids, arrivals } = this.quarantine.next(edge, BATCH_BYTES_MAX, BATCH_BUNDLES_MAX, isKnown);
      if (ids.length === 0) return null;
      try {
        this.host.store(arrivals, () => this.quarantine.released(ids));
      } catch (error) {
        console.error(`release failed: ${messageOf(error)}`);
        this.quarantine = this.open();
        return notStored();
      }
    }
  }

  private open(): Quarantine {
    const { sql, minutes, edges } = this.host;
    return new Quarantine(sql, minutes, edges, (source) => this.edgeOf(source));
  }

  private recutContext(): RecutContext {
    const { sql, minutes, edges } = this.host;
    const { sealed } = this.host.state();
    return { core: core(), sql, minutes, edges, quarantine: this.quarantine, sealed, edgeOf: (source) => this.edgeOf(source) };
  }

  private edgeOf(source: number): number {
    return this.host.registry.sources.get(source)?.edge ?? 0;
  }
}

function notQuarantined(): Refused {
  const reason = "the edge is not quarantined; quarantine it first, so that what is taken out can be kept apart";
  return { status: 409, code: "not_quarantined", reason };
}
