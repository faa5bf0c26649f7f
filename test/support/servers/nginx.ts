/** nginx on loopback, by a configuration of the test's. */
import { writeFileSync } from "node:fs";
import { isListening, type Stage } from "./stage";

/** What it needs. */
export const NGINX_PROGRAMS = ["nginx"];

/** Starts nginx with these servers, and waits until it listens on `port`. Files that it serves lie in the stage's folder. */
export async function startNginx(stage: Stage, port: number, servers: string): Promise<void> {
  const kept = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${stage.path(name)};`);
  const http = [...kept, "access_log off;", `root ${stage.folder};`, servers].join("\n");
  const lines = ["user root;", "daemon off;", "worker_processes 1;", `pid ${stage.path("nginx.pid")};`];
  writeFileSync(stage.path("nginx.conf"), `${lines.join("\n")}\nevents {}\nhttp {\n${http}\n}\n`);
  const words = ["-p", stage.folder, "-c", stage.path("nginx.conf"), "-e", "stderr"];
  await stage.serve("nginx", words, () => isListening(port));
}
