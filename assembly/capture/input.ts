/**
 * Inputs: what `openInput`, `feed` and `endInput` of the ABI act on.
 *
 * An input takes bytes in any chunks. It keeps no copy of them: `inputFeed` says how many it is done with, and the host brings
 * the rest again at the start of the next chunk, with more behind it. Whatever the chunks, a record is decoded from the same
 * bytes: whole, or, where it is longer than RECORD_BYTES_MAX, its first RECORD_BYTES_MAX bytes. The host's buffer therefore
 * holds at least INPUT_BYTES_MIN.
 */
import { Pool } from "../bytes/pool";
import { fragmentsCreate, fragmentsEnd } from "../net/fragment";
import { openTunnel } from "../net/tunnel";
import { Settings } from "../settings";
import { Encapsulation } from "../transport/encapsulation";
import { Chunk, wordOf } from "./chunk";
import { INPUT_STRIDE, INPUTS_MAX, Input, InputForm, Inputs, inputAt } from "./input-state";
import { InterfaceNames } from "./interface-names";
import { liveFeed } from "./live";
import { Packet } from "./packet";
import { PacketFilter } from "./packet-filter";
import { pcapFeed, pcapOpen } from "./pcap";
import { pcapngFeed } from "./pcapng";
import { mayBringSecrets, resetSecrets } from "./secrets";
import { Count, Malformed, Tally } from "./tally";

/** What an input brings. */
export enum InputKind {
  /** A capture file: pcap or pcapng, recognised by its first bytes. */
  FILE = 0,
  /** Records as live.ts draws them. */
  LIVE = 1,
}

/** How an input ended. */
export enum InputEnding {
  /** At the end of a record. */
  WHOLE = 0,
  /** Inside a record, or before its form could be known. */
  CUT = 1,
  /** At a place where no record begins; the rest was not read. */
  GIVEN_UP = 2,
}

const FILE_MAGIC_BYTES: u32 = 4;
const PCAPNG_SECTION: u32 = 0x0a0d0d0a;

/** Lays out inputs and fragments over pages of `pool`; answers false when there is no room. */
export function inputsCreate(pool: Pool): bool {
  const start = pool.reserve(INPUTS_MAX * INPUT_STRIDE);
  if (start == 0) return false;
  memory.fill(start, 0, INPUTS_MAX * INPUT_STRIDE);
  Inputs.start = start;
  Encapsulation.open = openTunnel.index;
  Packet.number = 0;
  InterfaceNames.reset();
  Packet.stop = false;
  resetSecrets();
  Tally.reset();
  return fragmentsCreate(pool);
}

/** Opens an input of InputKind `kind`. Answers its handle, or -1 when all are in use. */
export function inputOpen(kind: u32): i32 {
  if (kind > <u32>InputKind.LIVE) return -1;
  for (let handle: u32 = 0; handle < INPUTS_MAX; handle++) {
    const input = inputAt(handle);
    if (input.form != InputForm.CLOSED) continue;
    memory.fill(changetype<usize>(input), 0, offsetof<Input>());
    input.form = kind == InputKind.LIVE ? InputForm.LIVE : InputForm.UNKNOWN;
    // Threads have one input together, which the first of them counts.
    if (kind == InputKind.LIVE && Settings.thread <= 1) Tally.add(Count.SECTIONS, 1);
    mayBringSecrets(false);
    if (kind != InputKind.LIVE) PacketFilter.unfiltered = -1;
    Packet.isSeveral = kind == InputKind.LIVE && Settings.stages;
    return handle;
  }
  return -1;
}

/**
 * Reads `length` bytes at `start` and answers how many of them are done with; 0 for a handle that is not open.
 *
 * It takes less than it could only when a hook has set `Packet.stop`.
 */
export function inputFeed(handle: u32, start: usize, length: u32): u32 {
  if (handle >= INPUTS_MAX) return 0;
  const input = inputAt(handle);
  if (input.form == InputForm.CLOSED || Packet.stop) return 0;
  Packet.input = handle;
  const end = start + length;
  let at = start;
  Chunk.open(start, end);
  while (true) {
    if (input.skip != 0) {
      const left = <u64>(end - at);
      const step = input.skip < left ? input.skip : left;
      input.skip -= step;
      at += <usize>step;
      if (input.skip != 0) break;
    }
    const before = at;
    const form = input.form;
    if (form == InputForm.PCAP) at = pcapFeed(input, at, end);
    else if (form == InputForm.PCAPNG) at = pcapngFeed(input, at, end);
    else if (form == InputForm.LIVE) at = liveFeed(input, at, end);
    else if (form == InputForm.UNKNOWN) at = recognise(input, at, end);
    else at = end;
    if (Packet.stop || (at == before && input.skip == 0 && input.form == form)) break;
  }
  input.left = <u32>(end - at);
  return <u32>(at - start);
}

/** Closes an input and answers its InputEnding. What its last feed left unread is a record that was cut. */
export function inputEnd(handle: u32): InputEnding {
  if (handle >= INPUTS_MAX) return InputEnding.WHOLE;
  const input = inputAt(handle);
  const form = input.form;
  if (form == InputForm.CLOSED) return InputEnding.WHOLE;
  fragmentsEnd(handle);
  input.form = InputForm.CLOSED;
  if (form == InputForm.BROKEN) return InputEnding.GIVEN_UP;
  if (form == InputForm.UNKNOWN) {
    Tally.malformed(Malformed.FILE_FORMAT);
    return InputEnding.CUT;
  }
  if (input.left == 0 && input.skip == 0 && input.secrets == 0) return InputEnding.WHOLE;
  Tally.malformed(Malformed.RECORD_CUT);
  return InputEnding.CUT;
}

/** Finds out by its first four bytes what a file is. */
function recognise(input: Input, start: usize, end: usize): usize {
  if (start + FILE_MAGIC_BYTES > end) return start;
  if (wordOf(start, false) == PCAPNG_SECTION) {
    input.form = InputForm.PCAPNG;
    mayBringSecrets(true);
    return start;
  }
  return pcapOpen(input, start, end);
}
