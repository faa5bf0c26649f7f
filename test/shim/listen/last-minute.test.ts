/** The last minute as gauges, of requests that are made to look alike. */
import { expect, test } from "vitest";
import module from "../../../build/core.wasm";
import { Core } from "../../../engine/core";
import { MinuteSum } from "../../../engine/summary";
import { minuteFamilies } from "../../../shim/listen/last-minute";
import { Conversation, join, pcap } from "../../support/pcap-builder";

test("no two series have the same labels, and none of their requests is lost", () => {
  // Of bytes that are no text, all paths look the same; one request has a path for each of them.
  const bytes = [0xfb, 0xfc, 0xfd, 0xfe, 0xff];
  const talk = new Conversation().open();
  for (const byte of bytes) {
    talk.send("client", join("GET /", [byte], " HTTP/1.1\r\nHost: a.test\r\n\r\n"));
    talk.send("server", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  }
  const host = new Core(module);
  const minute = new MinuteSum(new Core(module, { role: "hub", budgetBytes: 32 << 20 }));
  host.drainTo({ bundle: (bundle) => minute.add(bundle) });
  const input = host.open("file");
  input.write(pcap(talk.close().packets));
  input.end();
  host.flush();
  const families = minuteFamilies(host.schema.metrics, minute.summary(10).metrics);
  for (const { metric, series } of families) {
    const labels = [...series].map((one) =>
      JSON.stringify(
        Object.entries(one.labels)
          .filter(([, text]) => text !== "")
          .sort(),
      ),
    );
    expect(new Set(labels).size, metric.name).toBe(labels.length);
  }
  const sumOf = (name: string) =>
    [...families.find(({ metric }) => metric.name === name)!.series].reduce((sum, { value }) => sum + value, 0);
  expect(sumOf("http_top_paths")).toBe(bytes.length);
  expect(sumOf("http_routes_requests")).toBe(bytes.length);
});
