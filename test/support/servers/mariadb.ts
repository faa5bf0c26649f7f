/** mariadbd on loopback, with a database `shop` and a user `root` without a password. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { programPath } from "./programs";
import { freePort, type Stage } from "./stage";

/** What it needs. */
export const MARIADB_PROGRAMS = ["mariadbd", "mariadb-install-db", "mariadb", "mariadb-admin", "setpriv"];

const USER = "mysql";

/** Starts mariadbd with these words beside its own; gives its port. */
export async function startMariadb(stage: Stage, ...more: string[]): Promise<number> {
  const port = await freePort();
  const data = stage.path("data");
  const socket = `${data}/s`;
  mkdirSync(data);
  stage.run("chown", [USER, data]);
  const common = ["--no-defaults", `--datadir=${data}`];
  stage.run("mariadb-install-db", [...common, "--auth-root-authentication-method=normal", "--skip-test-db"], { user: USER });
  const words = [...common, `--socket=${socket}`, `--port=${port}`, "--bind-address=127.0.0.1", ...more];
  const ping = [`--socket=${socket}`, "-uroot", "ping"];
  await stage.serve("mariadbd", words, () => spawnSync(programPath("mariadb-admin")!, ping).status === 0, { user: USER });
  stage.run("mariadb", [`--socket=${socket}`, "-uroot", "-e", "CREATE DATABASE shop"]);
  return port;
}
