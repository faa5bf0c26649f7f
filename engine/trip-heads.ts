/** What every event begins with (assembly/roundtrip/report.ts draws it), for those who need no more of most round trips. */
import { formatAddress } from "./address.ts";
import { DIRECTIONS, ownerIn, pidIn, type RoundTrip } from "./round-trip.ts";

const CLIENT_OFFSET = 16;
const SERVER_OFFSET = 32;
const UNKNOWN = 0xffff_ffff_ffff_ffffn;
const MS_NS = 1e6;

/** Goes through the events of a drained ring, one at a time. */
export class TripHeads {
  private at = 0;
  private following = 0;

  constructor(private readonly view: DataView) {}

  /** Goes to the next event; false where there is none. */
  next(): boolean {
    this.at = this.following;
    if (this.at >= this.view.byteLength) return false;
    this.following = this.at + this.view.getUint32(this.at, true);
    return true;
  }

  /** The whole event. */
  get event(): DataView {
    return new DataView(this.view.buffer, this.view.byteOffset + this.at, this.following - this.at);
  }

  /** Number of the protocol, as the schema has it. */
  get protocol(): number {
    return this.view.getUint8(this.at + 4);
  }

  get direction(): RoundTrip["direction"] {
    return DIRECTIONS[this.view.getUint8(this.at + 6)] ?? "unknown";
  }

  /** Whether the filter did not want it (`allEvents`). */
  get isKeptOut(): boolean {
    return this.view.getUint8(this.at + 119) !== 0;
  }

  /** Whether there are a request and a response. */
  get isPair(): boolean {
    return this.view.getUint32(this.at + 120, true) !== 0 && this.view.getUint32(this.at + 124, true) !== 0;
  }

  /** When it began, ms since 1970; undefined where that is not known. */
  get beganMs(): number | undefined {
    const ns = this.view.getBigUint64(this.at + 48, true);
    return ns === UNKNOWN ? undefined : Number(ns) / MS_NS;
  }

  /** First byte of the request to last of the response, ms; 0 where that is not known. */
  get durationMs(): number {
    const ns = this.view.getBigUint64(this.at + 56, true);
    return ns === UNKNOWN ? 0 : Number(ns) / MS_NS;
  }

  get serverPort(): number {
    return this.view.getUint16(this.at + 10, true);
  }

  get serverAddress(): string {
    return formatAddress(this.view, this.at + SERVER_OFFSET, this.family);
  }

  /** The server's address in a form that is quick to make and to compare. */
  get serverKey(): number | string {
    return this.keyAt(SERVER_OFFSET);
  }

  /** The client's. */
  get clientKey(): number | string {
    return this.keyAt(CLIENT_OFFSET);
  }

  /** Number of the process that an end is of; 0 where that is not known. */
  pidOf(end: "client" | "server"): number {
    return pidIn(this.view, this.at, end === "client" ? 0 : 1);
  }

  /** Name of the command that an end is of. */
  processOf(end: "client" | "server"): string | undefined {
    return ownerIn(this.view, this.at, end === "client" ? 0 : 1).process;
  }

  private get family(): number {
    return this.view.getUint8(this.at + 7);
  }

  private keyAt(offset: number): number | string {
    const at = this.at + offset;
    const word = (index: number) => this.view.getUint32(at + index * 4);
    return this.family === 4 ? word(3) : `${word(0)}:${word(1)}:${word(2)}:${word(3)}`;
  }
}
