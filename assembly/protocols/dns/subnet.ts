/** The client subnet of EDNS, RFC 7871 section 6: family, prefix length, and as many address bytes as the prefix needs. */
import { putIpv4, putIpv6 } from "../../bytes/address";
import { decimal } from "../../bytes/ascii";
import { u8At } from "../../bytes/reader";

const ADDRESS: usize = memory.data(16);

/** Writes "address/prefix" to `at`; answers one past its last byte, or `at` where the option breaks the rules. */
export function putSubnet(at: usize, family: u32, prefix: u32, start: usize, length: u32): usize {
  const bytes: u32 = family == 1 ? 4 : 16;
  if ((family != 1 && family != 2) || length > bytes || prefix > bytes * 8) return at;
  memory.fill(ADDRESS, 0, 16);
  for (let i: u32 = 0; i < length; i++) store<u8>(ADDRESS + i, u8At(start + i));
  const end = family == 1 ? putIpv4(at, ADDRESS) : putIpv6(at, ADDRESS);
  store<u8>(end, 47);
  return decimal(end + 1, prefix);
}
