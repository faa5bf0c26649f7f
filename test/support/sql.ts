/** MySQL and PostgreSQL over hand-made streams: packets and messages by hand, and round trips as lines. */
import { deflateSync } from "node:zlib";
import type { CoreOptions } from "../../engine/core";
import type { RoundTrip } from "../../engine/round-trip";
import { type Bytes, type Captured, Conversation, join, number, pcap } from "./pcap-builder";
import { readRoundTrips } from "./round-trips";

const little = (value: number | bigint, bytes: number) => number(value, bytes, true);

/** A connection that is open, to port 3306 where nothing else is said. */
export function connection(form: ConstructorParameters<typeof Conversation>[0] = {}): Conversation {
  return new Conversation({ serverPort: 3306, ...form }).open();
}

/** The round trips of one protocol in some packets. */
export function tripsOf(protocol: string, packets: Captured[], options: CoreOptions = {}): RoundTrip[] {
  return readRoundTrips(pcap(packets), { budgetBytes: 8 << 20, ...options }).filter((trip) => trip.protocol === protocol);
}

/** MySQL packets. */
export const my = {
  packet: (id: number, ...payload: Bytes[]) => {
    const whole = join(...payload);
    return join(little(whole.length, 3), [id & 255], whole);
  },
  command: (command: number, ...rest: Bytes[]) => my.packet(0, [command], ...rest),
  query: (text: string) => my.command(3, text),
  greeting: (capabilities = 0xffff_ffff, version = "8.0.36") =>
    my.packet(
      0,
      [10],
      version,
      [0],
      little(7, 4),
      "12345678",
      [0],
      little(capabilities & 0xffff, 2),
      [33],
      little(2, 2),
      little(capabilities >>> 16, 2),
      [21],
      new Uint8Array(10),
      "123456789012",
      [0],
    ),
  login: (capabilities: number, user = "root", database = "", id = 1) =>
    my.packet(
      id,
      little(capabilities, 4),
      little(1 << 24, 4),
      [33],
      new Uint8Array(23),
      user,
      [0],
      [4],
      "word",
      ...(database === "" ? [] : [database, [0]]),
    ),
  ok: (id: number, affected = 0, insertId = 0, status = 2, warnings = 0, first = 0) =>
    my.packet(id, [first, affected, insertId], little(status, 2), little(warnings, 2)),
  eof: (id: number, status = 2, warnings = 0) => my.packet(id, [0xfe], little(warnings, 2), little(status, 2)),
  error: (id: number, code: number, state: string, message: string) =>
    my.packet(id, [0xff], little(code, 2), `#${state}`, message),
  column: (id: number, name = "c") =>
    my.packet(id, "\x03def\x00\x00\x00", [name.length], name, [0, 12], little(33, 2), little(20, 4), [253], little(0, 5)),
  text: (value: string | null): Uint8Array => (value === null ? Uint8Array.of(0xfb) : join([value.length], value)),
  /** A result of text rows, ended as the capabilities say; its first packet has id 1. */
  result: (rows: (string | null)[][], { deprecate = false, id = 1, status = 2 } = {}) => {
    let next = id;
    const columns = rows[0]?.length ?? 1;
    const parts = [my.packet(next++, [columns]), ...Array.from({ length: columns }, () => my.column(next++))];
    if (!deprecate) parts.push(my.eof(next++, status));
    for (const row of rows) parts.push(my.packet(next++, ...row.map(my.text)));
    parts.push(deprecate ? my.ok(next++, 0, 0, status, 0, 0xfe) : my.eof(next++, status));
    return join(...parts);
  },
  prepared: (statement: number, columns: number, parameters: number, deprecate = false) => {
    let next = 1;
    const parts = [my.packet(next++, [0], little(statement, 4), little(columns, 2), little(parameters, 2), [0], little(0, 2))];
    for (const count of [parameters, columns]) {
      for (let i = 0; i < count; i++) parts.push(my.column(next++));
      if (count > 0 && !deprecate) parts.push(my.eof(next++));
    }
    return join(...parts);
  },
  /** A compressed packet around a piece of the stream of packets, stored where that is short, as servers have it. */
  pack: (id: number, content: Uint8Array, isStored = content.length < 50) => {
    const inside = isStored ? content : deflateSync(content);
    return join(little(inside.length, 3), [id & 255], little(isStored ? 0 : content.length, 3), inside);
  },
  /** The same by pieces of `bytes`, in compressed packets that follow each other from `id` on. */
  packAll: (id: number, content: Uint8Array, bytes = 16384) => {
    const pieces = Math.ceil(content.length / bytes);
    return join(...Array.from({ length: pieces }, (_, at) => my.pack(id + at, content.subarray(at * bytes, (at + 1) * bytes))));
  },
  execute: (statement: number) => my.command(23, little(statement, 4), [0], little(1, 4)),
};

/** Capability flags of MySQL that the tests use. */
export const CAPABILITY = {
  database: 8,
  compress: 32,
  protocol41: 512,
  ssl: 2048,
  secure: 32768,
  lengthEncoded: 1 << 21,
  deprecateEof: 1 << 24,
  zstd: 1 << 26,
};
export const PLAIN = CAPABILITY.protocol41 | CAPABILITY.secure;

