/** Bytes on the wire of modelled minutes. */
import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import module from "../../build/core.wasm";
import { readBundleHeader } from "../../engine/bundle";
import { Core } from "../../engine/core";
import { modelledMinute } from "../support/minute-model";

/** What the agent deflates with. */
const DEFLATE = { memLevel: 7 };

function sealedMinute(requests: number): Uint8Array {
  const bundles: Uint8Array[] = [];
  const core = new Core(module, { hostNetworks: ["10.0.0.0/8"] });
  core.drainTo({ bundle: (bytes) => bundles.push(bytes.slice()) });
  const input = core.open("file");
  input.write(modelledMinute(requests));
  input.end();
  core.flush();
  expect(bundles).toHaveLength(1);
  expect(core.validate(bundles[0]!)).toBe(0);
  expect(core.merge(bundles)).toEqual(bundles[0]);
  return bundles[0]!;
}

test.each([
  ["busy", 60_000, 48 << 10],
  ["quiet", 3000, 16 << 10],
])("a %s minute of %i requests is at most %i bytes on the wire", (_, requests, most) => {
  const bundle = sealedMinute(requests);
  expect(readBundleHeader(bundle).seen).toBeGreaterThan(requests * 2);
  expect(deflateSync(bundle, DEFLATE).length).toBeLessThanOrEqual(most);
});
