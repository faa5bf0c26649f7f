import { EVENTS_KEPT_MAX } from "../limits";
import type { Tags } from "../tags";
import type { Trouble } from "./watch";

/** What became of an edge or a shard. */
export interface HubEvent {
  trouble: Trouble;
  state: "raised" | "cleared" | "forgotten";
  /** The edge's name, or the shard object's. */
  subject: string;
  tags: Tags;
  /** How long it was silent, how late it posts, how far its clock is ahead; null where that is not known any more. */
  seconds: number | null;
}

/** An event with its number and time. */
export interface LoggedEvent extends HubEvent {
  id: number;
  timeMs: number;
}

type EventRow = { id: number; time_ms: number; data: string };

/** The events of one object, the last EVENTS_KEPT_MAX of them, and which of them the webhook does not have. */
export class EventLog {
  constructor(
    private readonly sql: SqlStorage,
    private readonly hasWebhook: boolean,
  ) {}

  /** Adds an event, and lets the oldest go where there are too many, sent or not; inside the caller's transaction. */
  add(event: HubEvent, timeMs: number): void {
    const values = [timeMs, this.hasWebhook ? 0 : 1, JSON.stringify(event)];
    this.sql.exec("INSERT INTO events (time_ms, sent, data) VALUES (?, ?, ?)", ...values);
    this.sql.exec("DELETE FROM events WHERE id <= (SELECT MAX(id) FROM events) - ?", EVENTS_KEPT_MAX);
  }

  /** The events of [fromMs, toMs), in order. */
  list(fromMs: number, toMs: number): LoggedEvent[] {
    const rows = this.sql.exec<EventRow>(
      "SELECT id, time_ms, data FROM events WHERE time_ms >= ? AND time_ms < ? ORDER BY id",
      fromMs,
      toMs,
    );
    return rows.toArray().map(eventOf);
  }

  /** The oldest that the webhook does not have. */
  unsent(most: number): LoggedEvent[] {
    const rows = this.sql.exec<EventRow>("SELECT id, time_ms, data FROM events WHERE sent = 0 ORDER BY id LIMIT ?", most);
    return rows.toArray().map(eventOf);
  }

  /** Notes that the webhook has these. */
  noteSent(events: readonly LoggedEvent[]): void {
    const [first, last] = [events[0]?.id ?? 0, events.at(-1)?.id ?? 0];
    this.sql.exec("UPDATE events SET sent = 1 WHERE id >= ? AND id <= ?", first, last);
  }
}

function eventOf({ id, time_ms, data }: EventRow): LoggedEvent {
  return { id, timeMs: time_ms, ...(JSON.parse(data) as HubEvent) };
}
