import { DurableObject } from "cloudflare:workers";
import { allowanceOf } from "../allowance";
import type { BodyEncoding } from "../body";
import { core } from "../core";
import type { Environment } from "../environment";
import { ALARM_PART_MS_MAX, DELIVERY_MS_MAX, MINUTE_BUNDLES_MAX, PENDING_BYTES_MAX } from "../limits";
import type { BundleHead } from "../merge";
import { within } from "../patience";
import type { Refused } from "../refusal";
import { retentionOf } from "../retention";
import type { Tags } from "../tags";
import { epochOf, type Standing } from "../tree/shard-map";
import { refusalOf, tooManyBundles } from "./admission";
import { AlarmClock, sealPeriodOf } from "./alarm-clock";
import { newAnswerCaches } from "./answer-cache";
import { Archive, type ArchiveHost, type RestoreStep, type Stillness } from "./archive";
import { expireRefused, minutesAsked } from "./asked";
import { type Arrival, type Entry, expireBatches, readBatches, sizeOf, writeBatch } from "./batches";
import { CommitQueue } from "./commit-queue";
import { isPartial } from "./completeness";
import { Custody, type CustodyHost, type ObjectState, type Settled, type Settling } from "./custody";
import { Cutter, type CutterHost, type RecutReport } from "./cutter";
import type { Cursor, Page } from "./dump";
import { EdgeStates } from "./edge-states";
import { Epochs } from "./epochs";
import { expireTiles } from "./expiry";
import { expireCuts } from "./kept";
import { Knocks } from "./knocks";
import { Lookout } from "./lookout";
import { isLoss } from "./losses";
import { entryKey, isIn, Minutes } from "./minutes";
import { behind, messageOf, notStored, outboxFull } from "./not-now";
import type { Message, OutboxWriter, Replacement } from "./outbox";
import { Paces } from "./pace";
import type { Source } from "./parts";
import type { QuarantineList } from "./quarantine";
import { arrivalsOf } from "./receive";
import { type RefusalCount, Refusals } from "./refusals";
import { Registry } from "./registry";
import { rollUp } from "./rollup";
import { migrate, readNumber, writeNumber } from "./schema";
import { sealTiles } from "./seal";
import { Upstream } from "./upstream";

/** One bundle as the Worker hands it over: who sent it is taken from the key. */
export interface Delivery {
  edge: string;
  tags: Tags;
  version: string;
  /** The edge's clock as it sent the bundle, milliseconds; null where it did not say. */
  clockMs: number | null;
  bytes: Uint8Array;
  /** The bundle as it came, in its content encoding. */
  body: Uint8Array;
  encoding: BodyEncoding;
  /** Where the object that takes it stands in the tree; null for the root. */
  standing: Standing | null;
}

/** What became of a delivery. */
export type Receipt = { stored: boolean; timeMs: number; apart?: true; replaced?: boolean } | Refused;

/** The sender's shard map is an old one: the minute belongs to another object. */
export type Moved = { moved: true };

/**
 * One node of the tree, as far as it takes and keeps: bundles of edges and messages of shards, each once; seals them into tiles, and sends up what it
 * sealed. What it is asked is in `hub.ts`.
 *
 * - What is acknowledged is in a row, and is in every answer of this object from then on.
 * - A bundle is known by (edge, boot, policy, minute, sequence), a message by (shard, boot, number); each counts once.
 * - Everything in memory can be rebuilt from rows, and the constructor does; so it may be killed at any moment.
 * - A sealed batch is in tiles, an unsealed one is in `pending`; the number `sealed` parts them, and moves in the same
 *   transaction that writes the tiles.
 */
export abstract class HubNode extends DurableObject<Environment> {
  protected readonly sql: SqlStorage;
  protected readonly archive: Archive;
  private readonly paces: Paces;
  protected registry!: Registry;
  protected minutes!: Minutes;
  protected edges!: EdgeStates;
  protected refusals!: Refusals;
  protected lookout!: Lookout;
  protected epochs!: Epochs;
  protected upstream!: Upstream;
  private knocks!: Knocks;
  protected custody!: Custody;
  private cutter!: Cutter;
  /** Committed, not yet sealed. */
  private pending: Entry[] = [];
  private pendingBytes = 0;
  /** Accepted, not yet committed, by minute and key. */
  protected readonly queue = new CommitQueue((arrivals) => this.commit(arrivals));
  private answers = newAnswerCaches();
  protected revision = 0;
  private sealed = 0;
  private readonly clock: AlarmClock;

