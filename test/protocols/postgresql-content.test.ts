/** What PostgreSQL statements bind and bring, kept where it is asked for: as it was sent, up to what was not captured, and without passwords. */
import { describe, expect, test } from "vitest";
import module from "../../build/core.wasm";
import { Core, type CoreOptions } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { bodyReader } from "../../shim/output/body";
import { tripsThrough } from "../support/core-trips";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { fixtureBytes } from "../support/fixtures";
import { type Bytes, join, number, pcap } from "../support/pcap-builder";
import { connection, pg, postgresql } from "../support/sql";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const INT4 = 23;
const TEXT = 25;
const BOOL = 16;

/** The PostgreSQL round trips of a capture, bodies as they are shown. */
function read(file: Uint8Array, raw = true, options: CoreOptions = { bodyBytes: 2048 }): RoundTrip[] {
  const core = new Core(module, { events: true, budgetBytes: 8 << 20, raw, ...options });
  const reader = new RoundTripReader(core.schema, () => undefined, bodyReader(raw));
  return tripsThrough(core, file, reader).filter(({ protocol }) => protocol === "postgresql");
}

const bodies = (trips: RoundTrip[]) => trips.map(({ request, response }) => [request?.body, response?.body]);

/** What is shown of one side's bytes and the other's after the beginning, `segment` of them a packet. */
function exchange(asked: Bytes, answered: Bytes, segment = 1400, raw = true, options?: CoreOptions) {
  const talk = postgresql().send("client", asked, segment).send("server", answered, segment).close();
  return bodies(read(pcap(talk.packets), raw, options)).slice(1);
}

const columns = (...named: [name: string, type: number, format?: number][]) =>
  pg.message(
    "T",
    number(named.length, 2),
    ...named.map(([name, type, format = 0]) => join(`${name}\0`, number(0, 6), number(type, 4), number(0, 6), number(format, 2))),
  );
const value = (content: Bytes | null) =>
  content === null ? number(0xffff_ffff, 4) : join(number(join(content).length, 4), content);
const row = (...values: (Bytes | null)[]) => pg.message("D", number(values.length, 2), ...values.map(value));
const bind = (values: (Bytes | null)[], formats: number[] = [], portal = "") =>
  pg.message(
    "B",
    `${portal}\0one\0`,
    number(formats.length, 2),
    ...formats.map((format) => number(format, 2)),
    number(values.length, 2),
    ...values.map(value),
    number(0, 2),
  );
const done = (tag: string) => join(pg.complete(tag), pg.ready());

