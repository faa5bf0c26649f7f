/** `npm run test:crash [RUNS]`: the crash test of the tree, fifty times unless told otherwise. */
import { run, tool } from "./lib/run.mjs";
import { sayFailure, setup } from "./setup.mjs";

async function main() {
  await setup({ forTests: true });
  const runs = process.argv[2] ?? "50";
  const words = ["run", "--project", "node", "test/crash/tree.test.ts"];
  const { code } = await run(tool("vitest/vitest.mjs", ...words), { show: true, env: { TALLYWIRE_CRASH_RUNS: runs } });
  process.exitCode = code === 0 ? 0 : 1;
}

main().catch(sayFailure);
