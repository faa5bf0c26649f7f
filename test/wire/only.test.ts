import { expect, it } from "vitest";
import module from "../../build/core.wasm";
import { Core } from "../../engine/core";
import { encodeRowQuery } from "../../engine/rows";
import { sealMinute } from "../support/edge-minute";

it("adding one metric alone gives the rows that adding all of them gives", () => {
  const exchanges = (edge: number) =>
    Array.from({ length: 300 }, (_, index) => ({
      client: `10.0.${edge}.${index % 90}`,
      name: `host${(index * edge) % 150}.example`,
    }));
  const bundles = [1, 2, 3].map((edge) => sealMinute({ minute: 1_704_067_200, boot: BigInt(edge), exchanges: exchanges(edge) }));
  const hub = new Core(module, { role: "hub", budgetBytes: 15 << 20 });
  let shown = 0;
  for (const { id, name } of hub.schema.metrics) {
    const query = encodeRowQuery({ metric: id, items: 1024, quantiles: [0, 0.5, 0.99, 1], buckets: true });
    hub.accumulate(bundles);
    const all = hub.rows(query).slice();
    hub.accumulate(bundles, { metric: id, known: true });
    expect(hub.rows(query), name).toEqual(all);
    if (all.length > 0) shown += 1;
  }
  expect(shown).toBeGreaterThan(20);
});
