/** Bytes of an idle connection of each protocol: the word is the path of test/support/idle.entry.ts, compiled; prints a JSON array. */
import { readFileSync } from "node:fs";
import { IDLE_TALKS, idleBytes } from "../../test/support/idle";

const module = new WebAssembly.Module(readFileSync(process.argv[2]!));
console.log(JSON.stringify(IDLE_TALKS.map((talk) => ({ name: talk.name, bytes: idleBytes(module, talk) }))));
