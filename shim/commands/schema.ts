import { loadCore } from "../core";
import { printText } from "../output/text-output";

/** `tallywire schema`: what this build of the core knows, as JSON. */
export async function schema(): Promise<number> {
  await printText(`${JSON.stringify(loadCore({}).schema, null, 2)}\n`);
  return 0;
}
