import { readFileSync } from "node:fs";
import { Core, type CoreOptions } from "../engine/core";
import { Failure } from "./failure";

/** Loads the core that was built beside this program. */
export function loadCore(options: CoreOptions): Core {
  return new Core(coreModule(), options);
}

/** The core that was built beside this program, compiled. Throws Failure. */
export function coreModule(): WebAssembly.Module {
  const path = new URL("../core.wasm", import.meta.url);
  let bytes: NonSharedBuffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new Failure(`the core is not built (${path.pathname} is missing); run: npm run build`, 1, { cause });
  }
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw new Failure(`the core is damaged (${path.pathname} is no WebAssembly module); run: npm run build`, 1, { cause });
  }
}
