/** `npm run fuzz -- [SECONDS]`: attacks a hub for as long as asked, a minute unless told otherwise. */
import { run, tool } from "./lib/run.mjs";
import { sayFailure, setup } from "./setup.mjs";

async function main() {
  await setup({ forTests: true });
  const seconds = process.argv[2] ?? "60";
  const { code } = await run(tool("vitest/vitest.mjs", "run", "--project", "node", "test/abuse"), {
    show: true,
    env: { TALLYWIRE_FUZZ_SECONDS: seconds },
  });
  process.exitCode = code === 0 ? 0 : 1;
}

main().catch(sayFailure);
