import { REVOKED_MAX } from "../limits";
import type { Refused } from "../refusal";

/** One line of the list: `key:` and the beginning of the key's SHA-256, or `edge:` and the edge's name. */
export interface RevokedName {
  name: string;
  sinceMs: number;
}

/** Lists what was revoked, in the order of the names. */
export function listRevoked(sql: SqlStorage): RevokedName[] {
  const rows = sql.exec<{ name: string; since_ms: number }>("SELECT name, since_ms FROM revoked ORDER BY name");
  return rows.toArray().map(({ name, since_ms }) => ({ name, sinceMs: since_ms }));
}

/** Puts a name on the list, or takes it off. */
export function setRevoked(sql: SqlStorage, name: string, isGood: boolean, nowMs: number): Refused | null {
  if (isGood) {
    sql.exec("DELETE FROM revoked WHERE name = ?", name);
    return null;
  }
  const { count } = sql.exec<{ count: number }>("SELECT COUNT(*) AS count FROM revoked").one();
  if (count >= REVOKED_MAX) {
    const reason = `${REVOKED_MAX} keys are revoked, which is as many as can be; rotate the master key and restore them`;
    return { status: 422, code: "too_many_revoked", reason };
  }
  sql.exec("INSERT OR IGNORE INTO revoked (name, since_ms) VALUES (?, ?)", name, nowMs);
  return null;
}
