/** `npm start`: sets up what is missing and shows what tallywire is. `--exit` ends after printing; `--port N` fixes the hub's port. */
import { parseArgs } from "node:util";
import { ROOT } from "./lib/run.mjs";
import { captureMissing, sayFailure, setup } from "./setup.mjs";

async function main() {
  const { values } = parseArgs({
    options: { exit: { type: "boolean", default: false }, port: { type: "string", default: "0" } },
  });
  await setup({ forTests: false });
  const { start } = await import("../build/scripts/start.mjs");
  process.exitCode = await start({ root: ROOT, exit: values.exit, port: Number(values.port), liveMissing: captureMissing() });
}

main().catch(sayFailure);
