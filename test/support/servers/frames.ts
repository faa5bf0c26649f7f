/** A server of ours that takes messages which begin with their length, for clients whose own server is not installed. */
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import type { Stage } from "./stage";

/** How a message says its length: where it stands, in which byte order, and whether it counts itself. */
interface LengthForm {
  littleEndian: boolean;
  countsItself: boolean;
}

/**
 * Listens on loopback until the stage ends; gives the port. Each whole message goes to `answer`, one behind another for a
 * connection, and what that gives is sent.
 */
export async function listenForFrames(
  stage: Stage,
  { littleEndian, countsItself }: LengthForm,
  answer: (message: Buffer) => Promise<Uint8Array | undefined> | Uint8Array | undefined,
): Promise<number> {
  const server: Server = createServer((socket) => {
    let kept = Buffer.alloc(0);
    let before = Promise.resolve();
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes) => {
      kept = Buffer.concat([kept, bytes]);
      while (kept.length >= 4) {
        const length = (littleEndian ? kept.readUInt32LE(0) : kept.readUInt32BE(0)) + (countsItself ? 0 : 4);
        if (kept.length < length) break;
        const message = kept.subarray(0, length);
        kept = kept.subarray(length);
        before = before.then(async () => {
          const said = await answer(message);
          if (said !== undefined && !socket.destroyed) socket.write(said);
        });
      }
    });
    stage.endWith(() => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stage.endWith(() => server.close());
  return (server.address() as { port: number }).port;
}
