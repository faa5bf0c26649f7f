import { Core } from "../../engine/core";

/** CPU of this process for validating and merging each bundle once and nothing else, ms a bundle, over about `count` of them. */
export function mergeOnlyMs(module: WebAssembly.Module, bundles: readonly Uint8Array[], count: number): number {
  const core = new Core(module, { role: "hub", budgetBytes: 15 << 20 });
  const pass = (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      for (const bundle of bundles) core.validate(bundle);
      core.merge(bundles, { known: true });
    }
  };
  pass(20);
  const before = process.cpuUsage();
  const rounds = Math.ceil(count / bundles.length);
  pass(rounds);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / (rounds * bundles.length);
}