  constructor(state: DurableObjectState, environment: Environment) {
    super(state, environment);
    this.sql = state.storage.sql;
    this.clock = new AlarmClock(state.storage, sealPeriodOf(environment));
    this.archive = new Archive(this.archiveHost());
    this.archive.recover();
    migrate(state.storage);
    this.paces = new Paces(allowanceOf(environment));
    this.load();
    if (this.revision > 0 || this.upstream.isWaiting) void state.blockConcurrencyWhile(() => this.clock.rearm());
  }

  /** Makes everything in memory anew from rows, with nothing waiting to be written. */
  private load(): void {
    const { HUB: hubs } = this.env;
    this.pending = [];
    this.pendingBytes = 0;
    this.answers = newAnswerCaches();
    this.registry = new Registry(this.sql, allowanceOf(this.env));
    this.edges = new EdgeStates(this.sql);
    this.refusals = new Refusals(this.sql);
    this.lookout = new Lookout(this.ctx, this.env, this.registry, this.edges);
    this.epochs = new Epochs(this.sql);
    this.upstream = new Upstream(
      this.sql,
      hubs,
      (list) => this.custody.goBy(list),
      (number, isTaken) => this.cutter.decided(number, isTaken),
    );
    this.knocks = new Knocks(this.registry, this.edges, hubs);
    this.minutes = new Minutes(this.sql, () => this.live());
    this.custody = new Custody(this.custodyHost());
    this.cutter = new Cutter(this.cutterHost());
    this.revision = readNumber(this.sql, "revision");
    this.sealed = readNumber(this.sql, "sealed");
    for (const batch of readBatches(this.sql, this.sealed)) {
      this.keep(batch.entries);
      this.revision = Math.max(this.revision, batch.id);
    }
  }

  /** Takes one bundle; the receipt comes when it is in a row, or was there before. */
  async ingest(delivery: Delivery): Promise<Receipt | Moved> {
    const receipt = await this.takeBundle(delivery);
    if ("status" in receipt) {
      const { code, reason } = receipt;
      this.noteRefusals([{ edge: delivery.edge, code, count: 1, reason, lastMs: Date.now() }]);
    }
    return receipt;
  }

  private async takeBundle(delivery: Delivery): Promise<Receipt | Moved> {
    const nowMs = Date.now();
    const tooFast = this.paces.take(delivery.edge, delivery.body.byteLength, nowMs);
    if (tooFast !== null) return tooFast;
    const header = core().validate(delivery.bytes);
    if ("fault" in header) return { status: 422, code: header.fault, reason: header.reason };
    const refused = refusalOf(header, nowMs) ?? this.archive.refusal() ?? this.fullness(nowMs);
    if (refused !== null) return refused;
    if (delivery.standing === null) {
      if ((epochOf(this.epochs.map, header.minute)?.tag ?? null) !== null) return { moved: true };
    } else {
      const refusedAbove = await this.upstream.join(delivery.standing, delivery.bytes.byteLength + delivery.body.byteLength);
      if (refusedAbove !== null) return refusedAbove;
      const refusedNow = this.archive.refusal();
      if (refusedNow !== null) return refusedNow;
    }
    const keys = this.minutes.keys(header.minute);
    // What is refused leaves no number behind, so it is asked for none: only a duplicate is known already.
    const source = this.registry.sourceOf(delivery.edge, header);
    if (keys.size >= MINUTE_BUNDLES_MAX && !isIn(keys, source, header)) return tooManyBundles(header.minute);
    const entry = this.entryOf(delivery, header, nowMs);
    if ("status" in entry) return entry;

    const name = `${entry.minute} ${entryKey(entry)}`;
    const same = this.queue.settled(name);
    if (same !== undefined) return (await same) ?? { stored: false, timeMs: nowMs };
    if (keys.has(entryKey(entry))) return { stored: false, timeMs: nowMs };
    if (this.custody.quarantine.has(delivery.edge)) return this.custody.keepApart(delivery, entry, keys);
    keys.add(entryKey(entry));
    const { body, encoding } = delivery;
    const refusedLater = await this.queue.add(name, this.edgeOf(entry.source), [{ entry, body, encoding }], nowMs);
    return refusedLater ?? { stored: true, timeMs: nowMs };
  }

