import { JOINING_BYTES_MAX, OUTBOX_BYTES_FULL, OUTBOX_MESSAGES_FULL, RETRY_AFTER_SECONDS } from "../limits";
import { parseName } from "../names";
import type { Refused } from "../refusal";
import type { Standing } from "../tree/shard-map";
import type { Hub } from "./hub";
import type { Receipt } from "./node";
import { deleteMessage, hasMessages, measureOutbox, type OutboxContext, OutboxWriter, readMessage, type Waiting } from "./outbox";
import type { QuarantineList } from "./quarantine";
import { readText, writeText } from "./schema";

/**
 * The way up: where an object stands in the tree, and the delivery of its outbox to its parent.
 *
 * Invariant: a standing is written only after the parent has enrolled the object, so whoever has bundles is known above. Messages go
 * up one at a time in the order of their numbers, and a message is deleted only after its receipt; so the parent needs but the
 * last number of each boot to take every message once, however late it comes. What was taken in is never given up for want of room to wait:
 * where the outbox is full, nothing is taken in.
 */
export class Upstream {
  private current: Standing | null;
  private joiningBytes = 0;
  private readonly full: Waiting = { messages: OUTBOX_MESSAGES_FULL, bytes: OUTBOX_BYTES_FULL };
  /** What waits at the most: what went up since it was counted is in it. Null where it is to be counted. */
  private waiting: Waiting | null = null;
  /** Whether a message is on its way: one at a time. */
  private isSending = false;

  /** Calls `onDecided` with what the parent says of a message that stands in the place of others: maybe more than once, the same. */
  constructor(
    private readonly sql: SqlStorage,
    private readonly hubs: DurableObjectNamespace<Hub>,
    private readonly onEnrolled: (list: QuarantineList) => void,
    private readonly onDecided: (number: number, isTaken: boolean) => void,
  ) {
    const known = readText(sql, "standing");
    this.current = known === null ? null : (JSON.parse(known) as Standing);
  }

  /** Where the object stands; null for one at the top, or of which nothing is known yet. */
  get standing(): Standing | null {
    return this.current;
  }

  /** Whether something waits to be sent. */
  get isWaiting(): boolean {
    return this.current !== null && hasMessages(this.sql);
  }

  /** Whether no more may wait. */
  get isFull(): boolean {
    if (this.current === null) return false;
    this.waiting ??= measureOutbox(this.sql);
    return this.isAtBound(this.waiting);
  }

  private isAtBound({ messages, bytes }: Waiting): boolean {
    return messages >= this.full.messages || bytes >= this.full.bytes;
  }

  /** What one seal sends up is written by, in the place of what was sent of a minute where one is given; null at the top of the tree. */
  outbox(context: Omit<OutboxContext, "sql" | "keep">, revision: number, replaced: number | null): OutboxWriter | null {
    if (this.current === null) return null;
    this.waiting = null;
    return new OutboxWriter({ ...context, sql: this.sql, keep: this.current.keep }, revision, replaced);
  }

  /** Takes a place in the tree, once, for who waits for it with so many bytes. */
  async join(standing: Standing, bytes: number): Promise<Refused | null> {
    if (this.current !== null) return null;
    if (this.joiningBytes + bytes > JOINING_BYTES_MAX) return joining();
    this.joiningBytes += bytes;
    try {
      return await this.enroll(standing);
    } finally {
      this.joiningBytes -= bytes;
    }
  }

  private async enroll(standing: Standing): Promise<Refused | null> {
    const enrolled: QuarantineList | Refused = await this.hubs.getByName(standing.parent).enroll(standing.name);
    if ("status" in enrolled) return enrolled;
    this.onEnrolled(enrolled);
    if (this.current !== null) return null;
    writeText(this.sql, "boot", newBoot());
    writeText(this.sql, "standing", JSON.stringify(standing));
    this.current = standing;
    return null;
  }

  /**
   * Sends what waits, until nothing does or the time is up; throws where the parent does not take it, which then waits on, and where it has not
   * answered the one before yet.
   */
  async deliver(untilMs: number): Promise<void> {
    if (this.current === null) return;
    if (this.isSending) throw new Error(`${this.current.parent} has not answered yet`);
    this.isSending = true;
    try {
      await this.send(this.current, untilMs);
    } finally {
      this.isSending = false;
    }
  }

  private async send({ name: shard, parent }: Standing, untilMs: number): Promise<void> {
    if (parseName(parent).tenant !== parseName(shard).tenant) throw new Error(`${parent} is of another tenant than ${shard}`);
    const boot = readText(this.sql, "boot") ?? "";
    while (Date.now() < untilMs) {
      const message = readMessage(this.sql);
      if (message === null) return;
      const { recut, ...rest } = message;
      const object = this.hubs.getByName(parent);
      const receipt: Receipt = await (recut === undefined
        ? object.receive({ shard, boot, ...rest })
        : object.replace({ shard, boot, ...rest, recut }));
      if ("status" in receipt) throw new Error(`${parent} does not take it: ${receipt.reason}`);
      if (recut?.first === message.number) this.onDecided(message.number, receipt.replaced === true);
      deleteMessage(this.sql, message.number);
      // Counting reads a row a message: only where it may make room.
      if (this.waiting !== null && this.isAtBound(this.waiting)) this.waiting = null;
    }
  }
}

/** The refusal of what comes while an object is not in its tree yet and others wait for that already. */
function joining(): Refused {
  const reason = `the hub object does not have its place in the tree yet; try again in ${RETRY_AFTER_SECONDS} s`;
  return { status: 503, code: "joining", reason };
}

/** A number that no other object has, nor this one after it was wiped: 16 hex digits. */
function newBoot(): string {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
