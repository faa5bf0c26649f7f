/**
 * What the host asked for, read once by `configure` from the staging area.
 *
 * ```
 * settings: { id u8, length u16, value } ...      numbers little-endian
 * ```
 * An unknown id or a wrong length is refused, so that a newer shim is told by an older core.
 */
import { Cursor } from "./bytes/cursor";

/** Numbers of the settings; never reused. */
export class SettingId {
  static readonly EVENTS: u32 = 1;
  static readonly ALL_EVENTS: u32 = 30;
  static readonly KEEP_DUPLICATES: u32 = 2;
  static readonly RAW: u32 = 3;
  static readonly HOST_NETWORKS: u32 = 4;
  static readonly SECRET: u32 = 5;
  static readonly BOOT_ID: u32 = 6;
  static readonly DNS_TIMEOUT_MS: u32 = 8;
  static readonly STREAM_TIMEOUT_MS: u32 = 9;
  static readonly THETA: u32 = 10;
  static readonly THREAD: u32 = 11;
  static readonly PACKET_FILTER: u32 = 12;
  static readonly STAGES: u32 = 26;
  static readonly TLS_KEYS: u32 = 16;
  static readonly HEADERS: u32 = 21;
  static readonly BODY_BYTES: u32 = 23;
  static readonly FORCED: u32 = 24;
  static readonly LABELS: u32 = 40;
  static readonly OWNERS: u32 = 20;
}

/** Bits of `Settings.tlsKeys`: where the host has secrets of TLS from. */
export class TlsKeys {
  /** From elsewhere, at any time. */
  static readonly GIVEN: u32 = 1;
  /** From the files that are read (capture/secrets.ts). */
  static readonly OF_FILES: u32 = 2;
}

/** Networks of this host at the most. */
export const HOST_NETWORKS_MAX: u32 = 64;
/** Bytes of a network: its address, 16, and the length of its prefix, 1. */
export const NETWORK_BYTES: u32 = 17;
/** Bytes of choices of labels at the most: 64 of 3. */
const LABELS_BYTES_MAX: u32 = 192;
/** Bytes of a forced protocol: its number, 1, and a port, 2. */
export const FORCED_BYTES: u32 = 3;
/** Bytes of forced protocols at the most: 64 of 3. */
const FORCED_BYTES_MAX: u32 = 192;
/** Bytes of a body that are kept at the most: a message has no room for more. */
const BODY_BYTES_MAX: u32 = 2048;
const PREFIX_BITS_MAX: u8 = 128;
const SECRET: u64 = 0x6a09e667f3bcc909;
/** A copy: what lies at `staging` is overwritten by the next question. */
const NETWORKS: usize = memory.data(64 * 17);
const LABELS: usize = memory.data(192);
const FORCED: usize = memory.data(192);

export class Settings {
  /** Round trips go into the event ring. */
  static events: bool = false;
  /** Events come out too that a filter keeps out, or that statistics add up. */
  static allEvents: bool = false;
  /** What the capture itself saw twice counts twice. */
  static keepDuplicates: bool = false;
  /** Query strings stay in paths, literals in statements, values in messages of errors. */
  static raw: bool = false;
  /** Headers of messages are kept, and so many bytes of their bodies (protocols/shared/content.ts). */
  static headers: bool = false;
  static bodyBytes: u32 = 0;
  /** Clients are kept as sets that can be compared too. */
  static theta: bool = false;
  /** Which of several threads of one edge this is, from 1 on; 0 where it is alone. */
  static thread: u32 = 0;
  /** Packets of files are chosen by programs, which come later (capture/packet-filter.ts). */
  static packetFilter: bool = false;
  /** Round trips say on which interfaces their packets were seen, where the source shows several. */
  static stages: bool = false;
  /** Whether the host may have secrets of TLS, so that records are put to it (host.ts): bits of TlsKeys. */
  static tlsKeys: u32 = 0;
  /** The host is asked whose connections are. */
  static owners: bool = false;
  static networks: usize = NETWORKS;
  static networkCount: u32 = 0;
  /** Which columns of breakdowns are kept (aggregate/breakdown-labels.ts). */
  static labels: usize = LABELS;
  static labelsBytes: u32 = 0;
  /** Which protocol is spoken at which ports (stream/forced.ts). */
  static forced: usize = FORCED;
  static forcedCount: u32 = 0;
  /** Keys the slots of the tables; changes no output. */
  static secret: u64 = SECRET;
  static bootId: u64 = 0;
  /** How long a DNS query waits for its response, ns. */
  static dnsTimeoutNs: u64 = 5_000_000_000;
  /** How long a request of a protocol over TCP waits for its response, ns. */
  static streamTimeoutNs: u64 = 300_000_000_000;
}

