/** A server and clients of grpc-js under faults: messages of 4 KB and of few bytes, errors with and without a message before. */
import * as grpc from "@grpc/grpc-js";
import type { Stage } from "../../servers/stage";
import { GRPC } from "../by-id";
import type { RealServer } from "../recorded";
import { many } from "./many";

const SERVICE = "lab.v1.Shop";
const CALLS_AT_ONCE = 4;
const same = (bytes: Buffer) => bytes;
const pathOf = (connection: number, number: number) => `/${SERVICE}/Call${connection}x${number}`;

/** Any method of any name: what is wanted stands in the request, a code and how many bytes come before it. */
function answer(call: grpc.ServerWritableStream<Buffer, Buffer>): void {
  const [code = 0, bytes = 0] = call.request.toString().split(" ").map(Number);
  if (bytes > 0) call.write(Buffer.alloc(bytes, "r"));
  if (code === 0) call.end();
  else call.emit("error", { code, details: "refused" });
}

/** Every name that a call may have is a method of the service. */
function methods(): grpc.ServiceDefinition {
  const names = Array.from({ length: 100 * 100 }, (_, index) => pathOf(Math.floor(index / 100), index % 100));
  const form = { requestStream: false, responseStream: true };
  const both = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
  return Object.fromEntries(names.map((path) => [path.split("/")[2]!, { path, ...form, ...both }]));
}

async function start(stage: Stage): Promise<number> {
  const server = new grpc.Server();
  const service = methods();
  server.addService(service, Object.fromEntries(Object.keys(service).map((name) => [name, answer])));
  stage.endWith(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    const insecure = grpc.ServerCredentials.createInsecure();
    server.bindAsync("127.0.0.1:0", insecure, (error, port) => (error ? reject(error) : resolve(port)));
  });
}

export const REAL_GRPC: RealServer = {
  ...GRPC,
  ends: "grpc-js",
  hasTables: true,
  programs: [],
  start,
  work: (port, connections, exchanges) =>
    many(connections, async (connection, outcomes) => {
      const own = { "grpc.use_local_subchannel_pool": 1 };
      const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), own);
      const one = (number: number) =>
        new Promise<void>((resolve) => {
          const path = pathOf(connection, number);
          const wanted = `${number % 4 === 3 ? 5 : 0} ${[4000, 50, 0, 2000, 0][number % 5]}`.padEnd(200);
          const call = client.makeServerStreamRequest(path, same, same, Buffer.from(wanted));
          call.on("data", () => {}).on("error", () => {});
          call.on("status", ({ code }) => {
            outcomes.set(path, String(code));
            resolve();
          });
        });
      for (let number = 0; number < exchanges; number += CALLS_AT_ONCE) {
        await Promise.all(Array.from({ length: CALLS_AT_ONCE }, (_, more) => one(number + more)));
      }
      client.close();
    }),
  nameOf: ({ request }) => (request?.method === undefined ? undefined : `/${request.service}/${request.method}`),
};
