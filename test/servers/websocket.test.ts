/** A WebSocket client that is not ours and a small server of node, captured on loopback: frames and bytes as the ends count them. */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocket } from "undici";
import { expect, test } from "vitest";
import { isHere } from "../support/servers/programs";
import { Stage } from "../support/servers/stage";

const MAY_CAPTURE = isHere("a WebSocket server of node", []);

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** What one end saw of the other. */
interface Seen {
  text: number;
  binary: number;
  bytes: number;
  pongs?: number;
  code?: number;
}

/** The frames in `bytes` that are all there, unmasked, and what is left. */
function framesOf(bytes: Buffer): { frames: { opcode: number; payload: Buffer }[]; rest: Buffer } {
  const frames: { opcode: number; payload: Buffer }[] = [];
  let rest = bytes;
  while (rest.length >= 6) {
    const short = rest[1]! & 127;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (rest.length < head + 4) break;
    const length = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    if (rest.length < head + 4 + length) break;
    const key = rest.subarray(head, head + 4);
    const payload = Buffer.from(rest.subarray(head + 4, head + 4 + length).map((byte, index) => byte ^ key[index & 3]!));
    frames.push({ opcode: rest[0]! & 15, payload });
    rest = rest.subarray(head + 4 + length);
  }
  return { frames, rest };
}

function frameOf(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = length < 126 ? length : length < 65536 ? 126 : 127;
  if (length >= 65536) head.writeBigUInt64BE(BigInt(length), 2);
  else if (length >= 126) head.writeUInt16BE(length, 2);
  return Buffer.concat([head, payload]);
}

/** Echoes what comes, pings once, answers a close frame, and notes what it saw. */
function serve(socket: Socket, seen: Seen): void {
  let left = Buffer.alloc(0);
  socket.write(frameOf(9, Buffer.from("are you there")));
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes: Buffer) => {
    const { frames, rest } = framesOf(Buffer.concat([left, bytes]));
    left = Buffer.from(rest);
    for (const { opcode, payload } of frames) {
      if (opcode === 8) {
        seen.code = payload.length < 2 ? 1005 : payload.readUInt16BE(0);
        socket.end(frameOf(8, payload));
        return;
      }
      if (opcode === 10) seen.pongs = (seen.pongs ?? 0) + 1;
      if (opcode !== 1 && opcode !== 2) continue;
      seen[opcode === 1 ? "text" : "binary"] += 1;
      seen.bytes += payload.length;
      socket.write(frameOf(opcode, payload));
    }
  });
}

/** One connection that sends `payloads`, waits for their echoes and closes with `code`. */
function talk(url: string, payloads: (string | Uint8Array)[], code: number | undefined): Promise<Seen> {
  return new Promise((done, fail) => {
    const seen: Seen = { text: 0, binary: 0, bytes: 0 };
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      for (const payload of payloads) socket.send(payload);
      if (payloads.length === 0) socket.close(code, "enough");
    });
    socket.addEventListener("message", ({ data }) => {
      seen[typeof data === "string" ? "text" : "binary"] += 1;
      seen.bytes += typeof data === "string" ? Buffer.byteLength(data) : (data as ArrayBuffer).byteLength;
      if (seen.text + seen.binary === payloads.length) socket.close(code, "enough");
    });
    socket.addEventListener("close", ({ code: closed }) => done({ ...seen, code: closed }));
    socket.addEventListener("error", ({ error }) => fail(error ?? new Error("the connection failed")));
  });
}

const TALKS: { path: string; payloads: (string | Uint8Array)[]; code?: number }[] = [
  { path: "/small", payloads: Array.from({ length: 300 }, (_, index) => `message ${index}`), code: 1000 },
  {
    path: "/binary",
    payloads: [new Uint8Array(125), new Uint8Array(126), new Uint8Array(65_535), new Uint8Array(65_536)],
    code: 3000,
  },
  { path: "/large", payloads: [new Uint8Array(3_000_000), "and a text of 30 bytes at last"], code: 1000 },
  { path: "/empty", payloads: [], code: 4999 },
];

test.runIf(MAY_CAPTURE)("undici's client", { timeout: 60_000 }, async () => {
  const stage = new Stage("websocket");
  try {
    const served: Seen[] = [];
    const server = createServer();
    server.on("upgrade", ({ headers }, socket) => {
      const accept = createHash("sha1").update(`${headers["sec-websocket-key"]}${GUID}`).digest("base64");
      const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
      socket.write(`${[...lines, `Sec-WebSocket-Accept: ${accept}`].join("\r\n")}\r\n\r\n`);
      const seen: Seen = { text: 0, binary: 0, bytes: 0 };
      served.push(seen);
      serve(socket as Socket, seen);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    stage.endWith(() => server.close());
    const { port } = server.address() as AddressInfo;
    await stage.record(port);
    const echoed: Seen[] = [];
    for (const { path, payloads, code } of TALKS) echoed.push(await talk(`ws://127.0.0.1:${port}${path}`, payloads, code));
    const trips = await stage.trips("websocket");
    expect(trips.map(({ request }) => request?.path)).toEqual(TALKS.map(({ path }) => path));
    expect(echoed).toMatchObject(served.map(({ pongs, ...seen }) => seen));
    for (const [index, { request, response, status }] of trips.entries()) {
      const { text, binary, bytes, pongs = 0, code } = served[index]!;
      const figures = { textFrames: text, binaryFrames: binary, bodyBytes: bytes, closeCode: code };
      expect(request).toMatchObject({ ...figures, pingFrames: 0, pongFrames: pongs, pongBytes: 13 * pongs });
      expect(response).toMatchObject({ ...figures, pingFrames: 1, pingBytes: 13 });
      expect(status).toBe(code === 1000 ? "ok" : "error");
    }
  } finally {
    await stage.end();
  }
});
