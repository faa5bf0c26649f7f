/** Bytes on the wire of modelled minutes. */
import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import module from "../../build/core.wasm";
import { readBundleHeader } from "../../engine/bundle";
import { Core } from "../../engine/core";
import { BUNDLE_DEFLATE } from "../../shim/agent/minute-keeper";
import { modelledMinute } from "../support/minute-model";
import { sealCapture } from "../support/seal-minute";

function sealedMinute(requests: number): Uint8Array {
  const bundle = sealCapture(module, modelledMinute(requests));
  const core = new Core(module);
  expect(core.validate(bundle)).toBe(0);
  expect(core.merge([bundle])).toEqual(bundle);
  return bundle;
}

test.each([
  ["busy", 60_000, 48 << 10],
  ["quiet", 3000, 16 << 10],
])("a %s minute of %i requests is at most %i bytes on the wire", (_, requests, most) => {
  const bundle = sealedMinute(requests);
  expect(readBundleHeader(bundle).seen).toBeGreaterThan(requests * 2);
  expect(deflateSync(bundle, BUNDLE_DEFLATE).length).toBeLessThanOrEqual(most);
});
