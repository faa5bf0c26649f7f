import { core } from "../core";
import { HOLD_SECONDS, RETRY_AFTER_SECONDS } from "../limits";
import type { Refused } from "../refusal";
import { checkBounds } from "./bounds";
import { type Cursor, dropTables, type Page, readPage, writePage } from "./dump";
import { checkPlace, Inspector } from "./inspect";
import { messageOf } from "./not-now";
import { migrate, migrateTo } from "./schema";

/** How an object holds still while it is backed up: it takes nothing at all, or nothing from shards. */
export type Stillness = "still" | "deaf";

/** What the object does for its archive. */
export interface ArchiveHost {
  storage: DurableObjectStorage;
  /** Writes what waits to be written. */
  flush(): void;
  /** Whether nothing was ever kept here. */
  isEmpty(): boolean;
  /** Makes everything in memory anew from rows. */
  load(): void;
  arm(): void;
}

/** A step of a restore: tables are made, filled page by page, and become the object; or it is given up. */
export type RestoreStep =
  | { step: "begin"; format: number; isForced: boolean }
  | { step: "page"; page: Page }
  | { step: "ready"; name: string }
  | { step: "wait" | "end" | "abandon" };

const RESTORING = "restoring";

/**
 * An object's way into a backup, and out of one.
 *
 * - While a backup reads it page by page the object takes nothing, so that all pages are of one state. The hold ends by itself when no page
 *   was asked for in a while; whoever asks then is told.
 * - A restore is all or nothing: the table `restoring` is there from its beginning to its end, and where it is found later the object is
 *   wiped. Meanwhile the object takes and tells nothing.
 */
export class Archive {
  private hold: { token: string; kind: Stillness; untilMs: number } | null = null;
  private restore: { token: string; inspector: Inspector; untilMs: number } | null = null;

  constructor(private readonly host: ArchiveHost) {}

  /** Undoes a restore that never ended; before anything is read. */
  recover(): void {
    const { sql } = this.host.storage;
    if (sql.exec("SELECT 1 FROM sqlite_master WHERE name = ?", RESTORING).toArray().length > 0) this.wipe();
  }

  /** What speaks against a change now; of `deaf` things one that comes from a shard. */
  refusal(isFromShard = false): Refused | null {
    if (this.isRestoring()) return busy("restoring", "this tenant is being restored");
    const hold = this.current();
    if (hold === null || (hold.kind === "deaf" && !isFromShard)) return null;
    return busy("backing_up", "this tenant is being backed up");
  }

  /** Whether a restore is under way, of which nothing may be told. */
  isRestoring(): boolean {
    if (this.restore === null) return false;
    if (Date.now() < this.restore.untilMs) return true;
    this.abandon(this.restore.token);
    return false;
  }

  /** Holds still, or less still than before, under a token; false where another backup holds it. */
  holdAs(token: string, kind: Stillness): boolean {
    const current = this.current();
    if (this.isRestoring() || (current !== null && current.token !== token)) return false;
    if (kind === "still") this.host.flush();
    this.hold = { token, kind, untilMs: Date.now() + HOLD_SECONDS * 1000 };
    return true;
  }

  /** Holds on for a while; false where the hold has ended. */
  renew(token: string): boolean {
    const current = this.current();
    if (current?.token !== token) return false;
    current.untilMs = Date.now() + HOLD_SECONDS * 1000;
    return true;
  }

  /** Ends the hold; false where it had ended. */
  letGo(token: string): boolean {
    const isHeld = this.current()?.token === token;
    if (isHeld) this.hold = null;
    return isHeld;
  }

  /** Reads a page; null where the hold has ended. */
  page(token: string, cursor: Cursor): { page: Page; next: Cursor | null } | null {
    if (!this.renew(token) || this.hold?.kind !== "still") return null;
    return readPage(this.host.storage.sql, cursor);
  }

