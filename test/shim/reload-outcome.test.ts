/** What a reload comes to where the agent cannot take what the configuration says, and what it takes for granted. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { CoreError } from "../../engine/core";
import { LevelledLog } from "../../shim/agent/log-level";
import { Reload } from "../../shim/agent/reload";
import type { AgentSettings } from "../../shim/agent/settings";
import { resolveConfig } from "../../shim/config/resolve";

const folder = mkdtempSync(join(tmpdir(), "tallywire-reload-"));
const config = join(folder, "agent.yaml");
afterAll(() => rmSync(folder, { recursive: true }));

const configure = (tags: string) => writeFileSync(config, `capture: { interface: lo }\ntags: { ${tags} }\n`, { mode: 0o600 });

/** A reload of an agent that does this with settings, and what is said. */
function reloadOf(take: (settings: AgentSettings) => Promise<number | undefined>) {
  configure("site: fra1");
  const given = { config, spool: folder };
  const said: string[] = [];
  const agent = { take, isLive: true, account: undefined, edge: "as-it-was" };
  const log = new LevelledLog((line) => said.push(line));
  return { reload: new Reload(given, resolveConfig(given), agent, log), said };
}

test("an agent that finds no memory goes on as it was, and the next one is read", async () => {
  let tries = 0;
  const { reload, said } = reloadOf(async () => {
    if (tries++ === 0) throw new CoreError("there is no memory for another core");
    return undefined;
  });
  configure("site: ams1");
  expect(await reload.now()).toMatchObject({ changed: [], reason: "there is no memory for another core" });
  expect(said).toEqual(["the configuration stays as it was: there is no memory for another core"]);
  expect(await reload.now()).toMatchObject({ changed: ["tags"] });
});

test("what nobody foresaw is thrown, and does not stand in the way of the next one", async () => {
  let tries = 0;
  const { reload } = reloadOf(async () => {
    if (tries++ === 0) throw new TypeError("what is this");
    return undefined;
  });
  await expect(reload.now()).rejects.toThrow(TypeError);
  expect(await reload.now()).toMatchObject({ changed: [] });
});

test("an edge without a name of its own stays what it was, whatever the host is called by now", async () => {
  const edges: string[] = [];
  const { reload } = reloadOf(async ({ edge }) => {
    edges.push(edge);
    return undefined;
  });
  configure("site: ams1");
  await reload.now();
  expect(edges).toEqual(["as-it-was"]);
});
