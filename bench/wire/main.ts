/**
 * What minutes take on the wire: those of test/support/minute-model.ts, requests in both directions, sealed by the core and
 * deflated as the agent does.
 *
 * Each word is a number of requests; prints a JSON array of the bytes, sealed and on the wire.
 */
import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { Core } from "../../engine/core";
import { BUNDLE_DEFLATE } from "../../shim/agent/minute-keeper";
import { modelledMinute } from "../../test/support/minute-model";
import { sealCapture } from "../../test/support/seal-minute";

const module = new WebAssembly.Module(readFileSync("build/core.wasm"));

const sizes = process.argv.slice(2).map((requests) => {
  const bundle = sealCapture(module, modelledMinute(Number(requests)));
  if (new Core(module).validate(bundle) !== 0) throw new Error(`the bundle of ${requests} requests is not valid`);
  return { bundleBytes: bundle.length, wireBytes: deflateSync(bundle, BUNDLE_DEFLATE).length };
});
console.log(JSON.stringify(sizes));
