/** Whatever a host says to the core: any settings, any calls in any order with any bytes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import module from "../../build/core.checked.wasm";
import { Core } from "../../engine/core";
import { encodeRowQuery } from "../../engine/rows";
import { encodeSettings } from "../../engine/settings";
import { hostOf } from "../support/host";
import { instantiate } from "../support/instantiate";
import { Conversation, dnsQuery, dnsResponse, ethernet, ipv4, pcap, spaced, udp } from "../support/pcap-builder";

type Call = (...values: number[]) => number;
type Exports = Record<string, Call> & { memory: WebAssembly.Memory };

const HOST = 1;
const HUB = 2;
const BUDGET_BYTES = 8 << 20;
const SETTINGS_CODE = 3;
const FAULT_MAX = 12;

class AnyHost {
  readonly core: Exports;

  constructor() {
    this.core = instantiate<Exports>(module, {}, { host: hostOf(() => this.core.eventsDone!()) });
  }

  call(name: string, ...values: number[]): number {
    return this.core[name]!(...values);
  }

  put(start: number, bytes: Uint8Array): void {
    new Uint8Array(this.core.memory.buffer).set(bytes, start);
  }

  configure(settings: Uint8Array, role = HOST, budget = BUDGET_BYTES): number {
    this.put(this.call("staging"), settings);
    return this.call("configure", role, budget, settings.length);
  }

  /** Takes out what waits; the bundles. */
  drain(): Uint8Array[] {
    const bundles: Uint8Array[] = [];
    this.call("eventsDone");
    for (let start = this.call("bundleStart"); start !== 0; start = this.call("bundleStart")) {
      bundles.push(new Uint8Array(this.core.memory.buffer).slice(start, start + this.call("bundleLength")));
      this.call("bundleDone");
    }
    return bundles;
  }
}

/** Labels of each breakdown, by its number. */
const LABELS = new Map(
  new Core(module).schema.metrics.flatMap(({ id, kind, keys = [] }) => (kind === "breakdown" ? [[id, keys.length]] : [])),
);

/** Whether these are choices of labels that there are. */
function areChoices(value: Uint8Array): boolean {
  for (let at = 0; at < value.length; at += 3) {
    const labels = LABELS.get(value[at]! | (value[at + 1]! << 8));
    if (labels === undefined || value[at + 2]! >> labels !== 0) return false;
  }
  return true;
}

/** Which settings there are, by what assembly/settings.ts says of each. */
function isKnown(bytes: Uint8Array): boolean {
  let choices: Uint8Array = new Uint8Array();
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < 3) return false;
    const id = bytes[at]!;
    const length = bytes[at + 1]! | (bytes[at + 2]! << 8);
    const value = bytes.subarray(at + 3, at + 3 + length);
    if (value.length < length) return false;
    const networks = length % 17 === 0 && length <= 64 * 17 && value.every((byte, index) => index % 17 !== 16 || byte <= 128);
    const lengths: Record<number, number> = {
      1: 1,
      2: 1,
      3: 1,
      5: 8,
      6: 8,
      8: 4,
      9: 4,
      10: 1,
      11: 1,
      12: 1,
      16: 1,
      20: 1,
      21: 1,
      23: 4,
      26: 1,
      30: 1,
    };
    if (id === 4 ? !networks : id === 24 || id === 40 ? length % 3 !== 0 || length > 64 * 3 : lengths[id] !== length)
      return false;
    // Of a setting that comes twice the last counts.
    if (id === 40) choices = value;
    at += 3 + length;
  }
  return areChoices(choices);
}

const setting = fc.oneof(
  fc.tuple(fc.constantFrom(1, 2, 3, 10, 11, 12, 16, 20, 21, 26, 30), fc.uint8Array({ minLength: 1, maxLength: 1 })),
  fc.tuple(fc.constantFrom(8, 9, 23), fc.uint8Array({ minLength: 4, maxLength: 4 })),
  fc.tuple(fc.constantFrom(5, 6), fc.uint8Array({ minLength: 8, maxLength: 8 })),
  fc.tuple(
    fc.constant(4),
    fc
      .array(fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(128)), { maxLength: 65 })
      .map((networks) => Uint8Array.from(networks.flatMap(([address, prefix]) => [...address, prefix]))),
  ),
  fc.tuple(
    fc.constant(40),
    fc
      .array(fc.tuple(fc.constantFrom(...LABELS.keys(), 1), fc.nat(31)), { maxLength: 3 })
      .map((choices) => Uint8Array.from(choices.flatMap(([id, kept]) => [id & 255, id >> 8, kept]))),
  ),
  fc.tuple(fc.constant(24), fc.uint8Array({ maxLength: 12 })),
  fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 40 })),
);
const settings = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc
    .array(setting, { maxLength: 4 })
    .map((all) => Uint8Array.from(all.flatMap(([id, value]) => [id, value.length & 255, value.length >> 8, ...value]))),
);

