/** The fields of round trips by the names that a filter and the columns use, out of the schema alone. */
import type { RoundTrip } from "../../engine/round-trip";
import type { Schema } from "../../engine/schema";

/** What a field can hold in a filter's eyes. */
export type Plain = string | number | boolean;

/** Reads all values that a field has in a round trip; none where it is not known. */
export type Getter = (trip: RoundTrip) => Plain[];

const TIMES = ["requestNs", "serverNs", "responseNs", "handshakeRttNs"];
const HEALTH = ["retransmissions", "outOfOrder", "gapBytes"];
const SCALES: Record<string, number> = { Us: 1e3, Ms: 1e6, S: 1e9 };

/** Every field by its name in lower case. */
export class Fields {
  private readonly paths = new Map<string, { name: string; paths: string[][] }>();

  constructor(schema: Schema) {
    for (const name of ["time", "protocol", "status", "durationNs", "direction", "interface", "marks"]) this.add(name, [name]);
    for (const side of ["client", "server"]) {
      for (const part of ["address", "port"]) this.addBoth(part, [side, part]);
      this.add(side, [side, "address"]);
      this.add(side, [side, "port"]);
    }
    for (const name of TIMES) this.addBoth(name, ["timing", name]);
    for (const name of HEALTH) this.addBoth(name, ["tcp", name]);
    for (const side of ["request", "response"]) this.addBoth("bytes", [side, "bytes"]);
    for (const { fields } of schema.protocols) for (const { side, name } of fields) this.addBoth(name, [side, name]);
  }

  /** Names as they are written, shortest first. */
  get names(): string[] {
    return [...this.paths.values()].map(({ name }) => name).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  }

  /** How to read a field, and what its numbers are to be multiplied with; undefined where there is no such field. */
  find(name: string): { get: Getter; scale: number; isTime: boolean } | undefined {
    const given = name.toLowerCase();
    const found = this.paths.get(given) ?? this.paths.get(`${given}ns`);
    if (found !== undefined) return { get: getterOf(found.paths), scale: 1, isTime: found.name.endsWith("Ns") };
    for (const [unit, scale] of Object.entries(SCALES)) {
      const base = given.endsWith(unit.toLowerCase()) ? this.paths.get(`${given.slice(0, -unit.length)}ns`) : undefined;
      if (base !== undefined) return { get: getterOf(base.paths), scale, isTime: false };
    }
    return undefined;
  }

  private addBoth(name: string, path: string[]): void {
    this.add(name, path);
    this.add(path.join("."), path);
  }

  private add(name: string, path: string[]): void {
    const key = name.toLowerCase();
    const entry = this.paths.get(key) ?? { name, paths: [] };
    if (!entry.paths.some((other) => other.join(".") === path.join("."))) entry.paths.push(path);
    this.paths.set(key, entry);
  }
}

function getterOf(paths: readonly string[][]): Getter {
  return (trip) => {
    const values: Plain[] = [];
    for (const path of paths) {
      let value: unknown = trip;
      for (const step of path) value = (value as Record<string, unknown> | undefined)?.[step];
      collect(value, values);
    }
    return values;
  };
}

/** Adds all plain values in `value` to `into`, however deep. */
export function collect(value: unknown, into: Plain[]): void {
  if (Array.isArray(value)) for (const part of value) collect(part, into);
  else if (typeof value === "object" && value !== null) for (const part of Object.values(value)) collect(part, into);
  else if (value !== undefined && value !== null) into.push(value as Plain);
}
