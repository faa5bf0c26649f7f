/**
 * Secrets that pcapng files bring with their packets: key logs of TLS go to the host (host.ts), in parts where a block is long.
 *
 * ```
 * | 0x0000000A | length | secrets type u32 | bytes u32 | secrets ..., padded to 4 bytes | length |
 * ```
 * Source: draft-ietf-opsawg-pcapng section 4.7.
 */
import { HostSecrets, secretsTake } from "../host";
import { Settings, TlsKeys } from "../settings";
import { wordOf } from "./chunk";
import { Input } from "./input-state";
import { Count, Malformed, Tally } from "./tally";

const TYPE: usize = 8;
const BYTES: usize = 12;
const SECRETS: u32 = 16;
const BLOCK_BYTES_MIN: u32 = 20;
const TLS_KEY_LOG: u32 = 0x544c534b;

/** What part of a block the host is given. */
const BEGINNING: u32 = 1;
const END: u32 = 2;

/** Nothing was brought yet. */
export function resetSecrets(): void {
  HostSecrets.areThere = (Settings.tlsKeys & TlsKeys.GIVEN) != 0;
  HostSecrets.mayCome = false;
}

/** A file whose form has secrets is read, or another. */
export function mayBringSecrets(may: bool): void {
  HostSecrets.mayCome = may && (Settings.tlsKeys & TlsKeys.OF_FILES) != 0;
}

/** Takes a block of which `readable` bytes are there; more may come for `moreSecrets`. */
export function takeSecrets(input: Input, at: usize, length: u32, readable: u32): void {
  if (length < BLOCK_BYTES_MIN) {
    Tally.malformed(Malformed.BLOCK_LENGTH);
    return;
  }
  if (!(Settings.tlsKeys & TlsKeys.OF_FILES) || wordOf(at + TYPE, input.bigEndian) != TLS_KEY_LOG) {
    Tally.add(Count.BLOCKS_SKIPPED, 1);
    return;
  }
  let bytes = wordOf(at + BYTES, input.bigEndian);
  if (bytes > length - BLOCK_BYTES_MIN) {
    Tally.malformed(Malformed.BLOCK_LENGTH);
    bytes = length - BLOCK_BYTES_MIN;
  }
  const here = bytes < readable - SECRETS ? bytes : readable - SECRETS;
  HostSecrets.areThere = true;
  secretsTake(at + SECRETS, here, here == bytes ? BEGINNING | END : BEGINNING);
  input.secrets = bytes - here;
  input.behindSecrets = length - SECRETS - bytes;
}

/** Takes more of a long block's secrets; answers where it stopped. */
export function moreSecrets(input: Input, at: usize, end: usize): usize {
  const left = <u32>(end - at);
  const here = input.secrets < left ? input.secrets : left;
  if (here == 0) return at;
  secretsTake(at, here, here == input.secrets ? END : 0);
  input.secrets -= here;
  if (input.secrets == 0) input.skip = input.behindSecrets;
  return at + here;
}
