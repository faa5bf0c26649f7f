/** redis-server on loopback. */
import { freePort, isListening, type Stage } from "./stage";

/** What it needs. */
export const REDIS_PROGRAMS = ["redis-server"];

/** Starts redis-server, which keeps nothing; gives its port. */
export async function startRedis(stage: Stage): Promise<number> {
  const port = await freePort();
  const words = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", stage.folder];
  await stage.serve("redis-server", words, () => isListening(port));
  return port;
}
