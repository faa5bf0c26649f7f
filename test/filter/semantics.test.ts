/** What the core makes of a filter is what a second reading of the same round trips makes of it. */
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import module from "../../build/core.checked.wasm";
import { Core } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { corpusBytes, corpusIndex, HAS_CORPUS } from "../support/corpus";
import { oracleFields, wants } from "../support/filter-oracle";
import { anyExpression, chances, write } from "../support/filter-writer";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import { anyOwner } from "../support/owners";

/** Round trips that are taken of one protocol out of one capture. */
const TAKEN_MAX = 6;
const RUNS = 3000;

interface Kept {
  trip: RoundTrip;
  event: DataView;
}

/** Runs a capture through a core. */
function feed(core: Core, bytes: Uint8Array, take: (trip: RoundTrip, event: DataView) => void): void {
  const reader = new RoundTripReader(core.schema);
  core.drainTo({
    events: (view) => {
      for (let at = 0; at < view.byteLength; at += view.getUint32(at, true)) {
        const event = new DataView(view.buffer.slice(view.byteOffset + at, view.byteOffset + at + view.getUint32(at, true)));
        take([...reader.read(event)][0]!, event);
      }
    },
  });
  const input = core.open("file");
  input.write(bytes);
  input.end();
  core.flush();
}

function captures(): Uint8Array[] {
  const fixtures = FIXTURES.map(fixtureBytes);
  if (!HAS_CORPUS) return fixtures;
  const files = corpusIndex().filter(({ core, bytes }) => core && bytes < 1 << 20);
  return [
    ...fixtures,
    ...files.map(({ file, format }) => (format.startsWith("gz:") ? gunzipSync(corpusBytes(file)) : corpusBytes(file))),
  ];
}

/** Some round trips of every protocol; those whose bytes are no UTF-8 are left out, as JSON does not tell which they were. */
function sample(core: Core): Kept[] {
  const kept: Kept[] = [];
  for (const bytes of captures()) {
    const counts = new Map<string, number>();
    feed(core, bytes, (trip, event) => {
      const kind = `${trip.protocol} ${trip.status}`;
      const count = counts.get(kind) ?? 0;
      if (count >= TAKEN_MAX || JSON.stringify(trip).includes("\ufffd")) return;
      counts.set(kind, count + 1);
      kept.push({ trip, event });
    });
  }
  return kept;
}

/** Headers are kept, as else nobody can ask for them; bodies, which may be no text, are tried below. */
const OPTIONS = { events: true, headers: true, ownerOf: anyOwner };

describe("a filter made by chance", () => {
  const core = new Core(module, OPTIONS);
  const { schema } = core;
  const kept = sample(core);
  const fields = oracleFields(schema).filter(({ name }) => !name.endsWith(".body"));
  const byProtocol = new Map<string, Kept[]>();
  for (const one of kept) byProtocol.set(one.trip.protocol, [...(byProtocol.get(one.trip.protocol) ?? []), one]);

  test("is put to round trips of many protocols", () => {
    const protocols = [...byProtocol.keys()];
    for (const name of ["dns", "http", "redis", "mysql", "postgresql", "kafka", "mongodb", "http2", "grpc", "tls"]) {
      expect(protocols).toContain(name);
    }
    if (HAS_CORPUS) expect(protocols).toHaveLength(schema.protocols.length);
  });

  test("wants what it means, in each protocol", { timeout: 300_000 }, () => {
    const tried = { wanted: 0, left: 0 };
    const used = new Set<string>();
    fc.assert(
      fc.property(fc.constantFrom(...byProtocol.keys()), chances, chances, (protocol, tree, form) => {
        const own = byProtocol.get(protocol)!;
        const near = fields.filter(
          ({ name }) => !schema.protocols.some((other) => other.name !== protocol && name.split(".")[0] === other.name),
        );
        const chosen = tree(5) === 0 ? fields : near;
        const expression = anyExpression(
          chosen,
          own.map(({ trip }) => trip),
          tree,
        );
        const text = write(expression, form);
        const fault = core.setFilter(text);
        if (fault !== undefined) expect.fail(`${text}\n${" ".repeat(fault.column - 1)}^ ${fault.message}`);
        const others = kept.filter((_, index) => index % 41 === tree(41));
        for (const { trip, event } of [...own.slice(0, 60), ...others]) {
          const wanted = wants(expression, trip, schema);
          tried[wanted ? "wanted" : "left"] += 1;
          if (core.wants(event) !== wanted)
            expect.fail(`${text}\nis ${!wanted} by the core and ${wanted} by its meaning for\n${JSON.stringify(trip)}`);
        }
        note(used, expression);
      }),
      { numRuns: RUNS },
    );
    expect(Math.min(tried.wanted, tried.left)).toBeGreaterThan(RUNS);
    expect(used.size).toBeGreaterThan(fields.length / 2);
  });

  test("keeps the others out of the events, and counts them", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FIXTURES.filter((name) => fixtureBytes(name).length < 300_000)),
        chances,
        chances,
        (name, tree, form) => {
          const all: RoundTrip[] = [];
          const some: RoundTrip[] = [];
          feed(new Core(module, OPTIONS), fixtureBytes(name), (trip) => all.push(trip));
          const expression = anyExpression(fields, all, tree);
          const filtered = new Core(module, OPTIONS);
          expect(filtered.setFilter(write(expression, form))).toBeUndefined();
          feed(filtered, fixtureBytes(name), (trip) => some.push(trip));
          expect(some).toEqual(all.filter((trip) => JSON.stringify(trip).includes("\ufffd") || wants(expression, trip, schema)));
          expect(filtered.eventsFiltered).toBe(all.length - some.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});

test("bodies can be asked for where they are kept", () => {
  const tripsBy = (filter: string): RoundTrip[] => {
    const core = new Core(module, { events: true, bodyBytes: 2048, raw: true });
    expect(core.setFilter(filter)).toBeUndefined();
    const trips: RoundTrip[] = [];
    feed(core, fixtureBytes("http1_curl.pcap"), (trip) => trips.push(trip));
    return trips;
  };
  const all = tripsBy("");
  const bodyOf = ({ response }: RoundTrip) => String(response?.body ?? "");
  const parts = new Set(all.flatMap((trip) => /[\w /<>.]{8,30}/.exec(bodyOf(trip)) ?? []));
  expect(parts.size).toBeGreaterThan(1);
  for (const part of parts) {
    const has = all.filter((trip) => bodyOf(trip).includes(part));
    expect(has.length).toBeLessThan(all.length);
    expect(tripsBy(`http.response.body contains ${JSON.stringify(part)}`)).toEqual(has);
  }
});

/** Notes every field of a tree. */
function note(used: Set<string>, expression: ReturnType<typeof anyExpression>): void {
  if (expression.kind === "test") used.add(expression.field.name);
  else if (expression.kind === "not") note(used, expression.part);
  else if (expression.kind !== "anywhere") for (const part of expression.parts) note(used, part);
}
