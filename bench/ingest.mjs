/** What the hub costs by bundle: see bench/ingest/main.ts. */
import { build } from "esbuild";
import { build as buildProject } from "../scripts/build.mjs";

await buildProject({ forTests: false });
const outfile = "build/bench/ingest.mjs";
await build({
  entryPoints: ["bench/ingest/main.ts"],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  packages: "external",
});
await import(`../${outfile}`);
