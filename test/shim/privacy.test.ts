/** What docs/privacy.md promises of the outputs and of what leaves the host. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { tallywire } from "../support/command";
import * as make from "../support/pcap-builder";

const SECRETS = ["query-secret", "cookie-secret", "bearer-secret", "field-secret", "body-secret", "answer-secret", "4711002"];
const REQUEST = [
  "POST /users/4711002/orders?token=query-secret#query-secret HTTP/1.1",
  "Host: shop.example",
  "User-Agent: shopper/1.0",
  "Cookie: session=cookie-secret",
  "Authorization: Bearer bearer-secret",
  "X-Field: field-secret",
  "Content-Length: 11",
  "",
  "body-secret",
].join("\r\n");
const RESPONSE = "HTTP/1.1 200 OK\r\nSet-Cookie: session=cookie-secret\r\nContent-Length: 13\r\n\r\nanswer-secret";

const folder = mkdtempSync(join(tmpdir(), "tallywire-privacy-"));
afterAll(() => rmSync(folder, { recursive: true }));
const capture = join(folder, "secrets.pcap");
const conversation = new make.Conversation({ serverPort: 80 }).open();
for (let times = 0; times < 3; times++) conversation.send("client", REQUEST).send("server", RESPONSE);
writeFileSync(capture, make.pcap(conversation.close().packets));

const found = (text: string, secrets = SECRETS) => secrets.filter((secret) => text.includes(secret));

test("bundles hold path templates and hosts, and no query, cookie, credential, field or body", async () => {
  const { code } = await tallywire(["agent", "--file", capture, "--spool", join(folder, "spool"), "--edge", "e"]);
  expect(code).toBe(0);
  const names = readdirSync(join(folder, "spool/e")).filter((name) => name.endsWith(".twb"));
  expect(names).toHaveLength(1);
  const text = inflateSync(readFileSync(join(folder, "spool/e", names[0]!))).toString("latin1");
  expect(text).toContain("shop.example");
  expect(text).toContain("/orders");
  expect(found(text)).toEqual([]);
});

test.each(["line", "wide", "json"])("read -o %s shows the path, and its query only with --raw", async (form) => {
  const plain = await tallywire(["read", capture, "-o", form]);
  expect(plain.stdout).toContain("/users/4711002/orders");
  expect(found(plain.stdout)).toEqual(["4711002"]);
  const raw = await tallywire(["read", capture, "-o", form, "--raw"]);
  expect(found(raw.stdout)).toEqual(["query-secret", "4711002"]);
});

test("the agent has no way to send query strings", async () => {
  const { code, stderr } = await tallywire(["agent", "--file", capture, "--raw"]);
  expect([code, stderr]).toEqual([2, expect.stringContaining("unknown option '--raw'")]);
});
