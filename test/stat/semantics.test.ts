/** Statistics are what counting the same round trips in plain TypeScript comes to. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import module from "../../build/core.checked.wasm";
import { Core } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { STAT_ROWS_MAX, Stat, type StatAnswer, type StatPart, type StatQuestion } from "../../engine/stat";
import { type OracleField, oracleFields } from "../support/filter-oracle";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import { anyOwner } from "../support/owners";
import { dnsQuery, dnsResponse, ethernet, ipv4, pcap, spaced, udp } from "../support/pcap-builder";

const QUESTIONS = 150;
/** Buckets are 1/32 of an octave wide, and a quantile is the middle of one. */
const QUANTILE_ERROR = 0.0109;

function run(core: Core, bytes: Uint8Array): void {
  const input = core.open("file");
  input.write(bytes);
  input.end();
  core.flush();
}

function tripsOf(bytes: Uint8Array): RoundTrip[] {
  const core = new Core(module, { events: true, headers: true, ownerOf: anyOwner });
  const reader = new RoundTripReader(core.schema);
  const trips: RoundTrip[] = [];
  core.drainTo({ events: (view) => trips.push(...reader.read(view)) });
  run(core, bytes);
  return trips;
}

function ask(bytes: Uint8Array, question: StatQuestion, budgetBytes = 24 << 20): StatAnswer {
  const core = new Core(module, { events: true, headers: true, budgetBytes, ownerOf: anyOwner });
  const stat = Stat.open(core, question);
  if (!(stat instanceof Stat)) throw new Error(`${stat.column}: ${stat.message}`);
  run(core, bytes);
  return stat.answer();
}

/** A value as a row is named by it. */
function keyOf(field: OracleField, trip: RoundTrip, fields: number): string | number | undefined {
  const values = field.get(trip);
  if (field.type === "presence") return values.length > 0 ? "true" : "false";
  if (field.type === "list") return values.flat().join("+") || undefined;
  const first = values.flat()[0];
  if (field.type === "number" || field.type === "numbers") return first as number | undefined;
  return first === undefined || first === "" ? undefined : cut(String(first), Math.floor(255 / fields) - 1);
}

/** What fits of a text, and an ellipsis for the rest. */
function cut(text: string, room: number): string {
  if (Buffer.byteLength(text) <= room) return text;
  let kept = "";
  for (const character of text) {
    if (Buffer.byteLength(kept + character) > room - 3) break;
    kept += character;
  }
  return `${kept}…`;
}

function measured(value: string, fields: ReadonlyMap<string, OracleField>, trip: RoundTrip): number | undefined {
  if (value === "count" || value === "errors") return trip.durationNs;
  if (value === "size") return bytesOf(trip);
  return fields.get(value)!.get(trip)[0] as number | undefined;
}

const bytesOf = ({ request, response }: RoundTrip) => (request?.bytes ?? 0) + (response?.bytes ?? 0);
const isFailed = ({ status }: RoundTrip) => status !== "ok" && status !== "unobserved";

/** Whether a part says what its round trips come to. */
function expectPart(part: StatPart, trips: readonly RoundTrip[], valueIn: (trip: RoundTrip) => number | undefined): void {
  const bytes = trips.reduce((sum, trip) => sum + bytesOf(trip), 0);
  expect([part.requests, part.errors, part.bytes]).toEqual([trips.length, trips.filter(isFailed).length, bytes]);
  const values = trips.flatMap((trip) => valueIn(trip) ?? []).sort((a, b) => a - b);
  if (values.length === 0) {
    expect(part.values).toBeUndefined();
    return;
  }
  const sum = values.reduce((total, value) => total + value, 0);
  expect(part.values).toMatchObject({ count: values.length, sum, min: values[0], max: values.at(-1) });
  for (const [quantile, told] of Object.entries(part.values!.quantiles)) {
    const exact = values[Math.ceil(Number(quantile) * values.length) - 1]!;
    expect(Math.abs(told - exact)).toBeLessThanOrEqual(exact * QUANTILE_ERROR + 0.5);
  }
}