/** A connection to MySQL on which root is logged in. */
export function mysql(capabilities = PLAIN, form: ConstructorParameters<typeof Conversation>[0] = {}): Conversation {
  const database = capabilities & CAPABILITY.database ? "shop" : "";
  return connection(form)
    .send("server", my.greeting())
    .send("client", my.login(capabilities, "root", database))
    .send("server", my.ok(2));
}

/** A MySQL round trip in one line: "query SELECT ? 2 rows ok", with its marks behind. */
export function myLine({ request, response, status, marks }: RoundTrip): string {
  const rows = response?.rows === undefined ? [] : [`${response.rows} rows`];
  return [
    request?.command ?? "-",
    ...(request?.fingerprint ? [request.fingerprint] : []),
    ...rows,
    ...(response?.errorCode ? [response.errorCode] : []),
    response ? "" : "alone",
    status,
    ...marks.filter((mark) => mark !== "mid-stream"),
  ]
    .filter((part) => part !== "")
    .join(" ");
}

/** The lines of some packets' MySQL round trips, the handshake aside. */
export function myLines(packets: Captured[], options: CoreOptions = {}): string[] {
  return tripsOf("mysql", packets, options)
    .map(myLine)
    .filter((text) => text !== "connect ok");
}

/** PostgreSQL messages. */
export const pg = {
  message: (type: string, ...body: Bytes[]) => {
    const whole = join(...body);
    return join(type, number(whole.length + 4, 4), whole);
  },
  /** A message without a type. */
  untyped: (code: number, ...body: Bytes[]) => {
    const whole = join(number(code, 4), ...body);
    return join(number(whole.length + 4, 4), whole);
  },
  startup: (user = "ann", database = "shop") =>
    pg.untyped(196608, `user\0${user}\0database\0${database}\0application_name\0till\0\0`),
  welcome: () =>
    join(
      pg.message("R", number(0, 4)),
      pg.message("S", "server_version\x0015.1\0"),
      pg.message("K", number(7, 4), number(9, 4)),
      pg.ready(),
    ),
  ready: (transaction = "I") => pg.message("Z", transaction),
  query: (text: string) => pg.message("Q", `${text}\0`),
  parse: (text: string, name = "") => pg.message("P", `${name}\0${text}\0`, number(0, 2)),
  bind: (name = "", portal = "") => pg.message("B", `${portal}\0${name}\0`, number(0, 2), number(0, 2), number(0, 2)),
  describe: (portal = "") => pg.message("D", `P${portal}\0`),
  execute: (portal = "", most = 0) => pg.message("E", `${portal}\0`, number(most, 4)),
  sync: () => pg.message("S"),
  /** Parse, Bind, Describe, Execute of one statement. */
  unnamed: (text: string) => join(pg.parse(text), pg.bind(), pg.describe(), pg.execute()),
  columns: (count: number) =>
    pg.message("T", number(count, 2), ...Array.from({ length: count }, () => join("c\0", new Uint8Array(18)))),
  row: (...values: string[]) =>
    pg.message("D", number(values.length, 2), ...values.map((value) => join(number(value.length, 4), value))),
  complete: (tag: string) => pg.message("C", `${tag}\0`),
  /** Columns, rows and the tag of a SELECT. */
  select: (rows: string[]) => join(pg.columns(1), ...rows.map((value) => pg.row(value)), pg.complete(`SELECT ${rows.length}`)),
  /** What answers a Parse, Bind and Describe of something without rows. */
  bound: () => join(pg.message("1"), pg.message("2"), pg.message("n")),
  error: (code: string, message: string) => pg.message("E", `SERROR\0VERROR\0C${code}\0M${message}\0\0`),
};

/** A connection to PostgreSQL on which ann is logged in. */
export function postgresql(form: ConstructorParameters<typeof Conversation>[0] = {}): Conversation {
  return connection({ serverPort: 5432, ...form })
    .send("client", pg.startup())
    .send("server", pg.welcome());
}

/** A PostgreSQL round trip in one line: "simple SELECT ? SELECT 2 ok", with its marks behind; the tag in brackets. */
export function pgLine({ request, response, status, marks }: RoundTrip): string {
  return [
    request?.kind ?? "-",
    ...(request?.fingerprint ? [request.fingerprint] : []),
    ...(response?.commandTag ? [`[${response.commandTag}]`] : []),
    ...(response?.sqlState ? [response.sqlState] : []),
    response ? "" : "alone",
    status,
    ...marks.filter((mark) => mark !== "mid-stream"),
  ]
    .filter((part) => part !== "")
    .join(" ");
}

/** The lines of some packets' PostgreSQL round trips, the beginning of the session aside. */
export function pgLines(packets: Captured[], options: CoreOptions = {}): string[] {
  return tripsOf("postgresql", packets, options)
    .map(pgLine)
    .filter((text) => text !== "startup ok");
}
