/**
 * Four connections under TLS, two of TLS 1.3 and two of TLS 1.2, with what their client logged of their secrets.
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

/** Records of the connections, both sides. */
const RECORDS = [4 + 5, 2 + 3, 5 + 5, 3 + 2] as const;
const [FIRST, SECOND, THIRD, LAST] = RECORDS;

/** With the last one's secret wrong by a digit. */
export const WRONG = { opened: FIRST + SECOND + THIRD, failed: LAST };
/** Without those of TLS 1.2. */
export const PART = { opened: FIRST + SECOND, keys: THIRD + LAST };

const isWrong = (line: string) => line.startsWith("CLIENT_RANDOM 87fe2499ec12ba37");

export function withWrongSecret(): Totals {
  return opened((line) => (isWrong(line) ? line.replace(/.$/, (digit) => (digit === "0" ? "1" : "0")) : line));
}

export function withPartOfSecrets(): Totals {
  return opened((line) => (line.startsWith("CLIENT_RANDOM") ? "" : line));
}

/** What the capture adds up to with a log whose lines were changed. */
function opened(change: (line: string) => string): Totals {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-keys-"));
  const path = join(folder, "keys.log");
  const lines = readFileSync(join(ROOT, "test/fixtures/h2_tls.keys"), "utf8").split("\n");
  writeFileSync(path, lines.map(change).join("\n"));
  try {
    return totalsOf(readFileSync(join(ROOT, "test/fixtures/h2_tls.pcap")), { tlsOpener: keyLogOpener(path) });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
