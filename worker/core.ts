import type { MergeCore } from "./merge";

let instance: MergeCore | null = null;

/** The isolate's core. Never held across an await: one instance serves the Worker and every object in its isolate. */
export function core(): MergeCore {
  if (instance === null) throw new Error("no core");
  return instance;
}

/** Takes another core. */
export function useCore(other: MergeCore): void {
  instance = other;
}
