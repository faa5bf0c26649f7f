/** Captures of the collection in which others count otherwise: each with the first packet that shows it, and why. */
import { expect } from "vitest";
import { corpusRows } from "./corpus";

/** One of them. */
export interface Exception {
  file: string;
  packet: number;
  reason: string;
}

/** Exceptions of a protocol at the most. */
const EXCEPTIONS_MAX = 5;

/** Holds a table of exceptions: few of them, each of another capture, which has that packet, and each with its reason. */
export function expectFew(table: readonly Exception[]): void {
  expect(table.length).toBeLessThanOrEqual(EXCEPTIONS_MAX);
  const packets = new Map(corpusRows<{ file: string; packets: number }>("truth.ndjson").map((row) => [row.file, row.packets]));
  expect(new Set(table.map(({ file }) => file)).size).toBe(table.length);
  for (const { file, packet, reason } of table) {
    expect(packet, file).toBeGreaterThanOrEqual(1);
    expect(packet, file).toBeLessThanOrEqual(packets.get(file) ?? 0);
    expect(reason.length, file).toBeGreaterThan(20);
  }
}

/** Asserts that what was got of a capture is what is wanted; of an exception, that it is not. */
export function expectEqualBut(table: readonly Exception[], file: string, got: unknown, wanted: unknown): void {
  if (table.some((exception) => exception.file === file)) expect(got, "no exception any more").not.toEqual(wanted);
  else expect(got).toEqual(wanted);
}
