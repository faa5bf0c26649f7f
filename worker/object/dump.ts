/** An object's tables as pages of rows, whatever tables there are, and the way back. */
import { BACKUP_PAGE_BYTES } from "../limits";

/** A value in a row. */
export type Value = number | string | null | ArrayBuffer;

/** Some rows of one table. */
export interface Page {
  table: string;
  columns: string[];
  rows: Value[][];
}

/** Behind which row of which table a page begins: the values of its primary key, none for the table's first page. */
export interface Cursor {
  table: number;
  after: Value[];
}

interface Table {
  name: string;
  columns: string[];
  key: string[];
}

/** Names of what is the platform's own, or its development server's. */
const FOREIGN = /^(_cf_|sqlite_|__)/;

/** An object's tables, by name. */
export function tablesOf(sql: SqlStorage): Table[] {
  const names = sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").toArray();
  return names
    .filter(({ name }) => !FOREIGN.test(name))
    .map(({ name }) => {
      const columns = sql.exec<{ name: string; pk: number }>(`PRAGMA table_info("${name}")`).toArray();
      const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
      if (key.length === 0) throw new Error(`table ${name} has no primary key, so it cannot be read in pages`);
      return { name, columns: columns.map((column) => column.name), key: key.map((column) => column.name) };
    });
}

/** Reads a page, and where the next one begins; null where there is no other. */
export function readPage(sql: SqlStorage, cursor: Cursor): { page: Page; next: Cursor | null } {
  const tables = tablesOf(sql);
  const { name, columns, key } = tables[cursor.table]!;
  const place = `(${key.join(", ")})`;
  const where = cursor.after.length === 0 ? "" : `WHERE ${place} > (${key.map(() => "?").join(", ")})`;
  const rows: Value[][] = [];
  let bytes = 0;
  let isWhole = true;
  const found = sql.exec(`SELECT ${columns.join(", ")} FROM ${name} ${where} ORDER BY ${key.join(", ")}`, ...cursor.after);
  for (const values of found.raw<Value[]>()) {
    if (bytes > BACKUP_PAGE_BYTES) {
      isWhole = false;
      break;
    }
    rows.push(values);
    bytes += values.reduce<number>((sum, value) => sum + sizeOfValue(value), 0);
  }
  const last = rows.at(-1);
  const after = last === undefined ? [] : key.map((column) => last[columns.indexOf(column)]!);
  const next = isWhole ? { table: cursor.table + 1, after: [] } : { table: cursor.table, after };
  return { page: { table: name, columns, rows }, next: next.table < tables.length ? next : null };
}

/** Writes a page; throws where the table or a column is not one of this object's. */
export function writePage(sql: SqlStorage, { table, columns, rows }: Page): void {
  const known = tablesOf(sql).find(({ name }) => name === table);
  const unknown = columns.find((column) => known?.columns.includes(column) !== true);
  if (known === undefined || unknown !== undefined || rows.some((row) => row.length !== columns.length)) {
    throw new RangeError(`${table} has not the columns ${columns.join(", ")}`);
  }
  const insert = `INSERT OR REPLACE INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
  for (const row of rows) sql.exec(insert, ...row);
}

/** Deletes every table. */
export function dropTables(sql: SqlStorage): void {
  for (const { name } of tablesOf(sql)) sql.exec(`DROP TABLE ${name}`);
}

/** Bytes of a value in a row, about. */
export function sizeOfValue(value: Value): number {
  if (value instanceof ArrayBuffer) return value.byteLength;
  return typeof value === "string" ? value.length : 8;
}
