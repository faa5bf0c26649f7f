/**
 * What MySQL carries: the values that a statement is executed with, and the rows of results
 * (assembly/protocols/mysql/payload-parameters.ts and payload-rows.ts say in which form they are kept).
 *
 * ```
 *   request     [7,"Anna",null]
 *   response    {"id":7,"name":"Anna"}
 * ```
 */
import type { BodyOwner, MessageFields } from "../../../engine/round-trip";
import { binaryValue, isNumeric, MysqlReader, numberOf, type Typed } from "./mysql-value";
import { Cut, Members, type Value } from "./value";

const RESULT = 1;
const COLUMN = 2;
const BINARY_ROW = 4;
const UNSIGNED = 1;
const IS_ORIGINAL = 2;
const UNNAMED = 4;
const NAMED_VALUES = 1;
const PART_OF_VALUE = 2;
const NULL_BYTE = 0xfb;
const LAST_BIT = 31;
/** A name that says nothing but itself. */
const PLAIN_NAME = /^[\p{L}_$][\p{L}\p{N}_$-]*$/u;
/** Statements whose columns are the server's own. */
const SHOWS = /^\s*(show|desc|describe|explain|analyze|check|optimize|repair)\b/i;

interface Column extends Typed {
  /** Undefined where there was no room for it. */
  name: Value | undefined;
}

/** Where a table is made by the statement, the names of its columns may be literals of it. */
const MAKES_TABLES = /\(\s*(\(|select\b|values\b|with\b|table\b)|^\s*with\b/i;
/** A statement of which this much is known may go on. */
const STATEMENT_LENGTH_MAX = 1000;

/** Values of a request on one line, or rows, a line each. */
export function mysqlValues(bytes: Uint8Array, _: MessageFields, { side, asked }: BodyOwner): Value[] {
  const reader = new MysqlReader(bytes);
  if (side === "request") return parameters(reader);
  return rows(reader, String(asked?.statement ?? ""));
}

function parameters(reader: MysqlReader): Value[] {
  const count = reader.number(2);
  const flags = reader.number(2);
  const sent = reader.number(4);
  if (flags & PART_OF_VALUE) return reader.isAtEnd ? [] : [new Cut(reader.rest())];
  const nulls = reader.take((count + 7) >> 3);
  reader.take(1);
  const types: (Typed & { name: string })[] = [];
  while (types.length < count && !reader.isAtEnd) {
    const type = reader.number(1);
    const isUnsigned = (reader.number(1) & 0x80) !== 0;
    types.push({ type, isUnsigned, name: flags & NAMED_VALUES ? Buffer.from(reader.text() ?? []).toString() : "" });
  }
  const values: Value[] = [];
  for (const [index, typed] of types.entries()) {
    const isNull = bit(nulls, index);
    if (!isNull && !isSent(sent, index) && reader.isAtEnd) return [[...values, new Cut()]];
    const value = isNull ? null : isSent(sent, index) ? new Cut() : binaryValue(reader, typed);
    values.push(typed.name === "" ? value : new Members([[typed.name, value]]));
    if (value instanceof Cut && reader.isAtEnd) return [values];
  }
  return [types.length < count ? [...values, new Cut()] : values];
}

/** Whether a parameter's value came before. */
function isSent(sent: number, index: number): boolean {
  return index < LAST_BIT && ((sent >>> index) & 1) !== 0;
}

function bit(bits: Uint8Array, index: number): boolean {
  return (((bits[index >> 3] ?? 0) >> (index & 7)) & 1) !== 0;
}

function rows(reader: MysqlReader, statement: string): Value[] {
  const values: Value[] = [];
  let columns: Column[] = [];
  let count = 0;
  while (!reader.isAtEnd) {
    const kind = reader.number(1);
    if (kind === RESULT) {
      columns = [];
      count = reader.number(2);
    } else if (kind === COLUMN) {
      columns.push(column(reader, statement));
    } else {
      const length = reader.number(3);
      const content = reader.take(length);
      const row = new MysqlReader(content, content.length < length);
      values.push(kind === BINARY_ROW ? binaryRow(row, columns, count) : textRow(row, columns, count));
    }
  }
  return values;
}

/** A name is an expression's text, literals in it, unless it is the one in the table or stands so in the statement. */
function column(reader: MysqlReader, statement: string): Column {
  const type = reader.number(1);
  const flags = reader.number(1);
  const name = Buffer.from(reader.take(reader.number(1))).toString();
  const isOwn = ((flags & IS_ORIGINAL) !== 0 && !mayNameLiterals(statement)) || SHOWS.test(statement);
  const isShown = (isOwn && PLAIN_NAME.test(name)) || statement.includes(name);
  const hidden = new TextEncoder().encode(name);
  return { type, isUnsigned: (flags & UNSIGNED) !== 0, name: flags & UNNAMED ? undefined : isShown ? name : hidden };
}

/** Whether a statement with literals makes tables of its own. */
function mayNameLiterals(statement: string): boolean {
  if (statement.length >= STATEMENT_LENGTH_MAX) return true;
  return statement.includes("?") && MAKES_TABLES.test(statement);
}

/** `00`, which values are null behind two spare bits, values. */
function binaryRow(row: MysqlReader, columns: Column[], count: number): Value {
  if (columns.length === 0) return row.isCut ? new Cut(row.rest()) : row.rest();
  row.take(1);
  const nulls = row.take((count + 9) >> 3);
  return members(row, columns, count, (typed, index) => (bit(nulls, index + 2) ? null : binaryValue(row, typed)));
}

/** Texts, and `fb` for those that are null. */
function textRow(row: MysqlReader, columns: Column[], count: number): Value {
  return members(row, columns, count, (typed) => {
    if (row.next === NULL_BYTE) {
      row.take(1);
      return null;
    }
    const text = row.text();
    if (text === undefined) return new Cut(row.rest());
    return isNumeric(typed.type) ? numberOf(text) : text;
  });
}

/** A row's values by their names, or `#` and their place; in an array where none has one. */
function members(row: MysqlReader, columns: Column[], count: number, read: (typed: Typed, index: number) => Value): Value {
  const values: Value[] = [];
  for (const [index, one] of columns.slice(0, count).entries()) {
    const value = row.isAtEnd && row.isCut ? new Cut() : read(one, index);
    values.push(value);
    if (value instanceof Cut) break;
  }
  const isCut = values.length < count && !(values.at(-1) instanceof Cut);
  if (columns.every(({ name }) => name === undefined)) return isCut ? [...values, new Cut()] : values;
  const pairs = values.map((value, index) => [columns[index]!.name ?? `#${index + 1}`, value] as const);
  return new Members(isCut ? [...pairs, [new Cut(), new Cut()]] : pairs);
}
