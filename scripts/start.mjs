/** `npm start`: sets up what is missing and shows what tallywire is. `--exit` ends after printing; `--port N` fixes the hub's port. */
import { parseArgs } from "node:util";
import { untilOrphaned } from "./lib/orphaned.mjs";
import { endTogether, ROOT } from "./lib/run.mjs";
import { captureMissing, sayFailure, setup } from "./setup.mjs";

async function main() {
  const orphaned = process.env.npm_lifecycle_event === undefined ? undefined : untilOrphaned();
  const { values } = parseArgs({
    options: { exit: { type: "boolean", default: false }, port: { type: "string", default: "0" } },
  });
  const release = endTogether(orphaned);
  await setup({ forTests: false });
  const { start } = await import("../build/scripts/start.mjs");
  const options = { root: ROOT, exit: values.exit, port: Number(values.port), liveMissing: captureMissing(), orphaned };
  const ended = start(options);
  release();
  process.exitCode = await ended;
}

main().catch(sayFailure);
