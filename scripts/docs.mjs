/** `npm run docs`: writes the pages of docs/ that come from the core's schema. */
import { ROOT } from "./lib/run.mjs";
import { sayFailure, setup } from "./setup.mjs";

async function main() {
  await setup({ forTests: false });
  const { writeDocs } = await import("../build/scripts/docs.mjs");
  writeDocs(ROOT);
}

main().catch(sayFailure);
