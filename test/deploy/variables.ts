/** Variables that files of `deploy/` set. */
import { tallywire } from "../support/command";

/** Those of a text that a command does not know, by its help. */
export async function unknownVariables(command: string, text: string): Promise<string[]> {
  const { stdout } = await tallywire([command, "--help"]);
  const known = new Set(stdout.match(/TALLYWIRE_[A-Z_]+/g));
  return [...new Set(text.match(/TALLYWIRE_[A-Z_]+/g))].filter((name) => !known.has(name));
}
