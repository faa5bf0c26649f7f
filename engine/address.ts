/** Addresses as text: dotted decimal, and RFC 5952 for IPv6. */

/** Formats the 16 bytes at `at`, of which an IPv4 address takes the last four. */
export function formatAddress(view: DataView, at: number, family: number): string {
  if (family === 4) return ipv4(view, at + 12);
  return formatIpv6(view, at);
}

function ipv4(view: DataView, at: number): string {
  return `${view.getUint8(at)}.${view.getUint8(at + 1)}.${view.getUint8(at + 2)}.${view.getUint8(at + 3)}`;
}

/** Formats a key of 4 or 16 raw bytes. */
export function formatRawAddress(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return bytes.length === 4 ? ipv4(view, 0) : formatIpv6(view, 0);
}

function formatIpv6(view: DataView, at: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(at + index * 2));
  let best = { start: -1, length: 1 };
  let start = 0;
  for (let i = 0; i <= 8; i++) {
    if (i < 8 && groups[i] === 0) continue;
    if (i - start > best.length) best = { start, length: i - start };
    start = i + 1;
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.start < 0) return hex.join(":");
  return `${hex.slice(0, best.start).join(":")}::${hex.slice(best.start + best.length).join(":")}`;
}
