import { BATCH_BUNDLES_MAX, BATCH_BYTES_MAX, RETRY_AFTER_SECONDS } from "../limits";
import type { Refused } from "../refusal";
import { isAsking } from "./asked";
import type { Arrival, Entry } from "./batches";
import type { EdgeStates } from "./edge-states";
import { entryKey, type Minutes } from "./minutes";
import type { Delivery, Receipt } from "./node";
import { messageOf, notStored } from "./not-now";
import { Quarantine, type QuarantineList } from "./quarantine";
import type { Registry } from "./registry";

/** How far an object has come. */
export interface ObjectState {
  /** The last batch that went into tiles. */
  sealed: number;
  revision: number;
}

/** What the object does for its custody of quarantined edges. */
export interface CustodyHost {
  sql: SqlStorage;
  registry: Registry;
  minutes: Minutes;
  edges: EdgeStates;
  transact<Result>(work: () => Result): Result;
  state(): ObjectState;
  /** Writes what waits to be written. */
  flush(): void;
  /** Writes bundles as one row, and what `besides` writes in the same transaction; throws where it cannot. */
  store(arrivals: readonly Arrival[], besides: () => void): void;
  /** What speaks against taking more. */
  fullness(): Refused | null;
  arm(): void;
}

/** What becomes of what is kept apart: it stays, it counts as late, or it is forgotten. */
export type Settling = "keep" | "release" | "drop";

/** What was kept apart of an edge. */
export interface Settled {
  bundles: number;
  lost: number;
}

/**
 * What an object does with quarantined edges: keeps apart what they post, and gives it free or forgets it.
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
    if (how !== "keep" && isAsking(this.host.sql, this.host.registry.numberOf(edge))) return recutUnderWay();
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
      const full = this.host.fullness();
      if (full !== null) return full;
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

  private edgeOf(source: number): number {
    return this.host.registry.sources.get(source)?.edge ?? 0;
  }
}

function recutUnderWay(): Refused {
  const reason = `minutes of the edge are being taken out, and the root has yet to take them; try again in ${RETRY_AFTER_SECONDS} s`;
  return { status: 503, code: "recut_under_way", reason };
}
