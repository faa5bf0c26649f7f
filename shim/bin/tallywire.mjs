#!/usr/bin/env node
import { existsSync } from "node:fs";

const built = new URL("../../build/shim/tallywire.mjs", import.meta.url);
if (existsSync(built)) await import(built.href);
else {
  process.stderr.write("tallywire: the command line is not built; run: npm run build\n");
  process.exitCode = 1;
}