  /** Takes what a shard sealed; the receipt comes when it is in a row, or was there before. */
  async receive(message: Message): Promise<Receipt> {
    const refused = this.archive.refusal(true);
    if (refused !== null) return refused;
    const nowMs = Date.now();
    const { shard, boot, number } = message;
    const edge = this.registry.placeShard(shard);
    if (typeof edge !== "number") return edge;
    if (number <= this.edges.cursorOf(edge, boot)) return { stored: false, timeMs: nowMs };
    const name = `${shard} ${boot} ${number}`;
    const same = this.queue.settled(name);
    if (same !== undefined) return (await same) ?? { stored: false, timeMs: nowMs };
    const full = this.fullness(nowMs);
    if (full !== null) return full;
    const arrivals = arrivalsOf(message, this.registry, this.minutes, nowMs);
    if ("status" in arrivals) return arrivals;
    const refusedLater = await this.queue.add(name, edge, arrivals, nowMs);
    return refusedLater ?? { stored: true, timeMs: nowMs };
  }

  /** Takes what a shard has of a minute in the place of what it sent of it before, or says that it cannot be; once, as any message. */
  replace(message: Replacement): Receipt {
    return this.archive.refusal(true) ?? this.cutter.replace(message);
  }

  /** Takes note of a shard before it takes its first bundle, so that whoever asks all shards asks it too. */
  enroll(shard: string): QuarantineList | Refused {
    const refused = this.archive.refusal(true);
    if (refused !== null) return refused;
    const edge = this.registry.placeShard(shard);
    if (typeof edge !== "number") return edge;
    this.ctx.storage.transactionSync(() => this.registry.save());
    this.registry.saved();
    return this.custody.quarantine.list();
  }

  /** Puts an edge on the tenant's list of quarantined ones, or takes it off; of a root. Gives the list, which every object must get. */
  listQuarantined(edge: string, isIn: boolean): QuarantineList | Refused {
    return this.archive.refusal() ?? this.custody.list(edge, isIn);
  }

  /** Goes by a list of quarantined edges from now on, and settles what is kept apart of an edge: it counts as late, or is forgotten. */
  settle(list: QuarantineList, edge: string, how: Settling): Settled | Refused {
    return this.archive.refusal() ?? this.custody.settle(list, edge, how);
  }

  /** Takes what a quarantined edge posted since a minute out of its tiles, as far as the time goes. */
  async recut(edge: string, from: number): Promise<RecutReport | Refused> {
    return this.archive.refusal() ?? this.cutter.recut(edge, from);
  }

  /** Begins, renews or ends that the object holds still for a backup; false where it does not. */
  hold(token: string, order: Stillness | "renew" | "end"): boolean {
    if (order === "renew") return this.archive.renew(token);
    return order === "end" ? this.archive.letGo(token) : this.archive.holdAs(token, order);
  }

  /** One page of a backup; null where the object does not hold still any more. */
  backupPage(token: string, cursor: Cursor): { page: Page; next: Cursor | null } | null {
    return this.archive.page(token, cursor);
  }

  /** One step of a restore. */
  restore(token: string, step: RestoreStep): Refused | null {
    return this.archive.take(token, step);
  }

  /** Does what an alarm does, where there is something to seal or to send up that one should have seen to. */
  async wake(): Promise<void> {
    const [oldest] = this.pending;
    const isLate = oldest !== undefined && oldest.receivedMs < Date.now() - 2 * this.clock.periodSeconds * 1000;
    if (isLate || this.upstream.isWaiting) await this.alarm();
  }

  /** Counts what was refused of edges, here or before any object. */
  noteRefusals(counts: readonly RefusalCount[]): void {
    if (this.archive.isRestoring()) return;
    for (const one of counts) this.refusals.note(one);
    this.clock.arm();
  }