describe("a question made by chance", () => {
  const { schema } = new Core(module, { events: true });
  const all = oracleFields(schema);
  const byName = new Map(all.map((field) => [field.name, field]));
  const rowKinds = new Set(
    schema.protocols.flatMap(({ name, fields }) =>
      fields
        .filter(({ kind }) => kind === 8)
        .flatMap((field) => [`${name}.${field.name}`, `${name}.${field.side}.${field.name}`]),
    ),
  );
  const usable = all.filter(({ name, isTwofold }) => !isTwofold && !rowKinds.has(name) && !name.endsWith(".body"));
  const signed = new Set(
    schema.protocols.flatMap(({ name, fields }) =>
      fields
        .filter(({ kind }) => kind === 11)
        .flatMap((field) => [`${name}.${field.name}`, `${name}.${field.side}.${field.name}`]),
    ),
  );
  const addable = usable.filter(
    ({ name, type }) => type === "number" && !signed.has(name) && !rowKinds.has(name.slice(0, name.lastIndexOf("."))),
  );
  const kept = FIXTURES.map((name) => ({ bytes: fixtureBytes(name), trips: tripsOf(fixtureBytes(name)) })).filter(
    ({ trips }) => trips.length > 0,
  );

  test("is answered as by counting", () => {
    const question = fc.record({
      capture: fc.constantFrom(...kept),
      value: fc.oneof(
        fc.constantFrom("durationNs", "count", "errors", "size"),
        fc.constantFrom(...addable.map(({ name }) => name)),
      ),
      samples: fc.integer({ min: 0, max: 10 }),
      seeds: fc.array(fc.nat(), { maxLength: 4 }),
    });
    fc.assert(
      fc.property(question, ({ capture: { bytes, trips }, value, samples, seeds }) => {
        // Fields that the capture has are more telling than those that it lacks.
        const present = usable.filter((field) => trips.some((trip) => field.get(trip).length > 0));
        const fields = [
          ...new Set(
            seeds.map((seed, index) => (index === 0 ? usable : present)[seed % (index === 0 ? usable : present).length]!),
          ),
        ];
        const answer = ask(bytes, { value, by: fields.map(({ name }) => name), samples });
        const expected = new Map<string, RoundTrip[]>();
        for (const trip of trips) {
          const key = JSON.stringify(fields.map((field) => keyOf(field, trip, fields.length) ?? null));
          expected.set(key, [...(expected.get(key) ?? []), trip]);
        }
        expect(answer.rows.length + (answer.other ? 1 : 0)).toBeGreaterThan(0);
        expect(answer.requests).toBe(trips.length);
        if (expected.size > STAT_ROWS_MAX) return;
        expect(answer.rows).toHaveLength(expected.size);
        for (const row of answer.rows) {
          expect(row.upper).toBeUndefined();
          const mine = expected.get(JSON.stringify(fields.map(({ name }) => row.by[name] ?? null)))!;
          expectPart(row, mine, (trip) => measured(value, byName, trip));
          if (samples > 0) expectSamples(row.samples!, mine, samples, value, (trip) => measured(value, byName, trip) ?? 0);
        }
      }),
      { numRuns: QUESTIONS },
    );
  });
});

test("a number of either end is the server's where that is known", () => {
  const bytes = fixtureBytes("dns_dnsperf_udp.pcap");
  const trips = tripsOf(bytes);
  for (const value of ["pid", "client.pid", "server.pid"]) {
    const field = oracleFields(new Core(module).schema).find(({ name }) => name === value)!;
    const { rows } = ask(bytes, { value, by: ["protocol"], samples: 0 });
    expect(rows).toHaveLength(1);
    expectPart(rows[0]!, trips, (trip) => field.get(trip)[0] as number | undefined);
  }
  // Only of the server anything is known there: else the test would not tell.
  expect(trips.some(({ client, server }) => client.pid === undefined && server.pid !== undefined)).toBe(true);
});

/** Whether samples are round trips of the row with the greatest values; one of more than a page is none. */
function expectSamples(
  samples: readonly RoundTrip[],
  trips: readonly RoundTrip[],
  most: number,
  value: string,
  valueIn: (trip: RoundTrip) => number,
): void {
  const texts = new Set(trips.map((trip) => JSON.stringify(trip)));
  for (const one of samples) expect(texts).toContain(JSON.stringify(one));
  const rank = (trip: RoundTrip) => (value === "errors" && isFailed(trip) ? 2 ** 50 : 0) + valueIn(trip);
  const ranks = samples.map(rank);
  expect(ranks).toEqual([...ranks].sort((a, b) => b - a));
  const small = trips.filter((trip) => JSON.stringify(trip).length < 2000);
  const best = small.map(rank).sort((a, b) => b - a);
  expect(samples.length).toBeGreaterThanOrEqual(Math.min(most, small.length));
  for (const [index, wanted] of best.slice(0, samples.length).entries()) expect(ranks[index]).toBeGreaterThanOrEqual(wanted);
}

