/** Who may know whom: imports run one way. */
import { describe, expect, test } from "vitest";
import { importsOf, repositoryFiles, textOf } from "../support/repository";

const files = repositoryFiles().filter((path) => /\.(ts|tsx|mjs)$/.test(path));
const core = files.filter((path) => /^assembly\/.+\.ts$/.test(path));

/** The packet's way; a later step may know an earlier one. */
const PACKET = ["capture", "link", "net", "transport"];

/** What the rooms of the core may import besides themselves and `bytes`. */
const MAY: Record<string, string[]> = {
  bytes: [],
  sketches: [],
  aggregate: ["sketches"],
  wire: ["sketches", "aggregate"],
  roundtrip: ["aggregate"],
  protocols: ["roundtrip", "aggregate"],
  filter: ["protocols", "roundtrip"],
};

/** What every room may know: the memory plan, the settings, the host. */
const COMMON = ["assembly/regions.ts", "assembly/settings.ts", "assembly/host.ts", "assembly/modules/labels.ts"];

const roomOf = (path: string) => (path.split("/").length > 2 ? path.split("/")[1]! : "");

/** Violations of a rule, one line each. */
function offences(paths: string[], allowed: (path: string, target: string) => boolean): string[] {
  return paths.flatMap((path) =>
    importsOf(path)
      .filter((target) => !allowed(path, target))
      .map((target) => `${path} imports ${target}`),
  );
}

describe("the core", () => {
  test("rooms know only what DESIGN allows them", () => {
    const held = core.filter((path) => MAY[roomOf(path)] !== undefined);
    const allowed = (path: string, target: string) => {
      const room = roomOf(path);
      const other = roomOf(target);
      if (COMMON.includes(target)) return true;
      return target.startsWith("assembly/") && (other === room || other === "bytes" || MAY[room]!.includes(other));
    };
    expect(offences(held, allowed)).toEqual([]);
  });

  test("protocols know of aggregate/ the metrics, and not each other", () => {
    const protocols = core.filter((path) => roomOf(path) === "protocols" && path.split("/").length > 3);
    const familyOf = (path: string) => path.split("/")[2]!.replace(/\.ts$/, "").replace(/-.*$/, "");
    const allowed = (path: string, target: string) => {
      if (roomOf(target) !== "protocols" || /protocols\/(protocol|field)\.ts$/.test(target)) return true;
      if (familyOf(target) === "sql") return ["mysql", "postgresql", "sql"].includes(familyOf(path));
      // What several protocols need lies in shared/, which knows none of them.
      if (familyOf(target) === "shared") return true;
      return familyOf(target) === familyOf(path) || (familyOf(path) === "grpc" && familyOf(target) === "http2");
    };
    expect(offences(protocols, allowed)).toEqual([]);
  });

  test("no file imports itself by way of others", () => {
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, way: string[]) => {
      if (way.includes(path)) cycles.push([...way.slice(way.indexOf(path)), path].join(" > "));
      if (way.includes(path) || done.has(path)) return;
      for (const target of importsOf(path)) if (target.startsWith("assembly/")) visit(target, [...way, path]);
      done.add(path);
    };
    for (const path of core) visit(path, []);
    expect(cycles).toEqual([]);
  });

  test("an earlier step of a packet's way knows no room after the transport", () => {
    // transport/deliver.ts is the door between the two.
    const later = core.filter((path) => PACKET.includes(roomOf(path)) && path !== "assembly/transport/deliver.ts");
    expect(offences(later, (_, target) => !/^assembly\/(protocols|roundtrip|wire|stream)\//.test(target))).toEqual([]);
  });

  test("only host.ts declares imports of the module", () => {
    expect(
      core.filter((path) => path !== "assembly/host.ts" && /^\s*@external|^\s*declare function/m.test(textOf(path))),
    ).toEqual([]);
  });
});

describe("the TypeScript around it", () => {
  const built = (target: string) => /^build\/.*\.wasm$/.test(target);
  const room = (name: string) => files.filter((path) => path.startsWith(`${name}/`));

  test("engine knows nothing of ours", () => {
    const allowed = (_: string, target: string) => target.startsWith("engine/") || target === "@assemblyscript/loader";
    expect(offences(room("engine"), allowed)).toEqual([]);
  });

  test.each(["shim", "worker", "web"])("%s knows engine and itself", (name) => {
    const ours = /^(assembly|bench|engine|native|scripts|shim|test|web|worker)\//;
    const allowed = (_: string, target: string) => {
      if (built(target) || target.startsWith(`${name}/`) || target.startsWith("engine/")) return true;
      return !ours.test(target) && !target.startsWith("..");
    };
    expect(offences(room(name), allowed)).toEqual([]);
  });

  test("scripts stand on Node alone until packages are installed", () => {
    const before = files.filter((path) => /^scripts\/(setup|build|test|start)\.mjs$|^scripts\/lib\//.test(path));
    const allowed = (_: string, target: string) => target.startsWith("node:") || target.startsWith("scripts/");
    expect(before.length).toBeGreaterThan(0);
    expect(offences(before, (path, target) => importsLazily(path, target) || allowed(path, target))).toEqual([]);
  });

  test("the independent count shares no code with what it checks", () => {
    const oracle = files.filter((path) => path.startsWith("test/support/oracle/"));
    expect(oracle.length).toBeGreaterThan(0);
    expect(offences(oracle, (_, target) => target.startsWith("test/support/oracle/") || target.startsWith("node:"))).toEqual([]);
  });
});

/** Whether a script imports this target only when it runs, after the set-up. */
function importsLazily(path: string, target: string): boolean {
  const name = target.split("/").at(-1)!;
  const lines = textOf(path).split("\n");
  return (
    lines.some((line) => /await import\(/.test(line) && line.includes(name)) &&
    !lines.some((line) => /^import/.test(line) && line.includes(name))
  );
}
