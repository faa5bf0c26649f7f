/** What MySQL carries, kept where it is asked for: values of prepared statements and rows, up to what was not captured. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import module from "../../build/core.wasm";
import { Core, type CoreOptions } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { mysqlValues } from "../../shim/output/bodies/mysql";
import { valueText } from "../../shim/output/bodies/value";
import { bodyReader } from "../../shim/output/body";
import { tripsThrough } from "../support/core-trips";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { fixtureBytes } from "../support/fixtures";
import { type Bytes, type Captured, join, number, pcap } from "../support/pcap-builder";
import { CAPABILITY, my, mysql, PLAIN } from "../support/sql";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const N = 2048;
const ATTRIBUTES = 1 << 27;
const little = (value: number, bytes: number) => number(value, bytes, true);
const SEGMENTS = [1, 2, 3, 7, 64, 1400];

/** The MySQL round trips of a capture, bodies as they are shown. */
function read(file: Uint8Array, raw = true, options: CoreOptions = { bodyBytes: N }): RoundTrip[] {
  const core = new Core(module, { events: true, budgetBytes: 8 << 20, raw, ...options });
  const reader = new RoundTripReader(core.schema, () => undefined, bodyReader(raw));
  return tripsThrough(core, file, reader).filter(({ protocol }) => protocol === "mysql");
}

const shown = (trips: RoundTrip[]) => trips.map(({ request, response }) => [request?.body, response?.body]);
const tripsOf = (packets: Captured[], raw = true, options?: CoreOptions) => read(pcap(packets), raw, options);

/** What is shown of exchanges after a login, `segment` bytes a packet. */
function exchanges(
  pairs: [asked: Bytes, answered: Bytes][],
  segment = 1400,
  raw = true,
  capabilities = PLAIN,
  options?: CoreOptions,
) {
  const talk = mysql(capabilities);
  for (const [asked, answered] of pairs) talk.send("client", asked, segment).send("server", answered, segment);
  return shown(tripsOf(talk.close().packets, raw, options)).slice(1);
}

interface Column {
  name: string;
  type: number;
  origin?: string;
  isUnsigned?: boolean;
}

/** A definition of a column. */
const definition = (id: number, { name, type, origin = name, isUnsigned = false }: Column) => {
  const texts = ["def", "shop", "t", "t", name, origin].map((text) => join([text.length], text));
  return my.packet(id, ...texts, [12], little(33, 2), little(20, 4), [type], little(isUnsigned ? 32 : 0, 2), little(0, 3));
};

/** A result whose rows are payloads as they are. */
function result(columns: Column[], rows: Bytes[], { id = 1, deprecate = false, status = 2 } = {}): Uint8Array {
  let next = id;
  const parts = [my.packet(next++, [columns.length]), ...columns.map((column) => definition(next++, column))];
  if (!deprecate) parts.push(my.eof(next++, status));
  for (const row of rows) parts.push(my.packet(next++, row));
  parts.push(deprecate ? my.ok(next++, 0, 0, status, 0, 0xfe) : my.eof(next++, status));
  return join(...parts);
}

const texts = (...values: (string | null)[]) =>
  join(...values.map((value) => (value === null ? my.text(null) : join([Buffer.byteLength(value)], value))));
const PREPARE = my.command(22, "SELECT id, name FROM t WHERE a = ? AND b = ? AND c = ?");
const LONG = 3;
const TEXT = 253;
const ID_AND_NAME = [
  { name: "id", type: LONG },
  { name: "name", type: TEXT },
];

/** An execution of statement 7 with values: types, where they are sent, which of them are null, the others' bytes. */
const execute = (nulls: number, types: [type: number, flags: number][] | undefined, ...values: Bytes[]) =>
  my.command(23, little(7, 4), [0], little(1, 4), [nulls, types ? 1 : 0], ...(types ?? []), ...values);
