/** Which way a packet goes, by the networks that this host calls its own. */
import { Direction } from "../roundtrip/conversation";
import { NETWORK_BYTES, Settings } from "../settings";

/** Whether the 16 bytes at `address` lie in one of the host's networks. */
export function isOurs(address: usize): bool {
  for (let i: u32 = 0; i < Settings.networkCount; i++) {
    if (matches(address, Settings.networks + i * NETWORK_BYTES)) return true;
  }
  return false;
}

/** Whether the first bits of an address are those of a network: 16 bytes and the length of its prefix. */
function matches(address: usize, network: usize): bool {
  let bits = <u32>load<u8>(network, 16);
  let at: usize = 0;
  while (bits >= 8) {
    if (load<u8>(address + at) != load<u8>(network + at)) return false;
    at += 1;
    bits -= 8;
  }
  if (bits == 0) return true;
  return (load<u8>(address + at) ^ load<u8>(network + at)) >> <u8>(8 - bits) == 0;
}

/** Direction of a packet from one address to another: in when we receive it, out when we send it. */
export function hostDirection(from: usize, to: usize): u32 {
  if (isOurs(to)) return Direction.IN;
  return isOurs(from) ? Direction.OUT : Direction.UNKNOWN;
}