  /**
   * Seals what is there and sends it up, merges hours and days that have ended, and deletes what is too old. Never throws: an alarm
   * that throws is given up after six times.
   */
  override async alarm(): Promise<void> {
    this.clock.rang();
    await this.attempt("seal", () => this.seal());
    await this.attempt("delivery", () => this.upstream.deliver(Date.now() + DELIVERY_MS_MAX));
    await this.attempt("knock", () => this.knocks.knock(Date.now(), this.clock.periodSeconds));
    const place = { standing: this.upstream.standing, map: this.epochs.map };
    // Edges are not silent because they are refused: as where the hub was away, they are looked at again once they are taken.
    await this.attempt("watch", () => this.upstream.isFull || this.lookout.look(place, Date.now(), this.clock.periodSeconds));
    await this.attempt("rollup", () => rollUp(core(), this.ctx.storage, Date.now() / 1000));
    await this.attempt("expiry", () => this.expire());
    await this.attempt("alarm", () => this.clock.arm());
  }

  /** Runs a part of what an alarm does; where it fails, or has no end, the next alarm tries again. */
  private async attempt(name: string, work: () => unknown): Promise<void> {
    if (name !== "alarm" && this.archive.refusal() !== null) return;
    try {
      await within(ALARM_PART_MS_MAX, (async () => work())(), () => new Error("it takes too long"));
    } catch (error) {
      console.error(`${name} failed, the next alarm tries again: ${messageOf(error)}`);
    }
  }

  /** What speaks against taking more: so much is not sealed, or was not sent up, that there is no room for it. */
  private fullness(nowMs: number): Refused | null {
    const waitMs = this.clock.nextMs(nowMs) - nowMs;
    if (this.pendingBytes > PENDING_BYTES_MAX) return behind(waitMs);
    return this.upstream.isFull ? outboxFull(waitMs) : null;
  }

  private entryOf(delivery: Delivery, header: BundleHead, nowMs: number): Entry | Refused {
    const { policy, samplingRate } = header;
    const head = { policy, samplingRate, tags: delivery.tags, received: false };
    const place = this.registry.place(delivery.edge, head, header.boot);
    if ("status" in place) return place;
    const { source, group } = place;
    const skewMs = delivery.clockMs === null ? null : Math.round(delivery.clockMs - nowMs);
    const { version, bytes } = delivery;
    const losses = isLoss(header.losses) ? { losses: header.losses } : {};
    return {
      ...losses,
      source,
      group,
      minute: header.minute,
      sequence: header.sequence,
      receivedMs: nowMs,
      skewMs,
      version,
      bytes,
    };
  }

  /** Writes one row and takes its entries into memory; where it cannot be written they are forgotten, and the reason given. */
  private commit(arrivals: readonly Arrival[]): Refused | null {
    try {
      this.store(arrivals);
      return null;
    } catch (error) {
      console.error(`commit failed: ${messageOf(error)}`);
      for (const { entry } of arrivals) this.minutes.keys(entry.minute).delete(entryKey(entry));
      return notStored();
    }
  }

  /** Writes one row, and what `besides` writes with it, and takes its entries into memory. */
  private store(arrivals: readonly Arrival[], besides?: () => void): void {
    const id = this.revision + 1;
    this.ctx.storage.transactionSync(() => {
      this.registry.save();
      writeBatch(this.sql, id, arrivals, Date.now());
      besides?.();
    });
    this.registry.saved();
    this.revision = id;
    this.keep(arrivals.map(({ entry }) => entry));
    this.clock.arm();
    if (this.pendingBytes > PENDING_BYTES_MAX) this.sealEarly();
  }

  /** Takes committed entries into memory. */
  private keep(entries: Entry[]): void {
    for (const entry of entries) {
      this.pending.push(entry);
      this.pendingBytes += sizeOf(entry);
      this.edges.observe(this.edgeOf(entry.source), this.registry.sources.get(entry.source)?.boot ?? "", entry);
    }
  }

  private sealEarly(): void {
    try {
      this.sealPending();
    } catch (error) {
      console.error(`early seal failed: ${messageOf(error)}`);
    }
  }

  private seal(): void {
    this.queue.flush();
    this.sealPending();
  }

