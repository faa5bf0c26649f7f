/**
 * A tenant's backups in the hub's R2 bucket: `<tenant>/<when it was begun>-<eight hex digits>.tallywire-backup.gz`, the file that `/v1/backup` gives.
 * One is written in parts, of which one is in memory, and has its name only when it is whole.
 */
import type { Environment } from "../environment";
import { BUCKET_LIST_MAX, BUCKET_PART_BYTES } from "../limits";
import { quote, Refusal } from "../refusal";
import { backupOf } from "./backup";
import { type Restored, restoreFrom } from "./restore";

/** One backup in the bucket. */
export interface StoredBackup {
  name: string;
  bytes: number;
  /** When it was there, RFC 3339. */
  stored: string;
}

const SUFFIX = ".tallywire-backup.gz";
const NAME = /^\d{8}T\d{6}Z-[0-9a-f]{8}$/;

/** Writes all of a tenant into the bucket. Throws Refusal; where it breaks off nothing is there. */
export async function storeBackup(environment: Environment, tenant: string): Promise<StoredBackup> {
  const bucket = bucketOf(environment);
  const name = nameAt(new Date());
  const body = await backupOf(environment, tenant);
  try {
    return reportOf(tenant, await writeParts(bucket, keyOf(tenant, name), body));
  } catch (error) {
    console.error(`backup into the bucket: ${error instanceof Error ? error.message : String(error)}`);
    const reason = "the backup broke off, and nothing of it is in the bucket; try again";
    throw new Refusal(503, "not_stored", reason, { cause: error });
  }
}

/** The newest backups of a tenant in the bucket, the newest first. */
export async function listBackups(environment: Environment, tenant: string): Promise<StoredBackup[]> {
  const bucket = bucketOf(environment);
  const all: StoredBackup[] = [];
  let cursor: string | undefined;
  do {
    const page: R2Objects = await bucket.list({ prefix: `${tenant}/`, ...(cursor !== undefined && { cursor }) });
    // Names are in the order of their times, so the newest come last.
    all.push(...page.objects.filter(({ key }) => isOwn(tenant, key)).map((object) => reportOf(tenant, object)));
    all.splice(0, all.length - BUCKET_LIST_MAX);
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return all.reverse();
}

/** Restores a tenant out of one of its backups in the bucket; as `restoreFrom`. Throws Refusal. */
export async function restoreStored(
  environment: Environment,
  tenant: string,
  name: string,
  isForced: boolean,
): Promise<Restored> {
  const bucket = bucketOf(environment);
  const found = NAME.test(name) ? await bucket.get(keyOf(tenant, name)) : null;
  if (found === null) {
    throw new Refusal(
      404,
      "unknown_backup",
      `this tenant has no backup ${quote(name)} in the bucket; GET /v1/backups lists them`,
    );
  }
  return restoreFrom(environment, tenant, found.body, isForced);
}

/** Writes a stream as one object; all parts but the last have the same length, as R2 wants it. */
async function writeParts(bucket: R2Bucket, key: string, body: ReadableStream<Uint8Array>): Promise<R2Object> {
  const upload = await bucket.createMultipartUpload(key, { httpMetadata: { contentType: "application/gzip" } });
  try {
    const parts: R2UploadedPart[] = [];
    for await (const part of partsOf(body)) parts.push(await upload.uploadPart(parts.length + 1, part));
    return await upload.complete(parts);
  } catch (error) {
    await upload.abort();
    throw error;
  }
}

/** A stream in parts of BUCKET_PART_BYTES, the last of them shorter. */
async function* partsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  let part = new Uint8Array(BUCKET_PART_BYTES);
  let length = 0;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.byteLength; ) {
      const some = chunk.subarray(at, at + BUCKET_PART_BYTES - length);
      part.set(some, length);
      length += some.byteLength;
      at += some.byteLength;
      if (length < BUCKET_PART_BYTES) continue;
      yield part;
      part = new Uint8Array(BUCKET_PART_BYTES);
      length = 0;
    }
  }
  if (length > 0) yield part.subarray(0, length);
}

function bucketOf({ BACKUPS }: Environment): R2Bucket {
  if (BACKUPS !== undefined) return BACKUPS;
  throw new Refusal(404, "no_bucket", "this hub has no bucket for backups; bind one as BACKUPS, or take a file from /v1/backup");
}

function keyOf(tenant: string, name: string): string {
  return `${tenant}/${name}${SUFFIX}`;
}

function isOwn(tenant: string, key: string): boolean {
  return key.endsWith(SUFFIX) && NAME.test(nameOf(tenant, key));
}

function nameOf(tenant: string, key: string): string {
  return key.slice(tenant.length + 1, -SUFFIX.length);
}

/** A name that no other backup has, in the order of time. */
function nameAt(time: Date): string {
  const [digits] = time.toISOString().replaceAll(/[-:]/g, "").split(".");
  return `${digits}Z-${crypto.randomUUID().slice(0, 8)}`;
}

function reportOf(tenant: string, { key, size, uploaded }: R2Object): StoredBackup {
  return { name: nameOf(tenant, key), bytes: size, stored: uploaded.toISOString() };
}
