/** The part of the contract that is about backups: as a file, and in the hub's bucket. */
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { hubOf } from "./client";
import { admin, ingest, request } from "./contract";

/** Declares its tests; the bundle is one that the hub takes. */
export function backupsAreDescribed(bundle: Uint8Array<ArrayBuffer>): void {
  it("is taken and restored as described, or refused", async () => {
    const tenant = "contract-backup";
    const headers = await admin(tenant);
    const send = () => ingest(tenant, bundle);
    const restore = async (body: BodyInit | null, search = "") =>
      (await request(`/v1/restore${search}`, { method: "POST", body, headers })).status;
    await send();
    const file = await (await request("/v1/backup", { headers })).arrayBuffer();
    expect([await restore(file), await restore(file, "?force=true"), await restore(null), await restore("none")]).toEqual([
      409, 200, 400, 422,
    ]);
    expect(await (await send()).json()).toMatchObject({ status: "duplicate" });
    expect(await hubOf(tenant).hold("another", "still")).toBe(true);
    expect((await request("/v1/backup", { headers })).status).toBe(409);
    expect((await send()).status).toBe(503);
    await hubOf(tenant).hold("another", "end");
  });

  it("is stored in the bucket, listed and restored as described, or refused", async () => {
    const tenant = "contract-bucket";
    const headers = await admin(tenant);
    const store = (settings = {}) => request("/v1/backups", { method: "POST", headers }, settings);
    const restore = async (name: string, search = "", settings = {}) =>
      (await request(`/v1/backups/${name}/restore${search}`, { method: "POST", headers }, settings)).status;
    await ingest(tenant, bundle);
    const stored = await (await store()).json<{ name: string }>();
    expect(await (await request("/v1/backups", { headers })).json()).toEqual({ data: [stored] });
    const { name } = stored;
    expect([await restore(name), await restore(name, "?force=true"), await restore("none")]).toEqual([409, 200, 404]);
    await env.BACKUPS.put(`${tenant}/${name}.tallywire-backup.gz`, "none");
    expect(await restore(name, "?force=true")).toBe(422);
    const none = { BACKUPS: undefined };
    const list = await request("/v1/backups", { headers }, none);
    expect([list.status, (await store(none)).status, await restore(name, "", none)]).toEqual([404, 404, 404]);
    expect(await hubOf(tenant).hold("another", "still")).toBe(true);
    expect((await store()).status).toBe(409);
    await hubOf(tenant).hold("another", "end");
  });
}
