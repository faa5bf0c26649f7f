/** Asks tshark, where it is installed. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whether tshark is installed here. */
export const HAS_TSHARK = spawnSync("tshark", ["-v"]).status === 0;

/** Does something with a capture that lies in a folder of its own, gone afterwards. */
function withCapture<T>(file: Uint8Array, use: (path: string, folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-"));
  const path = join(folder, "capture");
  try {
    writeFileSync(path, file);
    return use(path, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What tshark says. Throws what it complains of where it fails. */
function tshark(words: string[]): string {
  const { status, stdout, stderr } = spawnSync("tshark", words, { encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`tshark ended with ${status}: ${stderr}`);
  return stdout;
}

/** One row a packet: the values of `fields`, several occurrences joined by commas. Throws what tshark says where it fails. */
export function tsharkFields(file: Uint8Array, fields: string[], words: string[] = []): string[][] {
  return withCapture(file, (path) => {
    const wanted = fields.flatMap((field) => ["-e", field]);
    const lines = tshark(["-n", "-r", path, "-T", "fields", "-E", "separator=/t", ...wanted, ...words]).split("\n");
    return lines.slice(0, -1).map((line) => line.split("\t"));
  });
}

/** The layers of packets that a display filter takes, with all that is in those of `protocols`. Throws what tshark says where it fails. */
export function tsharkJson(file: Uint8Array, filter: string, protocols: string[], words: string[] = []): object[] {
  return withCapture(file, (path) => {
    const form = ["-T", "json", "--no-duplicate-keys", "-J", protocols.join(" ")];
    const packets = JSON.parse(tshark(["-n", "-r", path, "-Y", filter, ...form, ...words]));
    return packets.map((packet: { _source: { layers: object } }) => packet._source.layers);
  });
}

/** The packets of a capture that a display filter takes. */
export function tsharkPart(file: Uint8Array, filter: string): Uint8Array {
  return withCapture(file, (path, folder) => {
    tshark(["-r", path, "-Y", filter, "-w", join(folder, "part")]);
    return readFileSync(join(folder, "part"));
  });
}