describe("what was sent", () => {
  const asked = join(
    pg.query("SELECT id, name, ok, gone FROM users"),
    pg.parse("SELECT $1, $2, $3", "one"),
    bind(["7", null, "Zoë"]),
    pg.describe(),
    pg.execute(),
    pg.sync(),
    pg.query("COPY users TO STDOUT"),
  );
  const answered = join(
    columns(["id", INT4], ["name", TEXT], ["ok", BOOL], ["gone", TEXT]),
    row("1", 'An"na', "t", null),
    row("-22", "", "f", "x"),
    done("SELECT 2"),
    pg.message("1"),
    pg.message("2"),
    columns(["n", INT4, 1], ["b", TEXT, 1]),
    row(number(0xffff_fffe, 4), Uint8Array.of(0, 1, 255)),
    done("SELECT 1"),
    pg.message("H", [0], number(0, 2)),
    pg.message("d", "1\tAnna\n"),
    pg.message("d", "2\tBert\n"),
    pg.message("c"),
    done("COPY 2"),
  );

  test.each([1, 2, 3, 7, 64, 1400])("is shown, in pieces of %i bytes", (segment) => {
    expect(exchange(asked, answered, segment)).toEqual([
      [undefined, '{"id":1,"name":"An\\"na","ok":true,"gone":null}\n{"id":-22,"name":"","ok":false,"gone":"x"}'],
      ['["7",null,"Zoë"]', '{"n":-2,"b":"base64:AAH/"}'],
      [undefined, '"1\\tAnna"\n"2\\tBert"'],
    ]);
  });

  test("is hidden unless it is asked for raw, but for names of columns", () => {
    expect(exchange(asked, answered, 1400, false)).toEqual([
      [undefined, '{"id":?,"name":"?","ok":true,"gone":null}\n{"id":?,"name":"?","ok":false,"gone":"?"}'],
      ['["?",null,"?"]', '{"n":?,"b":"?"}'],
      [undefined, '"?"\n"?"'],
    ]);
  });

  test("rows whose columns were described before are lists", () => {
    expect(exchange(pg.query("SELECT 1"), join(row("1", null), done("SELECT 1")))).toEqual([[undefined, '["1",null]']]);
  });

  test("several statements of one query have their own columns", () => {
    const answer = join(
      columns(["a", INT4]),
      row("1"),
      pg.complete("SELECT 1"),
      columns(["b", TEXT]),
      row("x"),
      done("SELECT 1"),
    );
    expect(exchange(pg.query("SELECT 1; SELECT 'x'"), answer)[0]![1]).toBe('{"a":1}\n{"b":"x"}');
  });

  test("values go with the portal that they were bound to", () => {
    const asked = join(
      pg.parse("SELECT $1", "one"),
      bind(["first"]),
      pg.execute(),
      bind(["second"]),
      pg.execute(),
      pg.execute(),
      bind(["third"], [], "p"),
      pg.execute(),
      bind(["fourth"], [], "q"),
      pg.execute("q"),
      pg.sync(),
    );
    const answer = join(
      pg.message("1"),
      ...Array.from({ length: 5 }, () => join(pg.message("2"), pg.complete("SELECT 0"))),
      pg.ready(),
    );
    const found = exchange(asked, answer).map(([request]) => request);
    expect(found).toEqual(['["first"]', '["second"]', undefined, undefined, '["fourth"]']);
  });

  test("lines that a client copies are its request's", () => {
    const talk = postgresql()
      .send("client", pg.query("COPY t FROM STDIN"))
      .send("server", pg.message("G", [0], number(0, 2)));
    talk
      .send("client", join(pg.message("d", "a\tb\n"), pg.message("d", "c\td\n"), pg.message("c")))
      .send("server", done("COPY 2"));
    expect(bodies(read(pcap(talk.close().packets)))[1]).toEqual(['"a\\tb"\n"c\\td"', undefined]);
  });
});

