/** Asks tshark, where it is installed. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whether tshark is installed here. */
export const HAS_TSHARK = spawnSync("tshark", ["-v"]).status === 0;

/** One row a packet: the values of `fields`, several occurrences joined by commas. Throws what tshark says where it fails. */
export function tsharkFields(file: Uint8Array, fields: string[], words: string[] = []): string[][] {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-"));
  const path = join(folder, "capture");
  try {
    writeFileSync(path, file);
    const wanted = fields.flatMap((field) => ["-e", field]);
    const command = ["-n", "-r", path, "-T", "fields", "-E", "separator=/t", ...wanted, ...words];
    const { status, stdout, stderr } = spawnSync("tshark", command, { encoding: "utf8", maxBuffer: 1 << 26 });
    if (status !== 0) throw new Error(`tshark ended with ${status}: ${stderr}`);
    const lines = stdout.split("\n").slice(0, -1);
    return lines.map((line) => line.split("\t"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