/** Puts every setting back to its default. */
function resetSettings(): void {
  Settings.events = false;
  Settings.allEvents = false;
  Settings.keepDuplicates = false;
  Settings.raw = false;
  Settings.headers = false;
  Settings.bodyBytes = 0;
  Settings.theta = false;
  Settings.thread = 0;
  Settings.packetFilter = false;
  Settings.stages = false;
  Settings.tlsKeys = 0;
  Settings.owners = false;
  Settings.networkCount = 0;
  Settings.labelsBytes = 0;
  Settings.forcedCount = 0;
  Settings.secret = SECRET;
  Settings.bootId = 0;
  Settings.dnsTimeoutNs = 5_000_000_000;
  Settings.streamTimeoutNs = 300_000_000_000;
}

/** Reads `length` bytes of settings at `start`; false when one is unknown or has the wrong length. */
export function readSettings(start: usize, length: u32): bool {
  resetSettings();
  Cursor.open(start, length);
  while (Cursor.left > 0) {
    const id = Cursor.u8();
    const bytes = Cursor.u16();
    const value = Cursor.take(bytes);
    if (Cursor.fault || !readSetting(id, value, bytes)) return false;
  }
  return true;
}

function readSetting(id: u32, value: usize, bytes: u32): bool {
  if (id == SettingId.HOST_NETWORKS) return readNetworks(value, bytes);
  if (id == SettingId.LABELS) return readLabels(value, bytes);
  if (id == SettingId.FORCED) return readForced(value, bytes);
  if (bytes == 1) {
    const on = load<u8>(value) != 0;
    if (id == SettingId.EVENTS) Settings.events = on;
    else if (id == SettingId.ALL_EVENTS) Settings.allEvents = on;
    else if (id == SettingId.KEEP_DUPLICATES) Settings.keepDuplicates = on;
    else if (id == SettingId.RAW) Settings.raw = on;
    else if (id == SettingId.HEADERS) Settings.headers = on;
    else if (id == SettingId.THETA) Settings.theta = on;
    else if (id == SettingId.THREAD) Settings.thread = load<u8>(value);
    else if (id == SettingId.PACKET_FILTER) Settings.packetFilter = on;
    else if (id == SettingId.STAGES) Settings.stages = on;
    else if (id == SettingId.TLS_KEYS) Settings.tlsKeys = load<u8>(value);
    else if (id == SettingId.OWNERS) Settings.owners = on;
    else return false;
    return true;
  }
  if (id == SettingId.BODY_BYTES) {
    if (bytes != 4) return false;
    Settings.bodyBytes = min(load<u32>(value), BODY_BYTES_MAX);
    return true;
  }
  if (bytes == 4) {
    const ns = <u64>load<u32>(value) * 1_000_000;
    if (id == SettingId.DNS_TIMEOUT_MS) Settings.dnsTimeoutNs = ns;
    else if (id == SettingId.STREAM_TIMEOUT_MS) Settings.streamTimeoutNs = ns;
    else return false;
    return true;
  }
  if (bytes != 8) return false;
  if (id == SettingId.SECRET) Settings.secret = load<u64>(value);
  else if (id == SettingId.BOOT_ID) Settings.bootId = load<u64>(value);
  else return false;
  return true;
}

/** Takes the networks in `bytes` bytes at `value`; false where they are none, and all stays as it was. */
export function readNetworks(value: usize, bytes: u32): bool {
  const count = bytes / NETWORK_BYTES;
  if (bytes % NETWORK_BYTES != 0 || count > HOST_NETWORKS_MAX) return false;
  for (let i: u32 = 0; i < count; i++) {
    if (load<u8>(value + (i + 1) * NETWORK_BYTES - 1) > PREFIX_BITS_MAX) return false;
  }
  memory.copy(NETWORKS, value, bytes);
  Settings.networkCount = count;
  return true;
}

function readLabels(value: usize, bytes: u32): bool {
  if (bytes % 3 != 0 || bytes > LABELS_BYTES_MAX) return false;
  memory.copy(LABELS, value, bytes);
  Settings.labelsBytes = bytes;
  return true;
}

function readForced(value: usize, bytes: u32): bool {
  if (bytes % FORCED_BYTES != 0 || bytes > FORCED_BYTES_MAX) return false;
  memory.copy(FORCED, value, bytes);
  Settings.forcedCount = bytes / FORCED_BYTES;
  return true;
}
