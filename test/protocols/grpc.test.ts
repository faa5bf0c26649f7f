/** gRPC: calls in HTTP/2 streams. */
import { describe, expect, test } from "vitest";
import { answer, data, FLAG, fields, frame, get, headers, http2, indexed, statusFields, TYPE, tripsOf } from "../support/http2";
import { type Captured, join, number } from "../support/pcap-builder";

const CONTENT: [string, string] = ["content-type", "application/grpc"];
const call = (stream: number, path = "/lab.v1.Echo/Say", more: [string, string][] = []) =>
  headers(stream, fields("POST", path, [CONTENT, ["te", "trailers"], ...more]), false);
const message = (length: number, compressed = 0) => join([compressed], number(length, 4), "m".repeat(length));
const begin = (stream: number) => headers(stream, statusFields(200, [CONTENT]), false);
const trailers = (stream: number, status: number, text?: string) =>
  headers(
    stream,
    join(
      ...[["grpc-status", String(status)], ...(text === undefined ? [] : [["grpc-message", text]])].map(([n, v]) =>
        field(n!, v!),
      ),
    ),
  );
const field = (name: string, value: string) => join([0, name.length], name, [value.length], value);

/** A call in one line: "Say 2>1 unary 0 OK ok". */
function calls(packets: Captured[]): string[] {
  return tripsOf(packets).map(({ protocol, request: asked, response: answered, status }) => {
    const counts = `${asked?.messages ?? "-"}>${answered?.messages ?? "-"}`;
    const result = `${answered?.grpcStatus ?? "-"} ${answered?.grpcStatusName ?? "-"}`;
    return [protocol, asked?.method ?? "-", counts, asked?.kind ?? "-", result, status].join(" ");
  });
}

