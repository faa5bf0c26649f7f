/** A server and a client of grpc-js, without generated code: every call as the client ended it. */
import { gzipSync } from "node:zlib";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { isHere } from "../support/servers/programs";
import { Stage } from "../support/servers/stage";

const MAY_CALL = isHere("grpc-js", []);
const SERVICE = "lab.v1.Shop";
const PACKED = 10;

/** A call as the client knows it. */
interface Called {
  method: string;
  code: number;
  sent: number;
  sentBytes: number;
  got: number;
  gotBytes: number;
  details: string;
}

const same = (bytes: Buffer) => bytes;
const definition = (name: string, requestStream: boolean, responseStream: boolean): grpc.MethodDefinition<Buffer, Buffer> => ({
  path: `/${SERVICE}/${name}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});

const METHODS = {
  One: definition("One", false, false),
  Gather: definition("Gather", true, false),
  Spread: definition("Spread", false, true),
  Talk: definition("Talk", true, true),
};

type Duplex = grpc.ServerDuplexStream<Buffer, Buffer>;

/** A request says how many bytes or messages it wants; `!` and a code an error without a message, `?` never an answer. */
const HANDLERS: grpc.UntypedServiceImplementation = {
  One(call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
    const text = call.request.toString();
    if (text.startsWith("?")) return;
    if (text.startsWith("!")) done({ code: Number(text.slice(1)), details: `refused: ä ${text}` });
    else done(null, Buffer.alloc(Number(text), "r"));
  },
  Gather(call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
    let bytes = 0;
    call.on("data", (message: Buffer) => (bytes += message.length));
    call.on("end", () => done(null, Buffer.from(String(bytes))));
  },
  Spread(call: grpc.ServerWritableStream<Buffer, Buffer>) {
    const count = Number(call.request.toString());
    for (let i = 0; i < count; i++) call.write(Buffer.alloc(i * 100, "s"));
    if (count % 2) call.emit("error", { code: grpc.status.RESOURCE_EXHAUSTED, details: "odd" });
    else call.end();
  },
  Talk(call: Duplex) {
    call.on("data", (message: Buffer) => call.write(message));
    call.on("end", () => call.end());
  },
};

/** Makes calls and keeps what became of each. */
class Caller {
  readonly calls: Called[] = [];

  constructor(private readonly client: grpc.Client) {}

  /** One call: these messages, one behind another. */
  call(
    name: keyof typeof METHODS,
    messages: Buffer[],
    options: grpc.CallOptions = {},
    watch = (_: grpc.Call) => {},
  ): Promise<void> {
    const { path, requestStream, responseStream } = METHODS[name];
    const called: Called = { method: name, code: -1, sent: 0, sentBytes: 0, got: 0, gotBytes: 0, details: "" };
    this.calls.push(called);
    for (const { length } of messages) {
      called.sent += 1;
      called.sentBytes += length;
    }
    const take = (message?: Buffer) => {
      if (message === undefined) return;
      called.got += 1;
      called.gotBytes += message.length;
    };
    return new Promise((resolve) => {
      const begin = (): grpc.Call => {
        const none = new grpc.Metadata();
        const done = (_: unknown, message?: Buffer) => take(message);
        if (requestStream && responseStream) return this.client.makeBidiStreamRequest(path, same, same, none, options);
        if (requestStream) return this.client.makeClientStreamRequest(path, same, same, none, options, done);
        if (responseStream) return this.client.makeServerStreamRequest(path, same, same, messages[0]!, none, options);
        return this.client.makeUnaryRequest(path, same, same, messages[0]!, none, options, done);
      };
      const call = begin() as grpc.ClientDuplexStream<Buffer, Buffer>;
      if (responseStream) call.on("data", take).on("error", () => {});
      call.on("status", ({ code, details }) => {
        called.code = code;
        called.details = details;
        resolve();
      });
      if (requestStream) {
        for (const message of messages) call.write(message);
        call.end();
      }
      watch(call);
    });
  }
}

const text = (value: string | number) => [Buffer.from(String(value))];
const packedText = (index: number) => String(index * 1000).padStart(500, "0");

function bind(server: grpc.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    const insecure = grpc.ServerCredentials.createInsecure();
    server.bindAsync("127.0.0.1:0", insecure, (error, port) => (error ? reject(error) : resolve(port)));
  });
}

/** Calls of every kind: one after another, at once, refused, too late, given up. */
async function work(caller: Caller): Promise<void> {
  for (let i = 0; i < 40; i++) await caller.call("One", text(i * 100));
  await Promise.all(
    Array.from({ length: 64 }, (_, i) => caller.call("One", text(i % 4 === 3 ? `!${(i - 3) / 4 + 1}` : i * 500))),
  );
  for (let i = 0; i < 10; i++) {
    const many = Array.from({ length: i * 2 }, (_, k) => Buffer.alloc(k * 10, "m"));
    await caller.call("Gather", many);
    await caller.call("Spread", text(i));
    await caller.call("Talk", many);
  }
  await caller.call("One", [Buffer.alloc(200_000, "0")]);
  await caller.call("One", text("?"), { deadline: Date.now() + 300 });
  await caller.call("One", text("?"), {}, (call) => setTimeout(() => call.cancel(), 100));
}

describe.runIf(MAY_CALL)("grpc-js", () => {
  const stage = MAY_CALL ? new Stage("grpc") : undefined;
  const server = new grpc.Server();
  let caller: Caller;
  let packed: Caller;
  let trips: RoundTrip[] = [];

  beforeAll(async () => {
    server.addService(METHODS, HANDLERS);
    const port = await bind(server);
    await stage!.record(port);
    const plain = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    caller = new Caller(plain);
    await work(caller);
    const form = { "grpc.default_compression_algorithm": grpc.compressionAlgorithms.gzip };
    const other = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), form);
    packed = new Caller(other);
    for (let i = 0; i < PACKED; i++) await packed.call("One", text(packedText(i)));
    plain.close();
    other.close();
    trips = await stage!.trips("grpc");
  }, 30_000);

  afterAll(async () => {
    server.forceShutdown();
    await stage?.end();
  });

  const isLate = ({ request }: RoundTrip) => request?.timeout !== undefined;
  const ended = () =>
    trips.filter((trip) => !isLate(trip) && trip.request?.encoding === undefined && trip.request?.reset === undefined);

  test("every call with its code, its words and its messages on both sides", () => {
    const told = ended().map(({ request, response }) => {
      const words = decodeURIComponent(String(response?.grpcMessage));
      const both = [request, response].map((side) => `${side?.messages} of ${side?.messageBytes}`);
      return `${request?.service}/${request?.method} ${both.join(", ")}: ${response?.grpcStatus} ${words}`;
    });
    const known = caller.calls.slice(0, -2).map(({ method, sent, sentBytes, got, gotBytes, code, details }) => {
      // What is not ASCII may be a quote of some language, and hides what it quotes.
      const shown = details.replace("ä", "?");
      return `${SERVICE}/${method} ${sent} of ${sentBytes}, ${got} of ${gotBytes}: ${code} ${shown}`;
    });
    expect(told.sort()).toEqual(known.sort());
    expect(new Set(caller.calls.map(({ code }) => code)).size).toBe(17);
    const failed = ended().filter(({ status }) => status === "error");
    expect(failed).toHaveLength(caller.calls.slice(0, -2).filter(({ code }) => code !== 0).length);
  });

  test("the four kinds, by their messages", () => {
    const kinds = new Map<string, Set<unknown>>();
    for (const { request, response } of ended()) {
      const isSure = Number(request?.messages) > 1 || Number(response?.messages) > 1;
      if (isSure) kinds.set(String(request?.method), (kinds.get(String(request?.method)) ?? new Set()).add(request?.kind));
    }
    expect([...kinds].map(([method, found]) => [method, [...found].join()]).sort()).toEqual([
      ["Gather", "client-stream"],
      ["Spread", "server-stream"],
      ["Talk", "bidirectional"],
    ]);
  });

  test("a deadline and a cancel end a call by its reset", () => {
    expect(caller.calls.slice(-2).map(({ code }) => code)).toEqual([grpc.status.DEADLINE_EXCEEDED, grpc.status.CANCELLED]);
    const outcome = ({ request, response, status }: RoundTrip) => [status, request?.reset, response?.grpcStatus];
    const cancelled = trips.filter((trip) => trip.request?.reset !== undefined && !isLate(trip));
    expect(cancelled.map(outcome)).toEqual([["reset", "CANCEL", undefined]]);
    // The server knows the deadline too: whoever is first ends the call.
    const late = trips.filter(isLate).map(outcome);
    const byServer = ["error", undefined, grpc.status.DEADLINE_EXCEEDED];
    expect([[["reset", "CANCEL", undefined]], [byServer]]).toContainEqual(late);
    expect(trips).toHaveLength(caller.calls.length + PACKED);
  });

  test("compressed messages, as many bytes as they are on the wire", () => {
    const told = trips.filter(({ request }) => request?.encoding === "gzip");
    const sides = told.map(({ request, response, status }) => [
      request?.compressed,
      request?.messageBytes,
      response?.messageBytes,
      status,
    ]);
    const known = Array.from({ length: PACKED }, (_, i) => [true, gzipSync(packedText(i)).length, i * 1000, "ok"]);
    expect(sides).toEqual(known);
  });
});