  /** Merges what is pending into tiles and moves `sealed` past it, in one transaction. */
  private sealPending(): void {
    if (this.pending.length === 0) {
      this.saveAside();
      return;
    }
    const through = this.revision;
    const revision = this.revision + 1;
    this.ctx.storage.transactionSync(() => {
      const outbox = this.outboxOf(revision);
      sealTiles(core(), this.sql, this.pending, revision, (sealed) => outbox?.add(sealed));
      outbox?.end();
      const minutes = new Set(this.pending.map((entry) => entry.minute));
      for (const minute of minutes) this.minutes.seal(minute, this.pending, revision, (source) => this.edgeOf(source));
      this.edges.save();
      this.refusals.save();
      writeNumber(this.sql, "sealed", through);
      writeNumber(this.sql, "revision", revision);
    });
    this.edges.saved();
    this.refusals.saved();
    this.sealed = through;
    this.revision = revision;
    this.pending = [];
    this.pendingBytes = 0;
  }

  /** Writes what a seal writes beside tiles, where there is nothing to seal. */
  private saveAside(): void {
    if (!this.refusals.isChanged) return;
    this.ctx.storage.transactionSync(() => this.refusals.save());
    this.refusals.saved();
  }

  /** What a seal sends up is written by; null at the top of the tree. */
  private outboxOf(revision: number, replaced: number | null = null): OutboxWriter | null {
    const { registry, minutes, edges } = this;
    const isPartialIn = (minute: number) => isPartial({ registry, minutes, edges }, minute);
    return this.upstream.outbox({ core: core(), groups: registry.groups, isPartial: isPartialIn }, revision, replaced);
  }

  private expire(): void {
    const nowMs = Date.now();
    // Rows must hold how edges were after what is sealed, and no more: what is not is counted again when it is read.
    if (this.edges.hasExpired(nowMs / 1000)) this.seal();
    const isSealed = this.pending.length === 0;
    this.custody.change(() => {
      this.custody.quarantine.expire(nowMs);
      if (isSealed) {
        this.edges.expire(this.registry, nowMs / 1000);
        this.edges.save();
      }
      expireTiles(this.sql, retentionOf(this.env), nowMs / 1000);
      this.minutes.expire(nowMs / 1000);
      this.refusals.expire(nowMs / 1000);
      expireBatches(this.sql, this.sealed, nowMs, minutesAsked(this.sql));
      expireCuts(this.sql, this.sealed);
      expireRefused(this.sql, nowMs / 1000);
    });
    if (isSealed) this.edges.saved();
  }

  protected source(): Source {
    if (this.archive.isRestoring()) throw new Error("this tenant is being restored");
    const { sql, registry, minutes, edges, pending, sealed, revision, answers } = this;
    return { sql, registry, minutes, edges, pending, sealed, revision, answers };
  }

  private archiveHost(): ArchiveHost {
    return {
      storage: this.ctx.storage,
      flush: () => this.queue.flush(),
      isEmpty: () =>
        this.registry.edges.size === 0 && this.revision === 0 && this.epochs.map.length === 0 && this.upstream.standing === null,
      load: () => this.load(),
      arm: () => this.clock.arm(),
    };
  }

  private custodyHost(): CustodyHost {
    return {
      ...this.commonHost(),
      flush: () => this.queue.flush(),
      store: (arrivals, besides) => this.store(arrivals, besides),
      fullness: () => this.fullness(Date.now()),
      arm: () => this.clock.arm(),
    };
  }

  private cutterHost(): CutterHost {
    return {
      ...this.commonHost(),
      upstream: this.upstream,
      quarantine: () => this.custody.quarantine,
      seal: () => this.seal(),
      revise: (revision, sealed = this.sealed) => {
        this.revision = revision;
        this.sealed = sealed;
      },
      outboxOf: (revision, replaced) => this.outboxOf(revision, replaced),
      reload: () => {
        this.queue.flush();
        this.load();
      },
    };
  }

  private commonHost() {
    const { sql, registry, minutes, edges } = this;
    const transact = <Result>(work: () => Result): Result => this.ctx.storage.transactionSync(work);
    return { sql, registry, minutes, edges, transact, state: () => this.state() };
  }

  private state(): ObjectState {
    const { sealed, revision } = this;
    return { sealed, revision };
  }

  private edgeOf(source: number): number {
    return this.registry.sources.get(source)?.edge ?? 0;
  }

  /** Entries that are accepted and not sealed. */
  private *live(): Generator<Entry> {
    yield* this.pending;
    yield* this.queue.entries();
  }
}
