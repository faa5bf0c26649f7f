/** The table's rows: which of the kept round trips match a filter, in which order. */
import { Core, type FilterFault } from "../../engine/core";
import { COLUMNS } from "./columns";
import type { Order, View } from "./messages";
import type { TripStore } from "./trip-store";

/** How long a slice of work may take before others get their turn, ms. */
const SLICE_MS = 12;

/** Memory of a core that only puts filters to round trips: the least there is. */
const BUDGET_BYTES = 8 << 20;

/** A filter that cannot be read. */
export class FilterError extends Error {
  override name = "FilterError";

  constructor(readonly fault: FilterFault) {
    super(fault.message);
  }
}

type SortKey = string | number | undefined;

/** Filters and sorts the round trips of a store; gives way to a newer view in the middle of its work. */
export class TripView {
  private indexes = new Uint32Array(0);
  private newest = -1;
  private readonly judge: Core;
  /** Keys of all kept round trips by the column that was sorted by last. */
  private sorted: { column: string; keys: SortKey[] } = { column: "", keys: [] };

  constructor(
    private readonly store: TripStore,
    core: WebAssembly.Module,
  ) {
    this.judge = new Core(core, { budgetBytes: BUDGET_BYTES });
  }

  /** Numbers of the round trips that are shown. */
  get rows(): Uint32Array {
    return this.indexes;
  }

  /** Makes `view` the one that is shown; false where a newer one came meanwhile. Throws FilterError. */
  async show({ number, filter, order }: View): Promise<boolean> {
    this.newest = number;
    const fault = this.judge.setFilter(filter);
    if (fault !== undefined) throw new FilterError(fault);
    const matching = await this.matching(number);
    const keys = matching && order ? await this.keysOf(number, order.column) : [];
    if (matching === undefined || keys === undefined) return false;
    this.indexes = order ? sort(matching, keys, order) : matching;
    return true;
  }

  private async matching(number: number): Promise<Uint32Array<ArrayBuffer> | undefined> {
    const { kept } = this.store;
    const found = new Uint32Array(kept);
    let count = 0;
    const isDone = await this.inSlices(number, kept, (index) => {
      if (this.judge.wants(this.store.event(index))) found[count++] = index;
    });
    return isDone ? found.slice(0, count) : undefined;
  }

  private async keysOf(number: number, column: string): Promise<SortKey[] | undefined> {
    if (this.sorted.column === column) return this.sorted.keys;
    const { key } = COLUMNS.find(({ id }) => id === column) ?? COLUMNS[0]!;
    const keys: SortKey[] = [];
    const isDone = await this.inSlices(number, this.store.kept, (index) => keys.push(key(this.store.get(index))));
    if (!isDone) return undefined;
    this.sorted = { column, keys };
    return keys;
  }

  /** Does `work` for 0 to `count`, letting messages in between; false where a newer view came. */
  private async inSlices(number: number, count: number, work: (index: number) => void): Promise<boolean> {
    let until = performance.now() + SLICE_MS;
    for (let index = 0; index < count; index++) {
      work(index);
      if (index % 64 !== 0 || performance.now() < until) continue;
      await new Promise((resume) => setTimeout(resume));
      if (this.newest !== number) return false;
      until = performance.now() + SLICE_MS;
    }
    return true;
  }
}

/** Orders by key and then by place in the file; what has no key comes last. */
function sort(indexes: Uint32Array<ArrayBuffer>, keys: readonly SortKey[], { descending }: Order): Uint32Array<ArrayBuffer> {
  const sign = descending ? -1 : 1;
  return indexes.sort((a, b) => {
    const [left, right] = [keys[a], keys[b]];
    if (left === right) return a - b;
    if (left === undefined) return 1;
    if (right === undefined) return -1;
    return left < right ? -sign : sign;
  });
}
