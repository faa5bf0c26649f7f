/** Undoes migrations of worker/object/schema.ts, so that a test has the tables of an older hub. */
import { readNumber, writeNumber } from "../../../worker/object/schema";

/** What undoes each migration but the first, in order. */
const UNDO = [
  "DROP TABLE set_apart",
  "DROP TABLE stale",
  `DROP TABLE texts; DROP TABLE epochs; DROP TABLE outbox;
   ALTER TABLE groups DROP COLUMN received; ALTER TABLE minutes DROP COLUMN partial`,
  "DROP TABLE refusals; DROP TABLE revoked; DROP TABLE events",
  "DROP TABLE apart; DROP TABLE quarantined; DROP TABLE cuts; DELETE FROM numbers WHERE name = 'batches_gone_ms'",
  "DROP TABLE asked; DROP TABLE decisions; ALTER TABLE outbox DROP COLUMN recut",
];

/** How many formats there have been. */
export const FORMATS = UNDO.length + 1;

/** Gives an object the tables of an older format, with what they hold. */
export function undoTo(sql: SqlStorage, format: number): void {
  if (readNumber(sql, "format") !== FORMATS) throw new Error("a migration is new: say here what undoes it");
  for (const undo of UNDO.slice(format - 1).reverse()) sql.exec(undo);
  writeNumber(sql, "format", format);
}