  /** Begins a restore of tables of one format, in place of what is there where that is forced. */
  private begin(token: string, format: number, isForced: boolean): Refused | null {
    if (this.isRestoring())
      return { status: 409, code: "restoring", reason: "another restore of this tenant is under way; wait for its end" };
    if (!isForced && !this.host.isEmpty()) return notEmpty();
    this.host.flush();
    const { storage } = this.host;
    storage.transactionSync(() => {
      dropTables(storage.sql);
      migrateTo(storage, format);
      storage.sql.exec(`CREATE TABLE ${RESTORING} (token TEXT PRIMARY KEY)`);
    });
    this.hold = null;
    this.restore = { token, inspector: new Inspector(core()), untilMs: Date.now() + HOLD_SECONDS * 1000 };
    return null;
  }

  /** Writes a page of a backup. */
  private write(token: string, page: Page): Refused | null {
    if (!this.isRestoring() || this.restore?.token !== token) return lapsed();
    try {
      this.restore.inspector.check(page);
      this.host.storage.transactionSync(() => writePage(this.host.storage.sql, page));
    } catch (error) {
      return broken(error);
    }
    this.restore.untilMs = Date.now() + HOLD_SECONDS * 1000;
    return null;
  }

  /** Takes one step of a restore. */
  take(token: string, step: RestoreStep): Refused | null {
    switch (step.step) {
      case "begin":
        return this.begin(token, step.format, step.isForced);
      case "page":
        return this.write(token, step.page);
      case "wait":
        return this.renewRestore(token) ? null : lapsed();
      case "ready":
        return this.ready(token, step.name);
      case "end":
        return this.end(token);
      case "abandon":
        this.abandon(token);
        return null;
    }
  }

  /** Keeps a restore from being given up. */
  private renewRestore(token: string): boolean {
    if (!this.isRestoring() || this.restore?.token !== token) return false;
    this.restore.untilMs = Date.now() + HOLD_SECONDS * 1000;
    return true;
  }

  /** Makes sure that what was written can be an object. */
  private ready(token: string, name: string): Refused | null {
    if (!this.isRestoring() || this.restore?.token !== token) return lapsed();
    try {
      this.restore.inspector.end();
      migrate(this.host.storage);
      checkBounds(this.host.storage.sql);
      checkPlace(this.host.storage.sql, name);
      this.host.load();
    } catch (error) {
      this.abandon(token);
      return broken(error);
    }
    this.restore.untilMs = Date.now() + HOLD_SECONDS * 1000;
    return null;
  }

  /** Ends a restore that is ready: from now on the object is what the backup says. */
  private end(token: string): Refused | null {
    if (!this.isRestoring() || this.restore?.token !== token) return lapsed();
    this.host.storage.sql.exec(`DROP TABLE ${RESTORING}`);
    this.restore = null;
    this.host.arm();
    return null;
  }

  /** Gives a restore up: the object is empty. */
  private abandon(token: string): void {
    if (this.restore?.token !== token) return;
    this.restore = null;
    this.wipe();
    this.host.load();
  }

  private wipe(): void {
    const { storage } = this.host;
    storage.transactionSync(() => {
      dropTables(storage.sql);
      migrate(storage);
    });
  }

  private current(): typeof this.hold {
    if (this.hold !== null && Date.now() >= this.hold.untilMs) this.hold = null;
    return this.hold;
  }
}

function busy(code: string, what: string): Refused {
  return { status: 503, code, reason: `${what}; try again in ${RETRY_AFTER_SECONDS} s` };
}

function notEmpty(): Refused {
  const reason = "this tenant has data; restore with force to put the backup in its place, or under another hub";
  return { status: 409, code: "not_empty", reason };
}

function lapsed(): Refused {
  return {
    status: 409,
    code: "restore_lapsed",
    reason: "the restore took too long between two pages and was undone; begin it again",
  };
}

function broken(error: unknown): Refused {
  return { status: 422, code: "bad_backup", reason: `the backup does not hold what it should: ${messageOf(error)}` };
}