describe("calls", () => {
  test("unary, with all fields", () => {
    const more: [string, string][] = [
      ["grpc-timeout", "5S"],
      ["grpc-encoding", "gzip"],
      ["user-agent", "probe/1"],
      ["traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
    ];
    const asked = join(call(1, "/lab.v1.Echo/Say", more), data(1, message(7, 1)));
    const first = headers(1, statusFields(200, [CONTENT, ["grpc-encoding", "deflate"]]), false);
    const answered = join(first, data(1, message(3), false), trailers(1, 0, "well"));
    const talk = http2().send("client", asked).send("server", answered).close();
    expect(calls(talk.packets)).toEqual(["grpc Say 1>1 unary 0 OK ok"]);
    const [trip] = tripsOf(talk.packets);
    expect(trip?.request).toEqual({
      bytes: asked.length,
      streamId: 1,
      service: "lab.v1.Echo",
      method: "Say",
      kind: "unary",
      authority: "lab.test",
      contentType: "application/grpc",
      timeout: "5S",
      encoding: "gzip",
      userAgent: "probe/1",
      traceparent: more[3]![1],
      messages: 1,
      messageBytes: 7,
      compressed: true,
      bodyBytes: 12,
    });
    expect(trip?.response).toEqual({
      bytes: answered.length,
      streamId: 1,
      httpStatus: 200,
      contentType: "application/grpc",
      encoding: "deflate",
      grpcStatus: 0,
      grpcStatusName: "OK",
      grpcMessage: "well",
      messages: 1,
      messageBytes: 3,
      compressed: false,
      bodyBytes: 8,
    });
  });

  test("a service's name may have slashes: the method stands behind the last", () => {
    const talk = http2().send("client", join(call(1, "/prefix/lab.Echo/Say"), data(1, message(1))));
    talk.send("server", join(begin(1), trailers(1, 0))).close();
    expect(tripsOf(talk.packets)[0]?.request).toMatchObject({ service: "prefix/lab.Echo", method: "Say" });
  });

  test("a body that is no messages is not counted, and its outcome stands", () => {
    const talk = http2().send("client", join(call(1), data(1, "no messages at all")));
    talk.send("server", join(begin(1), data(1, message(1), false), trailers(1, 0))).close();
    expect(calls(talk.packets)).toEqual(["grpc Say ->1 - 0 OK ok"]);
  });

  test("all four kinds, messages cut over frames and several in one", () => {
    const two = join(message(10), message(2000));
    const talk = http2();
    talk
      .send("client", join(call(1, "/e/Client"), data(1, two.slice(0, 3), false), data(1, two.slice(3))))
      .send("server", join(begin(1), data(1, message(1), false), trailers(1, 0)));
    talk
      .send("client", join(call(3, "/e/Server"), data(3, message(0))))
      .send("server", join(begin(3), data(3, two.slice(0, 17), false), data(3, two.slice(17), false), trailers(3, 0)), 7);
    talk
      .send("client", join(call(5, "/e/Both"), data(5, two)))
      .send("server", join(begin(5), data(5, two, false), trailers(5, 0)));
    talk
      .send("client", join(call(7, "/e/One"), data(7, message(1))))
      .send("server", join(begin(7), data(7, message(1), false), trailers(7, 0)));
    expect(calls(talk.close().packets)).toEqual([
      "grpc Client 2>1 client-stream 0 OK ok",
      "grpc Server 1>2 server-stream 0 OK ok",
      "grpc Both 2>2 bidirectional 0 OK ok",
      "grpc One 1>1 unary 0 OK ok",
    ]);
  });

  test("errors: trailers alone, after messages, without a message, with one", () => {
    const only = (stream: number, status: number) =>
      headers(
        stream,
        join(statusFields(200, [CONTENT]), field("grpc-status", String(status)), field("grpc-message", "no%20such")),
      );
    const talk = http2().send("client", join(...[1, 3, 5].map((id) => join(call(id), data(id, message(1))))));
    talk
      .send("server", join(only(1, 5), begin(3), data(3, message(4), false), trailers(3, 13), begin(5), trailers(5, 99)))
      .close();
    expect(calls(talk.packets)).toEqual([
      "grpc Say 1>0 unary 5 NOT_FOUND error",
      "grpc Say 1>1 unary 13 INTERNAL error",
      "grpc Say 1>0 unary 99 99 error",
    ]);
    expect(tripsOf(talk.packets).map(({ response }) => response?.grpcMessage)).toEqual(["no%20such", undefined, undefined]);
  });

  test("deadlines and cancellation", () => {
    const talk = http2().send("client", join(call(1, "/e/A", [["grpc-timeout", "10m"]]), data(1, message(1)), call(3, "/e/B")));
    talk.send("server", join(begin(1), trailers(1, 4)));
    talk.send("client", frame(TYPE.reset, 0, 3, number(8, 4))).close();
    expect(calls(talk.packets)).toEqual(["grpc A 1>0 unary 4 DEADLINE_EXCEEDED error", "grpc B 0>- - - - reset"]);
    expect(tripsOf(talk.packets)[1]?.request?.reset).toBe("CANCEL");
  });

  test("an HTTP error, and a response that ends without a status, are errors", () => {
    const talk = http2().send("client", join(call(1), data(1, message(1)), call(3), data(3, message(1))));
    talk.send("server", join(answer(1, 503), begin(3), data(3, message(1)))).close();
    expect(calls(talk.packets)).toEqual(["grpc Say 1>- - - - error", "grpc Say 1>1 unary - - error"]);
    expect(tripsOf(talk.packets).map(({ response }) => response?.httpStatus)).toEqual([503, 200]);
  });

  test("other content types are HTTP/2's", () => {
    const talk = http2().send("client", headers(1, fields("POST", "/a/b", [["content-type", "application/grpc-web"]])));
    talk
      .send("client", headers(3, fields("POST", "/a/b", [["content-type", "application/grpc+proto"]])))
      .send("client", get(5, "/c"));
    talk.send("server", join(answer(1), begin(3), trailers(3, 0), answer(5))).close();
    expect(tripsOf(talk.packets).map(({ protocol }) => protocol)).toEqual(["http2", "grpc", "http2"]);
  });
});

test("a call that ended early has no kind: more may have been to come", () => {
  const begun = () => http2().send("client", join(call(1), data(1, message(1))));
  const one = join(begin(1), data(1, message(1), false));
  const cut = begun().send("server", one).close();
  expect(calls(cut.packets)).toEqual(["grpc Say 1>1 - - - closed"]);
  const more = begun()
    .send("server", join(one, data(1, message(1), false)))
    .close();
  expect(calls(more.packets)).toEqual(["grpc Say 1>2 server-stream - - closed"]);
});

describe("missing bytes", () => {
  test("inside a message cost a mark, of prefixes the count", () => {
    const bytes = join(call(1), data(1, join(message(3000), message(5))));
    const inside = http2()
      .send("client", bytes.slice(0, 1000))
      .lose("client", bytes.slice(1000, 2000))
      .send("client", bytes.slice(2000));
    inside
      .acknowledge("server")
      .wait(200_000_000n)
      .send("server", join(begin(1), trailers(1, 0)))
      .close();
    expect(calls(inside.packets)).toEqual(["grpc Say 2>0 client-stream 0 OK ok"]);
    const end = bytes.length - 12;
    const prefix = http2()
      .send("client", bytes.slice(0, end))
      .lose("client", bytes.slice(end, end + 9))
      .send("client", bytes.slice(end + 9));
    prefix
      .acknowledge("server")
      .wait(200_000_000n)
      .send("server", join(begin(1), trailers(1, 0)))
      .close();
    expect(calls(prefix.packets)).toEqual(["grpc Say ->0 - 0 OK ok"]);
  });

  test("with the trailers: the status is not known, and not guessed", () => {
    const talk = http2()
      .send("client", join(call(1), data(1, message(1))))
      .send("server", join(begin(1), data(1, message(1), false)));
    talk.lose("server", trailers(1, 7)).acknowledge("client").wait(200_000_000n).acknowledge("client");
    talk
      .send("client", call(3))
      .wait(200_000_000n)
      .send("server", join(begin(3), trailers(3, 0)))
      .close();
    expect(calls(talk.packets)).toEqual(["grpc Say 0>0 - 0 OK ok", "grpc Say 1>- - - - unobserved"]);
  });

  test("with the request, and with the response's headers", () => {
    const talk = http2()
      .lose("client", join(call(1), data(1, message(1))))
      .send("server", join(begin(1), trailers(1, 5)));
    talk
      .acknowledge("client")
      .wait(200_000_000n)
      .send("client", join(call(3), data(3, message(1))));
    talk.lose("server", begin(3)).send("server", trailers(3, 2)).acknowledge("client").wait(200_000_000n).close();
    expect(calls(talk.packets)).toEqual(["grpc - ->0 - 5 NOT_FOUND error", "grpc Say 1>- - 2 UNKNOWN error"]);
  });

  test("with the response's headers: when it began is not known", () => {
    const talk = http2().send("client", join(call(1), data(1, message(1))));
    talk.lose("server", join(begin(1), data(1, message(1), false))).wait(300_000_000n);
    talk.send("server", trailers(1, 0)).acknowledge("client").wait(200_000_000n).close();
    const [trip] = tripsOf(talk.packets);
    expect([trip?.status, trip?.marks, trip?.timing.serverNs, trip?.timing.responseNs]).toEqual([
      "ok",
      ["gap"],
      undefined,
      undefined,
    ]);
    expect(trip?.durationNs).toBeDefined();
  });

  test("with what says that they are calls: how they went is not known, unless their trailers say it", () => {
    const hidden = (stream: number) => headers(stream, join(fields("POST", "/lab.v1.Echo/Say"), indexed(90)), false);
    const answered = (stream: number) => headers(stream, join(statusFields(200), indexed(90)), false);
    const unnamed = (stream: number) => headers(stream, join(indexed(91)));
    const asked = http2().send("client", join(...[1, 3, 5, 7].flatMap((stream) => [hidden(stream), data(stream, message(1))])));
    asked.send("client", headers(9, join(fields("GET", "/page"), indexed(90))));
    const bodies = join(answered(1), unnamed(1), answered(3), trailers(3, 12), answered(5), data(5, "text"), answered(7));
    asked.send("server", join(bodies, answered(9), data(9, "text"))).close();
    const outcomes = tripsOf(asked.packets).map(({ protocol, request, status }) =>
      [request?.streamId, protocol, status].join(" "),
    );
    expect(outcomes.sort()).toEqual(["1 http2 unobserved", "3 grpc error", "5 http2 ok", "7 http2 unobserved", "9 http2 ok"]);
  });

  test("a field of the table that is not known leaves a side partial", () => {
    const talk = http2().send("client", join(headers(1, join(fields("POST", "/e/A", [CONTENT]), indexed(90)), false)));
    talk.send("client", data(1, message(1)));
    talk.send("server", join(headers(1, join(statusFields(200, [CONTENT]), indexed(90)), false), trailers(1, 0))).close();
    const [trip] = tripsOf(talk.packets);
    expect(trip).toMatchObject({ protocol: "grpc", request: { partial: true }, response: { partial: true, grpcStatus: 0 } });
  });

  test("padding is no message", () => {
    const padded = frame(TYPE.data, FLAG.padded | FLAG.endStream, 1, join([5], message(3), "\0\0\0\0\0"));
    const talk = http2()
      .send("client", join(call(1), padded))
      .send("server", join(begin(1), trailers(1, 0)))
      .close();
    expect(calls(talk.packets)).toEqual(["grpc Say 1>0 unary 0 OK ok"]);
  });
});