const THREE: [number, number][] = [
  [LONG, 0],
  [TEXT, 0],
  [TEXT, 0],
];
const GIVEN = execute(4, THREE, little(41, 4), [4], "Anna");
const BINARY_ROW = join([0, 0], little(41, 4), [4], "Anna");
const EMPTY = my.ok(1);
const answered = (asked: Bytes): [Bytes, Bytes] => [asked, EMPTY];
const PREPARED: [Bytes, Bytes] = [PREPARE, my.prepared(7, 2, 3)];

describe("what was sent", () => {
  test.each(SEGMENTS)("rows of texts and in binary, and values, in pieces of %i bytes", (segment) => {
    const all: [Bytes, Bytes][] = [
      [my.query("SELECT id, name FROM t"), result(ID_AND_NAME, [texts("1", "Anna"), texts("-2", null), texts("3", "é")])],
      PREPARED,
      [GIVEN, result(ID_AND_NAME, [BINARY_ROW])],
    ];
    const expected = [
      [undefined, '{"id":1,"name":"Anna"}\n{"id":-2,"name":null}\n{"id":3,"name":"é"}'],
      [undefined, undefined],
      ['[41,"Anna",null]', '{"id":41,"name":"Anna"}'],
    ];
    expect(exchanges(all, segment)).toEqual(expected);
    expect(exchanges(all, segment, false)).toEqual([
      [undefined, '{"id":?,"name":"?"}\n{"id":?,"name":null}\n{"id":?,"name":"?"}'],
      [undefined, undefined],
      ['[?,"?",null]', '{"id":?,"name":"?"}'],
    ]);
  });

  test("where no EOF stands between, where results follow each other, and compressed", () => {
    const one = { name: "1", type: 8, origin: "" };
    const deprecate = { deprecate: true };
    const first = result(ID_AND_NAME, [texts("1", "Anna")], { ...deprecate, status: 10 });
    const second = result([one], [texts("1")], { ...deprecate, id: 6 });
    const asked = my.query("SELECT id, name FROM t; SELECT 1");
    expect(exchanges([[asked, join(first, second)]], 7, true, PLAIN | CAPABILITY.deprecateEof)).toEqual([
      [undefined, '{"id":1,"name":"Anna"}\n{"1":1}'],
    ]);
    const rows = Array.from({ length: 30 }, (_, index) => texts(String(index), `name ${index}`));
    const packed = my.packAll(1, result(ID_AND_NAME, rows), 100);
    const expected = rows.map((_, index) => JSON.stringify({ id: index, name: `name ${index}` })).join("\n");
    for (const segment of SEGMENTS) {
      const pairs: [Bytes, Bytes][] = [[my.pack(0, my.query("SELECT id, name FROM t")), packed]];
      expect(exchanges(pairs, segment, true, PLAIN | CAPABILITY.compress)).toEqual([[undefined, expected]]);
    }
  });

  test("names that are literals are hidden, others shown", () => {
    const asked = my.query("SELECT 'hunter2', id AS x, 'hunter2' AS y FROM t");
    const columns = [
      { name: "hunter2", type: TEXT, origin: "" },
      { name: "x", type: LONG, origin: "id" },
      { name: "y", type: TEXT, origin: "" },
    ];
    const pairs: [Bytes, Bytes][] = [[asked, result(columns, [texts("hunter2", "1", "hunter2")])]];
    expect(exchanges(pairs, 1400, false)).toEqual([[undefined, '{"?":"?","x":?,"y":"?"}']]);
    expect(exchanges(pairs)).toEqual([[undefined, '{"hunter2":"hunter2","x":1,"y":"hunter2"}']]);
  });

  test("values with names, where both sides know attributes of queries", () => {
    const attributes = my.command(23, little(7, 4), [8], little(1, 4), [2], [0, 1], [LONG, 0x80, 0], [TEXT, 0, 5], "trace");
    const whole = my.packet(0, attributes.subarray(4), little(0xffffffff, 4), [2], "ab");
    const prepared: [Bytes, Bytes] = [my.command(22, "DO ?"), my.prepared(7, 0, 1)];
    expect(exchanges([prepared, [whole, EMPTY]], 64, true, PLAIN | ATTRIBUTES)).toEqual([
      [undefined, undefined],
      ['[4294967295,{"trace":"ab"}]', undefined],
    ]);
  });

  test("values that came before, in parts of their own", () => {
    const part = my.command(24, little(7, 4), little(1, 2), "a long text");
    const rest = execute(0, THREE, little(41, 4), [3], "end");
    const pairs: [Bytes, Bytes][] = [PREPARED, [join(part, rest), EMPTY], [GIVEN, EMPTY]];
    expect(exchanges(pairs).slice(1)).toEqual([
      ['"a long text…"', undefined],
      ['[41,…,"end"]', undefined],
      ['[41,"Anna",null]', undefined],
    ]);
  });

  test.each(SEGMENTS)("values whose types came with an execution before, in pieces of %i bytes", (segment) => {
    const again = execute(1, undefined, [4], "Anna", [3], "né");
    const other = execute(0, [[LONG, 0x80], ...THREE.slice(1)], little(0xffffffff, 4), [1], "a", [1], "b");
    const otherAgain = execute(6, undefined, little(0xfffffffe, 4));
    expect(exchanges([PREPARED, ...[GIVEN, again, again, other, otherAgain].map(answered)], segment).slice(1)).toEqual([
      ['[41,"Anna",null]', undefined],
      ['[null,"Anna","né"]', undefined],
      ['[null,"Anna","né"]', undefined],
      ['[4294967295,"a","b"]', undefined],
      ["[4294967294,null,null]", undefined],
    ]);
  });

  test("values whose types and names came before, where both sides know attributes of queries", () => {
    const named = (count: number, ...rest: Bytes[]) => my.command(23, little(7, 4), [8], little(1, 4), [count], ...rest);
    const first = named(2, [0, 1], [LONG, 0x80, 0], [TEXT, 0, 5], "trace", little(1, 4), [2], "ab");
    const again = named(2, [0, 0], little(2, 4), [2], "cd");
    const fewer = named(1, [0, 0], little(3, 4));
    const prepared: [Bytes, Bytes] = [my.command(22, "DO ?"), my.prepared(7, 0, 1)];
    expect(exchanges([prepared, ...[first, again, fewer].map(answered)], 64, true, PLAIN | ATTRIBUTES).slice(1)).toEqual([
      ['[1,{"trace":"ab"}]', undefined],
      ['[2,{"trace":"cd"}]', undefined],
      [undefined, undefined],
    ]);
  });

  test("nothing of values whose types, or whose number, is not known", () => {
    const again = execute(4, undefined, little(41, 4), [4], "Anna");
    const other = my.command(23, little(8, 4), [0], little(1, 4), [4, 1], ...THREE, little(41, 4), [4], "Anna");
    const none = [undefined, undefined];
    expect(exchanges([PREPARED, ...[again, other].map(answered)]).slice(1)).toEqual([none, none]);
    // Prepared anew, another statement has its number.
    expect(exchanges([PREPARED, answered(GIVEN), PREPARED, answered(again)]).slice(3)).toEqual([none]);
    const many = 300;
    const types = Array.from({ length: many }, (): [number, number] => [1, 0]);
    const nulls = new Uint8Array((many + 7) >> 3);
    const of = (...rest: Bytes[]) => my.command(23, little(7, 4), [0], little(1, 4), nulls, ...rest, new Uint8Array(many));
    const prepared: [Bytes, Bytes] = [PREPARE, my.prepared(7, 0, many)];
    const [, first, second] = exchanges([prepared, answered(of([1], ...types)), answered(of([0]))], 1400, true, PLAIN, {
      bodyBytes: 2000,
    });
    expect([first, second]).toEqual([[JSON.stringify(Array(many).fill(0)), undefined], none]);
  });
});

