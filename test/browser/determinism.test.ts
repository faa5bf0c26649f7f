/** Same input, same bytes: what the core gives out in Chromium, in any chunks, is what it gave out in Node for the whole file. */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { expect, inject, test } from "vitest";
import type { Digests, digestsOf } from "../support/digests";
import { ROOT } from "../support/repository";
import { useSite } from "./support/browser";
import { fixtures } from "./support/captures";

const CHUNKS = [1 << 20, 1031];
const site = useSite();

/** The same code that runs here, as a script for the page. */
async function digestScript(): Promise<string> {
  const options = {
    bundle: true,
    write: false,
    format: "iife",
    globalName: "digests",
    footer: { js: "globalThis.digests = digests;" },
  } as const;
  const result = await build({ entryPoints: [join(ROOT, "test/support/digests.ts")], ...options });
  return result.outputFiles[0]!.text;
}

test.each(fixtures.map((path) => [basename(path), path]))("%s", async (_, path) => {
  const core = readFileSync(join(ROOT, "build/core.wasm"));
  const capture = readFileSync(path);
  const whole = inject("nodeDigests")[basename(path)]!;
  expect(whole.bundles.length).toBeGreaterThan(0);
  const { page } = await site.open();
  await page.evaluate(await digestScript());
  const inPage = await page.evaluate(
    async ({ core, capture, chunks }) => {
      const bytesOf = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const { digests } = globalThis as unknown as { digests: { digestsOf: typeof digestsOf } };
      const module = await WebAssembly.compile(bytesOf(core));
      const found: Digests[] = [];
      for (const bytes of chunks) found.push(await digests.digestsOf(module, bytesOf(capture), bytes));
      return found;
    },
    { core: core.toString("base64"), capture: capture.toString("base64"), chunks: CHUNKS },
  );
  expect(inPage).toEqual(CHUNKS.map(() => whole));
});
