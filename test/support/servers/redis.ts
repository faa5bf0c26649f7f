/** redis-server on loopback. */
import { freePort, isListening, type Stage } from "./stage";

/** What it needs. */
export const REDIS_PROGRAMS = ["redis-server"];

/** Starts redis-server, which keeps nothing; gives its port. With words about TLS it speaks nothing else. */
export async function startRedis(stage: Stage, ...tls: string[]): Promise<number> {
  const port = await freePort();
  const ports = tls.length === 0 ? ["--port", `${port}`] : ["--port", "0", "--tls-port", `${port}`, ...tls];
  const words = [...ports, "--bind", "127.0.0.1", "--save", "", "--dir", stage.folder];
  await stage.serve("redis-server", words, () => isListening(port));
  return port;
}
