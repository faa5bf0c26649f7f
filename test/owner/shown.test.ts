/** Whose requests are, in the tables and lines that people read. */
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { lineFormatter } from "../../shim/output/line";
import { overviewText } from "../../shim/output/overview-table";
import type { OverviewRow } from "../../shim/overview/overview";

test("a wide line says of each end what is known of it", () => {
  const trip: RoundTrip = {
    protocol: "http",
    status: "ok",
    client: { address: "192.0.2.1", port: 40_000, process: "curl", pid: 8812, user: "deploy" },
    server: { address: "192.0.2.2", port: 80, user: "33", container: "web", pod: "shop/web-7d9f" },
    direction: "in",
    interface: 0,
    timing: {},
    marks: [],
  };
  const line = lineFormatter(true, new PassThrough())(trip);
  expect(line).toContain(" in | client curl[8812] user deploy | server user 33 container web pod shop/web-7d9f | ");
  const { address, port } = trip.client;
  const unknown = lineFormatter(true, new PassThrough())({ ...trip, client: { address, port }, server: { address, port } });
  expect(unknown).toContain(" in | (no request) | ");
});

test("an overview has a column of processes where any is known", () => {
  const row = { address: "192.0.2.1", port: 80, protocol: "http", requests: 2, errors: 0, bytes: 10 };
  const textOf = (...dependsOn: OverviewRow[]) =>
    overviewText(
      { seconds: 1, requests: 2, errors: 0, bytes: 10, dependsOn, dependedOnBy: [], others: [] },
      { sort: "requests", numbers: false, rows: 9 },
    );
  const processes = textOf({ ...row, processes: ["curl", "wget"] }, { ...row, requests: 1, port: 81 }).split("\n");
  expect(processes.slice(1, 4).map((line) => line.split(/\s{2,}/).slice(0, 3))).toEqual([
    ["service", "protocol", "process"],
    ["192.0.2.1:80", "http", "curl (+1)"],
    ["192.0.2.1:81", "http", "-"],
  ]);
  expect(textOf(row)).not.toContain("process");
});
