/** The generated pages say what the core says, and pages name no file that is not there. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { Core } from "../../engine/core";
import { costPage } from "../../scripts/docs/cost";
import { metricsPage, protocolsPage } from "../../scripts/docs/pages";
import { ROOT, repositoryFiles, textOf } from "../support/repository";
import { coreModule } from "../support/round-trips";

describe("docs", () => {
  const { schema } = new Core(coreModule());

  test("metrics.md is current; mended by: npm run docs", () => {
    expect(textOf("docs/metrics.md")).toBe(metricsPage(schema));
  });

  test("protocols.md is current; mended by: npm run docs", () => {
    expect(textOf("docs/protocols.md")).toBe(protocolsPage(schema));
  });

  test("each mark is explained", () => {
    const rows = textOf("docs/protocols.md");
    for (const mark of schema.marks) expect(rows).toMatch(new RegExp(`^\\| \`${mark}\` \\| \\w.*\\|$`, "m"));
  });

  test("cost.md is current; mended by: npm run docs", () => {
    expect(textOf("docs/cost.md")).toBe(costPage());
  });

  test("links lead somewhere", () => {
    const pages = repositoryFiles().filter((path) => path.endsWith(".md"));
    const broken = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
        .map((match) => match[1]!)
        .filter((target) => !existsSync(join(ROOT, dirname(page), target)))
        .map((target) => `${page}: ${target}`),
    );
    expect(broken).toEqual([]);
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