describe("what is not all there", () => {
  test.each([1, 100, 1400])("so many bytes are kept as were asked for, in pieces of %i", (segment) => {
    const long = "0123456789".repeat(400);
    const asked = join(pg.parse("SELECT $1", "one"), bind([long]), pg.execute(), pg.sync());
    const answered = join(columns(["n", TEXT]), row(long), done("SELECT 1"));
    const [request, response] = exchange(asked, answered, segment, true, { bodyBytes: 300 })[0]!;
    expect(request).toBe(`["${long.slice(0, 300 - 9)}…"]`);
    expect(response).toBe(`{"n":"${long.slice(0, 300 - 11 - 11)}…"}`);
  });

  test("names of many columns take half of the room", () => {
    const many = Array.from({ length: 60 }, (_, index): [string, number] => [`column${index}`, TEXT]);
    const answer = join(columns(...many), row(...many.map((_, index) => `value ${index}`)), done("SELECT 1"));
    const body = String(exchange(pg.query("SELECT * FROM wide"), answer, 1400, true, { bodyBytes: 400 })[0]![1]);
    expect(body).toMatch(/^\["value 0","value 1",.*…"?\]$/);
  });

  test("behind missing bytes nothing more is kept", () => {
    const rows = Array.from({ length: 40 }, (_, index) => row(`${index}`));
    const talk = postgresql().send("client", pg.query("SELECT n FROM t"));
    talk.send("server", join(columns(["n", INT4]), ...rows, done("SELECT 40")), 50).close();
    const whole = String(bodies(read(pcap(talk.packets)))[1]![1]);
    for (let lost = 6; lost < talk.packets.length; lost++) {
      for (const [, response] of bodies(read(pcap(talk.packets.filter((_, index) => index !== lost))))) {
        const body = String(response ?? "").replace(/(\n?…|\n\{"n":"?[^"\n]*…"?\})$/, "");
        expect(whole.startsWith(body), `${lost}: ${body}`).toBe(true);
      }
    }
  });
});

test("passwords are nowhere", () => {
  const talk = connection({ serverPort: 5432 }).send("client", pg.startup());
  talk.send("server", pg.message("R", number(10, 4), "SCRAM-SHA-256\0\0"));
  talk.send("client", pg.message("p", "SCRAM-SHA-256\0", number(9, 4), "n,,hunter2"));
  talk.send("server", pg.message("R", number(11, 4), "r=hunter2"));
  talk.send("client", pg.message("p", "hunter2\0")).send("server", pg.welcome()).send("client", pg.query("SELECT 1"));
  talk.send("server", join(columns(["n", INT4]), row("1"), done("SELECT 1"))).close();
  const trips = read(pcap(talk.packets));
  expect(JSON.stringify(trips)).not.toContain("hunter2");
  expect(bodies(trips).at(-1)).toEqual([undefined, '{"n":1}']);
});

describe("captures", () => {
  const files: [string, () => Uint8Array][] = [
    ...["pg_pgbench_extended.pcap", "pg_pgbench_simple.pcap"].map((name): [string, () => Uint8Array] => [
      name,
      () => fixtureBytes(name),
    ]),
    ...(HAS_CORPUS
      ? [
          "generated/pg_node.pcap",
          "upstream/urso/packetbeat/packetbeat/tests/system/pcaps/pgsql_rt.pcap",
          "upstream/urso/packetbeat/packetbeat/tests/system/pcaps/pgsql_extended_query.pcap",
          "upstream/arkime/arkime/tests/pcap/postgres-no-sslrequest.pcap",
          "upstream/deepflowio/deepflow/agent/resources/test/flow_generator/postgre/pgsql-all.pcap",
        ].map((name): [string, () => Uint8Array] => [name, () => corpusBytes(name)])
      : []),
  ];

  test.each(files)("%s: nothing else changes", (_, bytes) => {
    const kept = read(bytes());
    for (const { request, response } of kept) {
      delete request?.body;
      delete response?.body;
    }
    expect(kept).toEqual(read(bytes(), true, {}));
  });

  // The others are on ports of their own, or bring nothing.
  test.runIf(HAS_TSHARK).each(files.filter(([name]) => !/arkime|deepflow/.test(name)))(
    "%s: all that is shown is among what tshark reads",
    (_, bytes) => {
      const rows = tsharkFields(
        bytes(),
        ["pgsql.val.data", "pgsql.col.name", "pgsql.copydata"],
        ["-Y", "pgsql", "-E", "aggregator=|"],
      );
      const hex = (text: string) => Buffer.from(text).toString("hex");
      const theirs = new Set(
        rows.flatMap(([data = "", names = "", lines = ""]) => [
          ...data.split("|"),
          ...names.split("|").map(hex),
          ...lines.split("|"),
        ]),
      );
      let found = 0;
      for (const { request, response } of read(bytes())) {
        for (const body of [request?.body, response?.body]) {
          for (const [quoted] of String(body ?? "").matchAll(/"(\\.|[^"\\])*"/g)) {
            if (/…|base64:/.test(quoted)) continue;
            const text = JSON.parse(quoted) as string;
            expect(theirs.has(hex(text)) || theirs.has(hex(`${text}\n`)), quoted).toBe(true);
            found += 1;
          }
        }
      }
      expect(found).toBeGreaterThan(0);
    },
  );
});
