/** Round trips as the core wrote them, up to a fixed number of bytes: what the table can show of a capture of any size. */
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import type { Schema } from "../../engine/schema";

/** Bytes of round trips that are kept: some 200,000 of DNS, and no burden for a phone. */
export const KEPT_BYTES_MAX = 64 << 20;
/** Round trips that are kept at most, so that filtering and sorting stay quick. */
export const KEPT_MAX = 250_000;

const PAGE_BYTES = 4 << 20;

/** The first round trips that a core gives out; the later ones are counted. */
export class TripStore {
  /** All round trips that came, kept or not. */
  total = 0;
  /** How many are kept: the first ones. */
  kept = 0;
  private readonly pages: DataView<ArrayBuffer>[] = [];
  private readonly places = new Uint32Array(KEPT_MAX);
  private pageUsed = PAGE_BYTES;
  private readonly reader: RoundTripReader;

  constructor(schema: Schema) {
    this.reader = new RoundTripReader(schema);
  }

  /** Takes the events of a drained ring, each beginning with its length. */
  add(events: DataView): void {
    for (let at = 0; at < events.byteLength; ) {
      const length = events.getUint32(at, true);
      this.total += 1;
      // Once one was left out all later ones are, so that those kept are the first.
      if (this.kept === this.total - 1 && this.makeRoom(length)) this.keep(events, at, length);
      at += length;
    }
  }

  /** The round trip with this number, from 0. */
  get(index: number): RoundTrip {
    const [trip] = this.reader.read(this.event(index));
    if (trip === undefined) throw new RangeError("an event without a round trip");
    return trip;
  }

  /** The same as the core wrote it. */
  event(index: number): DataView {
    const place = this.places[index] ?? 0;
    const page = this.pages[Math.floor(place / PAGE_BYTES)];
    if (page === undefined || index >= this.kept) throw new RangeError(`there is no round trip ${index}`);
    const at = place % PAGE_BYTES;
    return new DataView(page.buffer, at, page.getUint32(at, true));
  }

  private makeRoom(length: number): boolean {
    if (this.kept === KEPT_MAX || length > PAGE_BYTES) return false;
    if (this.pageUsed + length <= PAGE_BYTES) return true;
    if (this.pages.length === KEPT_BYTES_MAX / PAGE_BYTES) return false;
    this.pages.push(new DataView(new ArrayBuffer(PAGE_BYTES)));
    this.pageUsed = 0;
    return true;
  }

  private keep(events: DataView, at: number, length: number): void {
    const page = this.pages.at(-1)!;
    new Uint8Array(page.buffer).set(new Uint8Array(events.buffer, events.byteOffset + at, length), this.pageUsed);
    this.places[this.kept] = (this.pages.length - 1) * PAGE_BYTES + this.pageUsed;
    this.pageUsed += length;
    this.kept += 1;
  }
}
