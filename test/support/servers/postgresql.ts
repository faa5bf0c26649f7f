/** postgres on loopback, with a user `postgres` whom it trusts. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { programPath } from "./programs";
import { freePort, type Stage } from "./stage";

/** What it needs. */
export const POSTGRESQL_PROGRAMS = ["initdb", "postgres", "pg_isready", "setpriv"];

const USER = "postgres";

/** Starts postgres, its socket in the stage's `data`, with `more` settings; gives its port. */
export async function startPostgresql(stage: Stage, ...more: string[]): Promise<number> {
  const port = await freePort();
  const data = stage.path("data");
  mkdirSync(data);
  stage.run("chown", [USER, data]);
  stage.run("initdb", ["-D", data, "-A", "trust", "-U", "postgres", "--no-sync"], { user: USER });
  const settings = ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=120", ...more].flatMap((setting) => [
    "-c",
    setting,
  ]);
  const isUp = () => spawnSync(programPath("pg_isready")!, ["-h", data, "-p", `${port}`]).status === 0;
  await stage.serve("postgres", ["-D", data, "-p", `${port}`, "-k", data, ...settings], isUp, { user: USER });
  return port;
}
