/**
 * Computes in Node what the core gives out for each bundled capture, before the tests of any runtime, which are told it: vitest calls `setup`
 * once for each project that names this file, and its tests ask with `inject("nodeDigests")`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { type Digests, digestsOf } from "./digests";
import { FIXTURES, fixtureBytes } from "./fixtures";
import { ROOT } from "./repository";

declare module "vitest" {
  interface ProvidedContext {
    /** By the name of the capture, which is fed as one chunk. */
    nodeDigests: Record<string, Digests>;
  }
}

/** Tells the tests of a project. */
export async function setup(project: TestProject): Promise<void> {
  const core = new WebAssembly.Module(readFileSync(join(ROOT, "build/core.wasm")));
  const found: Record<string, Digests> = {};
  for (const name of FIXTURES) {
    const capture = fixtureBytes(name);
    found[name] = await digestsOf(core, capture, capture.length);
  }
  project.provide("nodeDigests", found);
}
