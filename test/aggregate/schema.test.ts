import { describe, expect, test } from "vitest";
import type { Schema } from "../../engine/schema";
import { Wire } from "../support/wire";

const schemaOf = (wire: Wire): Schema => JSON.parse(wire.schema());

describe("the schema", () => {
  const wire = new Wire();
  const schema = schemaOf(wire);

  test("names labels with their values in their order", () => {
    expect(schema.labels).toEqual([
      { id: 1, name: "direction", values: ["in", "out", "unknown"] },
      { id: 2, name: "transport", values: ["udp", "tcp"] },
    ]);
  });

  test("names metrics in the order of their numbers, with quotes in help kept", () => {
    expect(schema.metrics.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 9]);
    expect(schema.metrics[0]).toMatchObject({
      id: 1,
      name: "net_packets_total",
      kind: "counter",
      unit: "packets",
      help: 'Packets, "all" of them.',
      parameter: 0,
      labels: ["direction", "transport"],
    });
    expect(schema.metrics.map(({ kind }) => kind)).toEqual([
      "counter",
      "gauge",
      "rate",
      "histogram",
      "distinct",
      "top",
      "breakdown",
      "top",
    ]);
  });

  test("names key columns with their types", () => {
    expect(schema.metrics.find(({ id }) => id === 7)?.keys).toEqual([
      { name: "server", type: "address" },
      { name: "method", type: "text" },
    ]);
    expect(schema.metrics.find(({ id }) => id === 6)?.keys).toEqual([{ name: "name", type: "text" }]);
    expect(schema.metrics[0]).not.toHaveProperty("keys");
  });

  test("has an id that is the same for the same declarations and another for others", () => {
    expect(schema.schema).toMatch(/^[0-9a-f]{8}$/);
    expect(schemaOf(new Wire({ bootId: 5 })).schema).toBe(schema.schema);
    expect(schemaOf(new Wire({ later: true })).schema).not.toBe(schema.schema);
  });

  test("series of a metric stand in mixed radix, the first label slowest", () => {
    expect([1, 2, 3, 4, 5, 6, 7, 9].map((id) => wire.core.series(id))).toEqual([0, 6, 7, 10, 13, 16, 19, 22]);
  });
});
