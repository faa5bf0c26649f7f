/** The round trips that the page keeps: the first ones, in bounded memory, and a count of all. */
import { expect, test } from "vitest";
import { Core } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { KEPT_BYTES_MAX, KEPT_MAX, TripStore } from "../../web/capture/trip-store";
import { TripView } from "../../web/capture/trip-view";
import { fixtureBytes } from "../support/fixtures";
import { coreModule } from "../support/round-trips";

/** The events of a capture as the core gives them out, and what they say. */
function eventsOf(name: string): { core: Core; events: DataView[]; trips: RoundTrip[]; bytes: number } {
  const core = new Core(coreModule(), { events: true });
  const reader = new RoundTripReader(core.schema);
  const events: DataView[] = [];
  const trips: RoundTrip[] = [];
  core.drainTo({
    events: (view) => {
      trips.push(...reader.read(view));
      events.push(new DataView(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)));
    },
  });
  const input = core.open("file");
  input.write(fixtureBytes(name));
  input.end();
  core.flush();
  return { core, events, trips, bytes: events.reduce((sum, { byteLength }) => sum + byteLength, 0) };
}

test("all round trips of a short capture are kept as they are", () => {
  for (const name of ["dns_kdig_udp.pcap", "http1_curl.pcap"]) {
    const { core, events, trips } = eventsOf(name);
    const store = new TripStore(core.schema);
    for (const view of events) store.add(view);
    expect([store.total, store.kept]).toEqual([trips.length, trips.length]);
    expect(trips.map((_, index) => store.get(index))).toEqual(trips);
    expect(() => store.get(trips.length)).toThrow(RangeError);
  }
});

test("of a long one the first are kept, within the limit", () => {
  const { core, events, trips, bytes } = eventsOf("dns_dnsperf_udp.pcap");
  const store = new TripStore(core.schema);
  const rounds = Math.ceil((KEPT_BYTES_MAX * 1.1) / bytes);
  for (let round = 0; round < rounds; round++) for (const view of events) store.add(view);
  expect(store.total).toBe(rounds * trips.length);
  expect(store.kept).toBeLessThan(Math.min(store.total, KEPT_MAX));
  expect(store.kept * (bytes / trips.length)).toBeGreaterThan(KEPT_BYTES_MAX * 0.95);
  for (const index of [0, trips.length, store.kept - 1]) expect(store.get(index)).toEqual(trips[index % trips.length]);
});

test("a view filters and sorts them, and gives way to a newer one", async () => {
  const { core, events, trips } = eventsOf("dns_kdig_udp.pcap");
  const store = new TripStore(core.schema);
  for (const view of events) store.add(view);
  const view = new TripView(store, coreModule());
  const numbers = (wanted: (trip: RoundTrip) => boolean) => trips.flatMap((trip, index) => (wanted(trip) ? [index] : []));
  expect(await view.show({ number: 1, filter: "status == error" })).toBe(true);
  expect([...view.rows]).toEqual(numbers(({ status }) => status === "error"));
  await view.show({ number: 2, filter: "", order: { column: "duration", descending: true } });
  const durations = [...view.rows].map((index) => trips[index]!.durationNs!);
  expect(durations).toEqual(durations.toSorted((a, b) => b - a));
  await view.show({ number: 3, filter: "", order: { column: "request", descending: false } });
  const equal = [...view.rows].filter(
    (index) => trips[index]!.request?.name === "lab.test" && trips[index]!.request?.type === "A",
  );
  expect(equal).toEqual(equal.toSorted((a, b) => a - b));
  await expect(view.show({ number: 4, filter: "nofield == 1" })).rejects.toThrow("there is no field nofield");
});
