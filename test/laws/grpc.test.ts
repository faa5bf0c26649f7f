/** Laws that gRPC keeps whatever the segments, the cuts and the bytes. */
import { describe } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import {
  added,
  data,
  FLAG,
  fields,
  frame,
  headers,
  http2,
  plain,
  SERVER_START,
  START,
  statusFields,
  TYPE,
  tripsOf,
} from "../support/http2";
import { type Captured, join, number } from "../support/pcap-builder";
import { keepsLaws, type Talk } from "../support/stream-laws";

const CONTENT: [string, string] = ["content-type", "application/grpc"];
const message = (bytes: number, compressed = 0) => join([compressed], number(bytes, 4), "m".repeat(bytes));
const call = (stream: number, method: string) => headers(stream, fields("POST", `/lab.Shop/${method}`, [CONTENT]), false);
const begin = (stream: number) => headers(stream, statusFields(200, [CONTENT]), false);
const trailers = (stream: number, status: number, text = "") =>
  headers(stream, join(plain("grpc-status", String(status)), ...(text === "" ? [] : [plain("grpc-message", text)])));

/** One connection with all four kinds of calls, errors with and without a message, a refusal, and calls at once. */
const TALK: Talk = [
  ["client", join(START, call(1, "Unary"), data(1, message(12)))],
  ["server", join(SERVER_START, begin(1), data(1, message(7), false), trailers(1, 0))],
  ["client", join(call(3, "Many"), data(3, message(5)), call(5, "Fill"), data(5, message(9), false))],
  ["server", join(begin(3), data(3, message(16), false), data(3, message(4), false))],
  ["client", join(data(5, message(11, 1), false), data(5, message(0)))],
  ["server", join(trailers(3, 5, "gone"), begin(5), data(5, message(3), false), trailers(5, 0))],
  ["client", join(call(7, "Both"), data(7, message(8), false))],
  ["server", join(begin(7), data(7, message(8), false))],
  ["client", data(7, message(6))],
  ["server", join(data(7, message(6), false), trailers(7, 0))],
  ["client", join(call(11, "Refused"), data(11, message(2)))],
  // Nothing but trailers.
  ["server", headers(11, join(statusFields(200, [CONTENT]), plain("grpc-status", "7"), added("grpc-message", "no")))],
  // A message in two frames, and padding.
  ["client", join(call(13, "Cut"), data(13, message(20).slice(0, 9), false), data(13, message(20).slice(9)))],
  ["server", join(begin(13), frame(TYPE.data, FLAG.padded, 13, join([3], message(11), "ppp")), trailers(13, 0))],
];

/** A call in one line: "Say 1>2 0 - ok", with its marks behind; "-" for what is not there. */
function line({ request, response, status, marks }: RoundTrip): string {
  const counts = `${request?.messages ?? "-"}>${response?.messages ?? "-"}`;
  const outcome = [response?.grpcStatus ?? "-", response?.grpcMessage ?? "-", status];
  return [request?.method ?? "-", counts, ...outcome, ...marks.filter((mark) => mark !== "mid-stream")].join(" ");
}

const trips = (packets: Captured[]) => tripsOf(packets).filter(({ protocol }) => protocol === "grpc");
const exchange = (index: number): [Uint8Array, Uint8Array] => {
  const stream = 2 * index + 101;
  return [
    join(call(stream, `Number${index}`), data(stream, message(50))),
    join(begin(stream), data(stream, message(600), false), trailers(stream, 0, `n${index}`)),
  ];
};

describe("gRPC", () => {
  keepsLaws({
    talk: TALK,
    connect: (form) => http2({ serverPort: 50051, ...form }),
    trips,
    line,
    whole: [
      "Unary 1>1 0 - ok",
      "Many 1>2 5 gone error",
      "Fill 3>1 0 - ok",
      "Both 2>2 0 - ok",
      "Refused 1>0 7 no error",
      "Cut 1>1 0 - ok",
    ],
    exchange,
    isRight: ({ request, response, status }, index) =>
      status === "ok" && request?.streamId === response?.streamId && response?.grpcMessage === `n${index}`,
    indexOf: ({ request }) => {
      const method = String(request?.method ?? "");
      return method.startsWith("Number") ? Number(method.slice(6)) : -1;
    },
    clean: [join(call(99, "Clean"), data(99, message(5))), join(begin(99), data(99, message(5), false), trailers(99, 0))],
    cleanLine: /^Clean 1>1 0 - ok/,
    bad: join(call(1, "Unary"), data(1, message(70)), call(3, "Many"), data(3, message(5))),
  });
});
