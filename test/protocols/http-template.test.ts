/** Path templates: what names single things goes, what names kinds stays. */
import { describe, expect, test } from "vitest";
import module from "../../build/test/http.wasm";
import { instantiate } from "../support/instantiate";
import { randomFrom } from "../support/sketches";

interface Exports {
  memory: WebAssembly.Memory;
  open(length: number): number;
  template(start: number, length: number, scalar: boolean): number;
  templateStart(): number;
}

const core = instantiate<Exports>(module);

/** The template of a path, which both twins must make. */
function templateOf(path: string): string {
  const bytes = new TextEncoder().encode(path);
  const start = core.open(bytes.length);
  new Uint8Array(core.memory.buffer).set(bytes, start);
  const [found, twin] = [false, true].map((scalar) => {
    const length = core.template(start, bytes.length, scalar);
    return new TextDecoder().decode(new Uint8Array(core.memory.buffer, core.templateStart(), length));
  });
  expect(found).toBe(twin);
  return found!;
}

describe("path templates", () => {
  test.each([
    // What stays.
    ["/", "/"],
    ["", ""],
    ["*", "*"],
    ["/index.html", "/index.html"],
    ["/api/v1/users", "/api/v1/users"],
    ["/api/v2.1/users/", "/api/v2.1/users/"],
    ["/3.0/lists", "/3.0/lists"],
    ["/oauth2/token", "/oauth2/token"],
    ["/assets/jquery.min.js", "/assets/jquery.min.js"],
    ["/UpdateCustomerAddress2Request", "/UpdateCustomerAddress2Request"],
    ["/some-long-words-in-a-title", "/some-long-words-in-a-title"],
    ["/deadbeef/facade", "/deadbeef/facade"],
    ["/a%20b/%C3%A9t%C3%A9", "/a%20b/%C3%A9t%C3%A9"],
    ["//double//slash", "//double//slash"],
    ["/top-10", "/top-10"],
    // Numbers.
    ["/users/4711", "/users/{id}"],
    ["/users/4711/orders/0", "/users/{id}/orders/{id}"],
    ["/order-12345", "/order-{id}"],
    ["/item_777_x", "/item_{id}_x"],
    ["/map/52.5200,13.4050", "/map/{id}"],
    ["/-1234", "/{id}"],
    ["/hosts/192.168.0.1", "/hosts/{ip}"],
    // Names of single things.
    ["/o/6fa459ea-ee8a-3ca4-894e-db77e160355e", "/o/{uuid}"],
    ["/o/6FA459EA-EE8A-3CA4-894E-DB77E160355E/x", "/o/{uuid}/x"],
    ["/order-6fa459ea-ee8a-3ca4-894e-db77e160355e.pdf", "/order-{uuid}.pdf"],
    ["/c/3f2a9c1b", "/c/{hash}"],
    ["/c/507f1f77bcf86cd799439011", "/c/{hash}"],
    ["/static/main.3f2a9c1b.js", "/static/main.{hash}.js"],
    ["/0xdeadbeefdeadbeef", "/{hash}"],
    ["/t/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9", "/t/{token}"],
    ["/s/aB3dE6gH9jK2mN5pQ8rS", "/s/{token}"],
    ["/s/AbCdEfGhXyZwQqRrTtUuVvKk", "/s/{token}"],
    ["/by-mail/ann@example.com", "/by-mail/{email}"],
    ["/by-mail/ann%40example.com", "/by-mail/{email}"],
    // Dates.
    ["/log/2024-05-01", "/log/{date}"],
    ["/log/2024-05-01T10:20:30Z", "/log/{date}"],
    ["/log/2024_05_01/x", "/log/{date}/x"],
    ["/report-2024-05-01.csv", "/report-{date}.csv"],
    ["/2024/05/01", "/{id}/{id}/{id}"],
    // What is left out, and what is too much.
    ["/search?q=1&r=2", "/search"],
    ["/page#part", "/page"],
    [`/${"w".repeat(60)}`, "/{text}"],
    ["/a/b/c/d/e/f/g/h/i/j/k/l", "/a/b/c/d/e/f/g/h/i/j/{rest}"],
    [`/${"abcdefghijkl/".repeat(9)}`, `/${"abcdefghijkl/".repeat(8)}{rest}`],
  ])("%s", (path, wanted) => expect(templateOf(path)).toBe(wanted));

  test("are bounded for any bytes", () => {
    const random = randomFrom(1);
    const letters = "/aZ09-_.~%@=+,:;?#\x01\u00e9";
    for (let round = 0; round < 20_000; round++) {
      const length = Math.floor(random() * 300);
      const path = Array.from({ length }, () => letters[Math.floor(random() * letters.length)]).join("");
      expect(new TextEncoder().encode(templateOf(path)).length).toBeLessThanOrEqual(120);
    }
  });
});