describe("settings", () => {
  const host = new AnyHost();

  test("are taken, or refused where one is unknown or of a wrong length", () => {
    let refused = 0;
    fc.assert(
      fc.property(settings, (bytes) => {
        const code = host.configure(bytes);
        expect(code).toBe(isKnown(bytes) ? 0 : SETTINGS_CODE);
        refused += code === 0 ? 0 : 1;
      }),
      { numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(200);
    expect(refused).toBeLessThan(1900);
  });

  test("of every number and length are those that there are", () => {
    for (let id = 0; id < 256; id++) {
      for (let length = 0; length <= 40; length++) {
        const bytes = Uint8Array.from([id, length, 0, ...Array(length).fill(0)]);
        expect(host.configure(bytes), `number ${id} of ${length} bytes`).toBe(isKnown(bytes) ? 0 : SETTINGS_CODE);
      }
    }
  });

  test("that are cut anywhere are refused, those that are too long too", () => {
    const all = encodeSettings({ events: true, hostNetworks: ["10.0.0.0/8"], secret: 5n, dnsTimeoutMs: 7 });
    const ends = new Set([0, 4, 4 + 20, 4 + 20 + 11, all.length]);
    for (let length = 0; length <= all.length; length++) {
      expect(host.configure(all.subarray(0, length))).toBe(ends.has(length) ? 0 : SETTINGS_CODE);
    }
    expect(host.call("configure", HOST, BUDGET_BYTES, 65537)).toBe(SETTINGS_CODE);
  });

  test("a network cannot be longer than its address", () => {
    const networks = (prefix: number) => Uint8Array.from([4, 17, 0, ...Array(16).fill(0), prefix]);
    expect([0, 128, 129, 255].map((prefix) => host.configure(networks(prefix)))).toEqual([0, 0, SETTINGS_CODE, SETTINGS_CODE]);
  });

  test("networks that come later are taken, or refused and stay what they were", () => {
    const put = (bytes: number[], length = bytes.length) => {
      host.put(host.call("staging"), Uint8Array.from(bytes));
      return host.call("setHostNetworks", length);
    };
    const network = (prefix: number) => [...Array(16).fill(0), prefix];
    const many = (count: number) => Array.from({ length: count }, () => network(128)).flat();
    expect([[], network(0), network(128), many(64)].map((bytes) => put(bytes))).toEqual([0, 0, 0, 0]);
    expect([network(129), network(0).slice(1), many(65)].map((bytes) => put(bytes))).toEqual([1, 1, 1]);
    expect(put(network(0), 65537)).toBe(1);
    expect(put(network(0), -1)).toBe(1);
  });

  test("roles and budgets are named where they are none", () => {
    const none = new Uint8Array(0);
    expect([0, 3, -1].map((role) => host.configure(none, role))).toEqual([1, 1, 1]);
    expect([0, BUDGET_BYTES - 1, (1 << 30) + 1, -1].map((budget) => host.configure(none, HOST, budget))).toEqual([2, 2, 2, 2]);
  });

  test("hold through a question that is asked in between", () => {
    const query = { sourcePort: 9999, destinationPort: 53 };
    const packet = (id: number) =>
      ethernet(ipv4(udp(dnsQuery("a.test", { id }), query), { source: `192.0.2.${id}`, destination: "10.0.0.1", id }));
    const file = pcap(spaced([packet(1), packet(2)]));
    const bundle = (question: Uint8Array) => {
      expect(host.configure(encodeSettings({ hostNetworks: ["10.0.0.0/8"], bootId: 1n }))).toBe(0);
      const handle = host.call("openInput", 0);
      const start = host.call("inputStart");
      host.put(start, file);
      const half = file.length >> 1;
      const done = host.call("feed", handle, start, half);
      host.put(host.call("staging"), question);
      if (question.length > 0) host.call("rows", question.length);
      host.call("feed", handle, start + done, file.length - done);
      host.call("flush");
      return Buffer.from(host.drain()[0]!).toString("hex");
    };
    expect(bundle(new Uint8Array(2000).fill(0xff))).toBe(bundle(new Uint8Array(0)));
  });
});

const talk = new Conversation({ serverPort: 80 }).open();
talk
  .send("client", "GET /a HTTP/1.1\r\nHost: b\r\n\r\n")
  .send("server", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
  .close();
const exchange = [dnsQuery("a.test", { id: 1 }), dnsResponse("a.test", { id: 1 })].map((message, index) =>
  ethernet(ipv4(udp(message, { sourcePort: index ? 53 : 999, destinationPort: index ? 999 : 53 }), { source: "10.0.0.1" })),
);
const real = [pcap(talk.packets), pcap(spaced(exchange))];
const live = Uint8Array.from([9, 0, 0, 0, 0, 0, 0, 0, exchange[0]!.length, 0, 0, 0, 99, 0, 0, 0, ...exchange[0]!]);
const number = fc.oneof(fc.integer({ min: -2, max: 12 }), fc.integer(), fc.constantFrom(1, 9, 101, 113, 276));
const bytes = fc.oneof(
  fc.constantFrom(...real, live),
  fc.uint8Array({ maxLength: 300 }),
  fc
    .tuple(fc.constantFrom(...real, live), fc.array(fc.tuple(fc.nat(5000), fc.nat(255)), { minLength: 1, maxLength: 8 }))
    .map(([file, changes]) => {
      const copy = file.slice();
      for (const [place, byte] of changes) copy[place % copy.length] = byte;
      return copy;
    }),
);

/** One call of a host, as a name with its numbers and bytes. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant("feed"), number, number, bytes) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constant("openInput"), fc.oneof(fc.constantFrom(0, 1), number), number, fc.constant(live)),
  },
  fc.tuple(
    fc.constantFrom("endInput", "flush", "tick", "tellEvents", "mergeReset", "mergeEncode", "schema"),
    number,
    number,
    fc.constant(live),
  ),
  fc.tuple(fc.constant("putProgram"), number, number, bytes),
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom("validate", "mergeAdd", "rows"), number, number, bytes) },
  fc.tuple(fc.constantFrom("setFilter", "filterAccepts", "setHostNetworks"), number, number, bytes),
);

describe("a host that calls as it likes", () => {
  test.each([
    ["host", HOST],
    ["hub", HUB],
  ])("%s: every call comes back, with an answer of those there are", (_, role) => {
    fc.assert(
      fc.property(settings, fc.array(step, { maxLength: 40 }), (given, steps) => {
        const host = new AnyHost();
        if (host.configure(given, role) !== 0) host.configure(new Uint8Array(0), role);
        const bundles: Uint8Array[] = [];
        const captureCalls = ["feed", "openInput", "endInput", "flush", "tick"];
        for (const [name, first, second, data] of steps) {
          if (role === HUB && captureCalls.includes(name)) continue;
          const start = host.call("inputStart");
          if (name === "feed") {
            host.put(start, data);
            expect(host.call("feed", Math.abs(first) % 4, start, data.length)).toBeLessThanOrEqual(data.length);
          } else if (name === "validate" || name === "mergeAdd") {
            const bundle = bundles.length > 0 && second % 2 === 0 ? bundles[Math.abs(first) % bundles.length]! : data;
            host.put(start, bundle);
            expect(host.call(name, start, bundle.length) >>> 0).toBeLessThanOrEqual(FAULT_MAX);
          } else if (name === "filterAccepts") {
            host.put(start, data);
            expect(host.call(name, start, data.length)).toBeLessThanOrEqual(2);
          } else if (name === "setFilter") {
            const filter = second % 2 === 0 ? data : new TextEncoder().encode("dns or http.statusCode < 400 and 'a'");
            host.put(host.call("staging"), filter);
            expect(host.call("setFilter", filter.length)).toBeLessThanOrEqual(filter.length + 1);
          } else if (name === "setHostNetworks") {
            host.put(host.call("staging"), data);
            expect(host.call("setHostNetworks", second % 2 === 0 ? data.length : first)).toBeLessThanOrEqual(1);
          } else if (name === "putProgram") {
            const program = second % 2 === 0 ? data : Uint8Array.from([6, 0, 0, 0, first & 255, 0, 0, 0]);
            host.put(host.call("staging"), program);
            expect(host.call("putProgram", Math.abs(first), program.length)).toBeLessThanOrEqual(2);
            expect(host.call("wantedLinkType")).toBe(-1);
          } else if (name === "rows") {
            const question = second % 2 === 0 ? data : encodeRowQuery({ metric: first & 63, quantiles: [0.5], buckets: true });
            host.put(host.call("staging"), question);
            expect(host.call("rows", question.length) >>> 0).toBeLessThanOrEqual(FAULT_MAX);
            expect(host.call("rowsLength")).toBeLessThanOrEqual(host.call("outputBytes"));
          } else {
            host.call(name, first, second);
          }
          bundles.push(...host.drain());
        }
        for (const bundle of bundles) {
          host.put(host.call("outputStart"), bundle);
          expect(host.call("validate", host.call("outputStart"), bundle.length)).toBe(0);
        }
      }),
      { numRuns: 150 },
    );
  });
});

test("nothing is allocated when it is configured, however often", () => {
  const host = new AnyHost();
  host.configure(new Uint8Array());
  const staging = new Uint8Array(host.core.memory.buffer, host.call("staging"), host.call("stagingBytes")).fill(0xcc);
  for (let turn = 0; turn < 100; turn++) expect(host.call("configure", HOST, BUDGET_BYTES, 0)).toBe(0);
  expect(staging.every((byte) => byte === 0xcc)).toBe(true);
});
