/** Writes the generated pages of docs/. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Core } from "../../engine/core";
import { configSchema } from "../../shim/config/schema";
import { costPage } from "./cost";
import { metricsPage, protocolsPage } from "./pages";

/** Writes docs/metrics.md and docs/protocols.md from the built core of the project at `root`, docs/cost.md and docs/agent.schema.json. */
export function writeDocs(root: string): void {
  const { schema } = new Core(new WebAssembly.Module(readFileSync(join(root, "build/core.wasm"))));
  mkdirSync(join(root, "docs"), { recursive: true });
  writeFileSync(join(root, "docs/metrics.md"), metricsPage(schema));
  writeFileSync(join(root, "docs/protocols.md"), protocolsPage(schema));
  writeFileSync(join(root, "docs/cost.md"), costPage());
  writeFileSync(join(root, "docs/agent.schema.json"), `${JSON.stringify(configSchema(), null, 2)}\n`);
}
