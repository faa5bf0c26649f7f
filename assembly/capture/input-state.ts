/** The state of inputs, and the limits of what they hold. */
import { Count, Malformed, Tally } from "./tally";

/** How an input's bytes are read. */
export enum InputForm {
  CLOSED = 0,
  /** A file whose first bytes have not been seen. */
  UNKNOWN = 1,
  PCAP = 2,
  PCAPNG = 3,
  LIVE = 4,
  /** A file that cannot be read on: everything is taken and nothing looked at. */
  BROKEN = 5,
}

/** Most inputs open at once: one a capture thread's device, and a few files. */
export const INPUTS_MAX: u32 = 8;
/** Most interfaces of a pcapng section that are kept; packets of further ones are counted and not decoded. */
export const INTERFACES_MAX: u32 = 256;
/** In place of the link type of such a packet, which nobody knows. */
export const LINK_TYPE_NOT_KEPT: u32 = 0xfffffffe;
/** Longest record that is decoded in full: libpcap's largest snap length, 256 KiB. */
export const RECORD_BYTES_MAX: u32 = 262144;
/** Room that a host's input buffer has at least: the longest record, its block, and a header. */
export const INPUT_BYTES_MIN: u32 = RECORD_BYTES_MAX + 4096;

/** An interface of a pcapng section. */
@unmanaged
export class Interface {
  linkType: u32;
  snapLength: u32;
  /** if_tsresol as in the file. */
  resolution: u16;
  /** Number of its name (interface-names.ts), 0 where it has none. */
  name: u16;
  /** Nanoseconds of a tick where that is a whole number and `offset` is 0, else 0. */
  factor: u32;
  /** Packets dropped, by the last interface statistics block. */
  dropped: u64;
  /** if_tsoffset, seconds. */
  offset: i64;
}

/** The state of one input. */
@unmanaged
export class Input {
  form: u32;
  linkType: u32;
  /** Whether numbers are most significant byte first. */
  bigEndian: bool;
  /** pcap: whether fractions of a second are nanoseconds. */
  nanoseconds: bool;
  /** pcap: bytes of a record's header. */
  headerBytes: u32;
  /** pcap: minor version; before 2.4 lengths stood the other way round. */
  minorVersion: u32;
  /** pcapng: interfaces described in the section, kept or not. */
  interfaces: u32;
  /** Bytes that the last feed left; at the end they are a record that was cut. */
  left: u32;
  /** pcapng: bytes of secrets that are to come, and of their block behind them. */
  secrets: u32;
  behindSecrets: u32;
  /** Bytes to step over before the next record. */
  skip: u64;
}

const INTERFACE_BYTES: u32 = 32;
const INPUT_BYTES: u32 = 64;
/** Bytes of an input and its interfaces. */
export const INPUT_STRIDE: u32 = INPUT_BYTES + INTERFACES_MAX * INTERFACE_BYTES;

/** Where the states lie. */
export class Inputs {
  static start: usize = 0;
}

/** The state of input `handle`. */
export function inputAt(handle: u32): Input {
  assert(offsetof<Interface>() <= INTERFACE_BYTES && offsetof<Input>() <= INPUT_BYTES);
  return changetype<Input>(Inputs.start + <usize>handle * INPUT_STRIDE);
}

/** The interface `index`, which is below INTERFACES_MAX, of an input. */
export function interfaceAt(input: Input, index: u32): Interface {
  assert(index < INTERFACES_MAX);
  return changetype<Interface>(changetype<usize>(input) + INPUT_BYTES + <usize>index * INTERFACE_BYTES);
}

/** Notes a record of which only the first RECORD_BYTES_MAX bytes are read, and steps over the others. */
export function oversize(input: Input, captured: u32): void {
  noteOversize(captured);
  input.skip = captured - RECORD_BYTES_MAX;
}

/** Counts a record of which only the first RECORD_BYTES_MAX bytes are read. */
export function noteOversize(captured: u32): void {
  Tally.malformed(Malformed.RECORD_OVERSIZE);
  Tally.add(Count.CAPTURED_BYTES, captured - RECORD_BYTES_MAX);
}

/** Gives a file up: the rest of it is taken and not read. */
export function inputBreak(input: Input, reason: u32): void {
  Tally.malformed(reason);
  input.form = InputForm.BROKEN;
}
