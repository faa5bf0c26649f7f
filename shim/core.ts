import { readFileSync } from "node:fs";
import { Core, type CoreOptions } from "../engine/core";
import { Failure } from "./failure";

/** Loads the core that was built beside this program. */
export function loadCore(options: CoreOptions): Core {
  return new Core(new WebAssembly.Module(coreBytes()), options);
}

function coreBytes(): NonSharedBuffer {
  const path = new URL("../core.wasm", import.meta.url);
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Failure(`the core is not built (${path.pathname} is missing); run: npm run build`, 1, { cause });
  }
}