describe("what is not all there", () => {
  test.each([1, 100, 1400])("of long values so many bytes are kept as were asked for, in pieces of %i", (segment) => {
    const long = "0123456789".repeat(500);
    const value = join([0xfc], little(long.length, 2), long);
    const one: Column[] = [{ name: "name", type: TEXT }];
    const pairs: [Bytes, Bytes][] = [
      PREPARED,
      [execute(0, [[TEXT, 0], ...THREE.slice(1)], value, value, value), result(one, [join([0, 0], value)])],
      [my.query("SELECT name FROM t"), result(one, [value])],
    ];
    const start = (kept: number) => long.slice(0, kept);
    // Heads of what is kept, nulls and types; of columns; of rows; and lengths of texts.
    expect(exchanges(pairs, segment, true, PLAIN, { bodyBytes: 300 }).slice(1)).toEqual([
      [`["${start(300 - 8 - 8 - 3)}…"]`, `{"name":"${start(300 - 3 - 8 - 4 - 2 - 3)}…"}`],
      [undefined, `{"name":"${start(300 - 3 - 8 - 4 - 3)}…"}`],
    ]);
  });

  test("names have half of the room: columns behind them have their place, or none", () => {
    const columns = Array.from({ length: 60 }, (_, index) => ({ name: `column_${index}`, type: LONG }));
    const [[, body]] = exchanges(
      [[my.query("SELECT * FROM t"), result(columns, [texts(...columns.map(() => "5"))])]],
      1400,
      true,
      PLAIN,
      {
        bodyBytes: 300,
      },
    ) as [[undefined, string]];
    const names = [...body.matchAll(/"(.*?)":5/g)].map(([, name]) => name);
    expect(body).toMatch(/,…\}$/);
    expect(names.slice(0, 12)).toEqual(columns.slice(0, 12).map(({ name }) => name));
    expect(names.slice(12)).toEqual(names.slice(12).map((_, index) => `#${index + 13}`));
    expect(names.length).toBeGreaterThan(20);
  });

  test("behind missing bytes nothing more is kept", () => {
    const rows = Array.from({ length: 30 }, (_, index) => texts(String(index), `name ${index}`));
    const talk = mysql()
      .send("client", my.query("SELECT id, name FROM t"))
      .send("server", result(ID_AND_NAME, rows), 50)
      .send("client", my.query("SELECT 5"))
      .send("server", result([{ name: "five", type: 8 }], [texts("5")]))
      .close();
    const whole = String(tripsOf(talk.packets)[1]!.response!.body);
    for (let lost = 6; lost < talk.packets.length; lost++) {
      for (const { response } of tripsOf(talk.packets.filter((_, index) => index !== lost))) {
        const body = String(response?.body ?? "").replace(/(,?("\w+"|…):)?("[^"]*…"|…)\}$/, "");
        expect(whole.startsWith(body) || body === '{"five":5}', `${lost}: ${body}`).toBe(true);
      }
    }
  });

  test("a value that may have come by itself in missing bytes is not looked for in others", () => {
    const part = my.command(24, little(7, 4), little(0, 2), "a long text");
    const talk = mysql()
      .send("client", PREPARE)
      .send("server", my.prepared(7, 2, 3));
    talk.send("client", part);
    const lost = talk.packets.length - 1;
    talk
      .send("client", execute(0, THREE, [3], "abc", [3], "end"))
      .send("server", EMPTY)
      .send("client", GIVEN)
      .send("server", EMPTY)
      .close();
    const trips = tripsOf(talk.packets.filter((_, index) => index !== lost));
    expect(shown(trips).map(([asked]) => asked)).toEqual([undefined, undefined, undefined, '[41,"Anna",null]']);
  });
});

