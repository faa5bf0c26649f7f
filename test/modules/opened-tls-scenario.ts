/**
 * Four connections under TLS, two of them of TLS 1.3, with the secrets that their client logged; the last one's is wrong by a digit.
 *
 * Truth: `tshark -r h2_tls.pcap -o tls.keylog_file:h2_tls.keys -Y tls -T fields -e tcp.stream -e tls.record.content_type`. Behind the keys of the
 * handshake of TLS 1.3, and behind the change of ciphers of TLS 1.2, the client sent 4, 2, 5 and 3 records, the server 5, 3, 5 and 2.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyLogOpener } from "../../shim/tls/opener";
import { ROOT } from "../support/repository";
import { type Totals, totalsOf } from "../support/summaries";

/** Records of the first three connections, and of the last. */
export const OPENED = 4 + 2 + 5 + (5 + 3 + 5);
export const UNOPENED = 3 + 2;

/** What the capture adds up to. */
export function openedTls(): Totals {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-keys-"));
  const path = join(folder, "keys.log");
  const lines = readFileSync(join(ROOT, "test/fixtures/h2_tls.keys"), "utf8").trimEnd().split("\n");
  const last = lines.findIndex((line) => line.startsWith("CLIENT_RANDOM 87fe2499ec12ba37"));
  lines[last] = lines[last]!.replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
  writeFileSync(path, `${lines.join("\n")}\n`);
  try {
    return totalsOf(readFileSync(join(ROOT, "test/fixtures/h2_tls.pcap")), { tlsOpener: keyLogOpener(path) });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
