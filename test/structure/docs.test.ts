/** The generated pages say what the core says. */
import { describe, expect, test } from "vitest";
import { Core } from "../../engine/core";
import { metricsPage, protocolsPage } from "../../scripts/docs/pages";
import { textOf } from "../support/repository";
import { coreModule } from "../support/round-trips";

describe("docs", () => {
  const { schema } = new Core(coreModule());

  test("metrics.md is current; mended by: npm run docs", () => {
    expect(textOf("docs/metrics.md")).toBe(metricsPage(schema));
  });

  test("protocols.md is current; mended by: npm run docs", () => {
    expect(textOf("docs/protocols.md")).toBe(protocolsPage(schema));
  });
});

describe("metrics", () => {
  const { schema } = new Core(coreModule());

  test("are named as Prometheus names them", () => {
    const wrong = schema.metrics.filter(({ name, kind, unit }) => {
      if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)+$/.test(name)) return true;
      if (kind === "counter") return !name.endsWith("_total") || (unit !== "" && !name.includes(unit));
      return kind === "histogram" && unit !== "" && !name.endsWith(unit);
    });
    expect(wrong.map((metric) => metric.name)).toEqual([]);
  });

  test("have a help that ends with a stop, and numbers of their own", () => {
    expect(schema.metrics.filter((metric) => !/^([A-Z]|pcapng).*\.$/.test(metric.help)).map((metric) => metric.name)).toEqual([]);
    expect(new Set(schema.metrics.map((metric) => metric.id)).size).toBe(schema.metrics.length);
    expect(new Set(schema.metrics.map((metric) => metric.name)).size).toBe(schema.metrics.length);
  });
});