describe("secrets", () => {
  test("nothing of logins and changes of the user is kept", () => {
    const talk = mysql(PLAIN)
      .send("client", my.command(17, "ann\0", [7], "hunter2", "stock\0", [33, 0]))
      .send("server", my.packet(1, [0xfe], "mysql_native_password\0", "hunter2hunter2hunter2"))
      .send("client", my.packet(2, "hunter2"))
      .send("server", my.packet(3, [1], "hunter2"))
      .send("client", my.packet(4, "hunter2"))
      .send("server", my.ok(5));
    const { packets } = talk.close();
    for (let lost = 3; lost <= packets.length; lost++) {
      expect(JSON.stringify(shown(tripsOf(packets.filter((_, index) => index !== lost))))).not.toMatch(/hunter2|base64/);
    }
  });

  test("nor of rows that answer nobody knows what", () => {
    const talk = mysql()
      .send("client", my.query("SELECT id FROM t"))
      .send("server", result(ID_AND_NAME, [texts("1", "Anna")]));
    const { packets } = talk.close();
    const trips = tripsOf(packets.filter((_, index) => index !== 6));
    expect(trips.map(({ response }) => response?.body)).not.toContain('{"id":1,"name":"Anna"}');
  });
});

describe("what is kept, whatever it is", () => {
  const owners = ["request", "response"].map((side) => ({
    protocol: "mysql",
    side,
    asked: { statement: "SELECT ?" },
  })) as never[];
  const kinds = fc.constantFrom(1, 2, 3, 4, 0, 253, 12, 255);
  const any = fc.array(fc.oneof(kinds, fc.nat(255)), { maxLength: 300 });

  test("is read without a fault, and hidden", () => {
    fc.assert(
      fc.property(any, fc.constantFrom(...owners), (bytes, owner) => {
        const hidden = mysqlValues(Uint8Array.from(bytes), { bytes: 0 }, owner).map((value) => valueText(value, false));
        expect(hidden.join("").replaceAll(/"#\d+"|"\?…?"/g, "")).not.toMatch(/\w(?<!null|nul|nu|n)/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("captures", () => {
  const upstream = (name: string) => `upstream/deepflowio/deepflow/agent/resources/test/flow_generator/mysql/${name}.pcap`;
  const others = ["mysql-statement", "mysql-exec", "mysql-table-desc", "mysql-compressed-response", "171-mysql"].map(upstream);
  others.push("upstream/zeek/zeek/testing/btest/Traces/mysql/mysql.pcap");
  const files: [string, () => Uint8Array][] = [
    ...["mysql_cli.pcap", "mysql_node.pcap"].map((name): [string, () => Uint8Array] => [name, () => fixtureBytes(name)]),
    ...(HAS_CORPUS ? others.map((name): [string, () => Uint8Array] => [name, () => corpusBytes(name)]) : []),
  ];

  test.each(files)("%s: nothing else changes", (_, bytes) => {
    const without = read(bytes(), true, {});
    const kept = read(bytes());
    expect(kept.some(({ request, response }) => request?.body ?? response?.body)).toBe(true);
    for (const { request, response } of kept) {
      delete request?.body;
      delete response?.body;
    }
    expect(kept).toEqual(without);
  });

  test.runIf(HAS_TSHARK).each(files.filter(([name]) => /_cli|zeek/.test(name)))("%s: all texts are tshark's", (_, bytes) => {
    const rows = tsharkFields(bytes(), ["mysql.row.text", "mysql.field.name"], ["-Y", "mysql", "-E", "aggregator=|"]);
    const theirs = new Set(rows.flatMap((fields) => fields.flatMap((field) => field.split("|"))));
    let seen = 0;
    for (const { response } of read(bytes())) {
      for (const line of String(response?.body ?? "").split("\n")) {
        if (line === "" || line.includes("…")) continue;
        for (const word of Object.entries(JSON.parse(line) as object).flat()) {
          if (word === null || word === "") continue;
          expect(theirs, line).toContain(String(word));
          seen += 1;
        }
      }
    }
    expect(seen).toBeGreaterThan(3);
  });
});
