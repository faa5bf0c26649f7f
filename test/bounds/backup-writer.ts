/** Backups written by hand: tenants that would take long to come about. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

/** A value in a row; bytes stand in base64. */
type Value = number | string | null | Uint8Array;

/** A table's rows. */
export interface Rows {
  table: string;
  columns: readonly string[];
  rows: Iterable<readonly Value[]>;
}

/** Characters of a line of rows, about. */
const LINE_CHARACTERS = 1_000_000;

/** One object with its tables. */
export interface ObjectRows {
  name: string;
  tables: readonly Rows[];
}

/** A backup of a tenant that is one object, of tables of the given format. */
export function backupOf(tenant: string, format: number, tables: readonly Rows[]): Uint8Array<ArrayBuffer> {
  return backupOfTree(tenant, format, [{ name: `${tenant}/root/1/0`, tables }]);
}

/** A backup of a tenant of several objects, the root first. */
export function backupOfTree(tenant: string, format: number, objects: readonly ObjectRows[]): Uint8Array<ArrayBuffer> {
  const hash = createHash("sha256");
  const lines: string[] = [];
  const add = (line: object) => {
    const text = `${JSON.stringify(line)}\n`;
    hash.update(text);
    lines.push(text);
  };
  add({ tallywire_backup: 1, tenant, taken: new Date().toISOString(), format, objects: objects.map(({ name }) => name) });
  for (const { name, tables } of objects) {
    add({ object: name });
    for (const rows of tables) addRows(add, rows);
  }
  lines.push(`${JSON.stringify({ end: true, lines: lines.length, sha256: hash.digest("hex") })}\n`);
  return Uint8Array.from(gzipSync(Buffer.from(lines.join("")), { level: 1 }));
}

function addRows(add: (line: object) => void, { table, columns, rows }: Rows): void {
  let some: unknown[][] = [];
  let characters = 0;
  for (const row of rows) {
    some.push(row.map((value) => (value instanceof Uint8Array ? { base64: Buffer.from(value).toString("base64") } : value)));
    characters += row.reduce<number>(
      (sum, value) => sum + (typeof value === "string" || value instanceof Uint8Array ? value.length : 8),
      0,
    );
    if (characters < LINE_CHARACTERS) continue;
    add({ table, columns, rows: some });
    some = [];
    characters = 0;
  }
  if (some.length > 0) add({ table, columns, rows: some });
}
