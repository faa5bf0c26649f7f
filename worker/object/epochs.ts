import { MINUTE_SECONDS, SHARD_MAP_EPOCHS_MAX, SHARD_MAP_NOTICE_SECONDS } from "../limits";
import { FIRST_EPOCH } from "../names";
import type { Refused } from "../refusal";
import { formatTime } from "../time";
import type { Epoch, ShardMap } from "../tree/shard-map";

/** What a tenant's bundles are to be parted by. */
export type EpochRequest = Pick<Epoch, "tag" | "keep">;

/** The versions of a tenant's shard map, as its root keeps them. */
export class Epochs {
  private readonly list: Epoch[] = [];

  constructor(private readonly sql: SqlStorage) {
    const rows = sql.exec<{ epoch: number; from_minute: number; tag: string | null; keep: string }>(
      "SELECT * FROM epochs ORDER BY epoch",
    );
    for (const { epoch, from_minute, tag, keep } of rows) {
      this.list.push({ epoch, from: from_minute, tag, keep: JSON.parse(keep) });
    }
  }

  get map(): ShardMap {
    return this.list;
  }

  /**
   * Adds a version, for all minutes where the tenant has none yet (`isEmpty`), else from one that begins after every Worker has
   * heard of it.
   */
  add({ tag, keep }: EpochRequest, isEmpty: boolean, nowSeconds: number): Epoch | Refused {
    const last = this.list.at(-1);
    if (last !== undefined && last.from > nowSeconds) {
      const reason = `a change is under way and holds from ${formatTime(last.from)}; wait until then`;
      return { status: 409, code: "change_under_way", reason };
    }
    if (this.list.length >= SHARD_MAP_EPOCHS_MAX) {
      const reason = `the shard map was changed ${SHARD_MAP_EPOCHS_MAX} times; that is as often as it can be`;
      return { status: 422, code: "too_many_epochs", reason };
    }
    const soon = Math.ceil((nowSeconds + SHARD_MAP_NOTICE_SECONDS) / MINUTE_SECONDS) * MINUTE_SECONDS;
    const epoch: Epoch = {
      epoch: (last?.epoch ?? FIRST_EPOCH) + 1,
      from: isEmpty && last === undefined ? 0 : soon,
      tag,
      keep,
    };
    const values = [epoch.epoch, epoch.from, tag, JSON.stringify(keep)];
    this.sql.exec("INSERT INTO epochs (epoch, from_minute, tag, keep) VALUES (?, ?, ?, ?)", ...values);
    this.list.push(epoch);
    return epoch;
  }
}