describe("more rows than are kept", () => {
  const asked = (name: string, id: number, source: number) => [
    ethernet(
      ipv4(udp(dnsQuery(name, { id }), { sourcePort: source, destinationPort: 53 }), {
        source: "192.0.2.1",
        destination: "192.0.2.2",
      }),
    ),
    ethernet(
      ipv4(udp(dnsResponse(name, { id }), { sourcePort: 53, destinationPort: source }), {
        source: "192.0.2.2",
        destination: "192.0.2.1",
      }),
    ),
  ];

  // With the least budget the samples take all memory there is.
  test.each([
    { budgetBytes: 24 << 20, samples: 0 },
    { budgetBytes: 8 << 20, samples: 10 },
  ])("totals stay exact, and the busiest rows stay within their bounds: %j", ({ budgetBytes, samples }) => {
    const names = Array.from({ length: 3000 }, (_, index) => `n${index}.test`);
    const counts = new Map<string, number>();
    const packets: Uint8Array[] = [];
    for (let id = 0; id < 12_000; id++) {
      const name = id % 3 === 0 ? `busy${(id / 3) % 20}.test` : names[id % names.length]!;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      packets.push(...asked(name, id, 1024 + id));
    }
    const answer = ask(pcap(spaced(packets)), { value: "durationNs", by: ["dns.name"], samples }, budgetBytes);
    expect(answer.requests).toBe(12_000);
    expect(answer.rows.reduce((sum, { requests }) => sum + requests, 0) + answer.other!.requests).toBe(12_000);
    for (const { by, requests, upper = requests } of answer.rows) {
      const truth = counts.get(String(by["dns.name"]))!;
      expect(requests).toBeLessThanOrEqual(truth);
      expect(upper).toBeGreaterThanOrEqual(truth);
    }
    if (samples > 0) return;
    const shown = answer.rows.map(({ by }) => by["dns.name"]);
    for (let busy = 0; busy < 20; busy++) expect(shown).toContain(`busy${busy}.test`);
  });

  test("a new question begins anew, and asked again and again leaves nothing behind", () => {
    const core = new Core(module, { events: true });
    const bytes = pcap(spaced(Array.from({ length: 200 }, (_, id) => asked(`n${id}.test`, id, 1024 + id)).flat()));
    for (let round = 0; round < 300; round++) {
      const stat = Stat.open(core, { value: "durationNs", by: ["dns.name"], samples: 10 }) as Stat;
      expect(stat.answer()).toMatchObject({ requests: 0, rows: [] });
      run(core, bytes);
      const { requests, rows, other } = stat.answer();
      expect([requests, rows.length, other]).toEqual([200, 200, undefined]);
    }
  });
});

describe("a question that is wrong says where", () => {
  const core = new Core(module, { events: true });
  test.each([
    ["", [], 1, "a field is missing here"],
    ["durationN", [], 1, "did you mean durationNs?"],
    ["http.path", [], 1, "http.path is no number that can be added up"],
    ["kafka.errorCode", [], 1, "kafka.errorCode is no number that can be added up"],
    ["dns.records.ttl", [], 1, "no number that can be added up"],
    ["count", ["dns.records"], 10, "dns.records has rows: name a column"],
    ["count", ["http.bodyBytes"], 10, "http.request.bodyBytes"],
    ["count", ["http.path", ""], 21, "a field is missing here"],
    ["count", ["a", "b"], 10, "there is no field a"],
    ["count", ["protocol", "status", "direction", "client.port", "server.port"], 52, "four fields at the most"],
    ["count", ["protocol status"], 19, "write a comma between fields"],
    [`count ${"x".repeat(5000)}`, [], 4097, "4096 bytes"],
  ])("%s by %j", (value, by, column, words) => {
    const fault = core.openStat(by.length === 0 ? value : `${value} by ${by.join(", ")}`, 0);
    expect(fault?.message).toContain(words);
    expect(fault?.column).toBe(column);
  });

  test("any text is an answer or a fault, never a trap", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(fc.constantFrom("count", "by", ",", "protocol", "dns.name", '"', " ")).map((words) => words.join(" ")),
        ),
        (text) => {
          const fault = core.openStat(text, 3);
          if (fault !== undefined) expect(fault.column).toBeGreaterThanOrEqual(1);
        },
      ),
    );
  });
});
