/** `npm run soak [MINUTES]`: an agent under load and in trouble, for thirty minutes unless told otherwise. */
import { run, tool } from "./lib/run.mjs";
import { sayFailure, setup } from "./setup.mjs";

async function main() {
  await setup({ forTests: true });
  const words = ["run", "--project", "node", "test/soak/soak.test.ts"];
  const { code } = await run(tool("vitest/vitest.mjs", ...words), {
    show: true,
    env: { TALLYWIRE_SOAK_MINUTES: process.argv[2] ?? "30" },
  });
  process.exitCode = code === 0 ? 0 : 1;
}

main().catch(sayFailure);
