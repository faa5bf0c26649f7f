import { Hono } from "hono";
import { authorize } from "../authorize";
import type { Environment } from "../environment";
import { Refusal } from "../refusal";
import { backupOf } from "../tree/backup";
import { listBackups, restoreStored, storeBackup } from "../tree/bucket";
import { restoreFrom } from "../tree/restore";

/** `GET /v1/backup`: all of a tenant as one file, with an admin key. */
export const backup = new Hono<{ Bindings: Environment }>().get("/", async (context) => {
  const { tenant } = await authorize(context.req.header("authorization"), context.env, "admin");
  const body = await backupOf(context.env, tenant);
  const headers = {
    "content-type": "application/gzip",
    "content-disposition": `attachment; filename="${tenant}.tallywire-backup.gz"`,
  };
  return new Response(body, { headers });
});

/** `POST /v1/restore`: a tenant out of such a file, with an admin key; `?force=true` puts it in the place of what there is. */
export const restore = new Hono<{ Bindings: Environment }>().post("/", async (context) => {
  const { tenant } = await authorize(context.req.header("authorization"), context.env, "admin");
  const { body } = context.req.raw;
  if (body === null) throw new Refusal(400, "bad_backup", "send a backup as the body, as GET /v1/backup gave it");
  const isForced = context.req.query("force") === "true";
  return context.json(await restoreFrom(context.env, tenant, body, isForced));
});

/** A tenant's backups in the hub's bucket, with an admin key: `GET` and `POST /v1/backups`, `POST /v1/backups/NAME/restore`. */
export const backups = new Hono<{ Bindings: Environment }>()
  .get("/", async (context) => {
    const { tenant } = await authorize(context.req.header("authorization"), context.env, "admin");
    return context.json({ data: await listBackups(context.env, tenant) });
  })
  .post("/", async (context) => {
    const { tenant } = await authorize(context.req.header("authorization"), context.env, "admin");
    return context.json(await storeBackup(context.env, tenant));
  })
  .post("/:name/restore", async (context) => {
    const { tenant } = await authorize(context.req.header("authorization"), context.env, "admin");
    const isForced = context.req.query("force") === "true";
    return context.json(await restoreStored(context.env, tenant, context.req.param("name"), isForced));
  });
