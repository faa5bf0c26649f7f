/** What the metrics of WebSocket are in websocket-scenario.ts. */
import { addsUp, all, breakdownLines, count, distinct, type Expectation, histogram, OUT, once, top } from "./expectations";
import { SENT } from "./websocket-scenario";

const CLIENTS = { ...OUT, sender: "client" };
const SERVERS = { ...OUT, sender: "server" };
const LIVE = "/live/{id}";

export const WEBSOCKET: Record<string, Expectation> = {
  websocket_requests_total: all(count(1, { status: "ok" }), count(2, { status: "error" }), count(3, OUT)),
  websocket_malformed_total: count(1),
  // From the handshake's end to the last frame.
  websocket_duration_seconds: histogram(3, 0.002 + 0.003 + 0.902, OUT),
  websocket_request_bytes: histogram(3, SENT.good.length + SENT.bad.length + SENT.slow.length, OUT),
  websocket_response_bytes: histogram(3, 3 + 4 + 12 + 4, OUT),
  websocket_clients: distinct(1, OUT),
  websocket_servers: distinct(1, OUT),
  websocket_top_paths: top({ [LIVE]: 3 }),
  websocket_top_slow: top(once([LIVE])),
  websocket_top_failing: top({ [LIVE]: 2 }),
  websocket_connections: all(breakdownLines([`${LIVE} ok 1 0`, `${LIVE} error 2 2`]), addsUp("websocket")),
  websocket_frames_total: all(
    count(2, { ...CLIENTS, opcode: "text" }),
    count(1, { ...CLIENTS, opcode: "binary" }),
    count(1, { ...CLIENTS, opcode: "ping" }),
    count(2, { ...CLIENTS, opcode: "close" }),
    count(1, { ...SERVERS, opcode: "pong" }),
    count(3, { ...SERVERS, opcode: "close" }),
    count(10),
  ),
  websocket_payload_bytes_total: all(
    count(8, { ...CLIENTS, opcode: "text" }),
    count(4, { ...CLIENTS, opcode: "binary" }),
    count(2 + 2, { ...CLIENTS, opcode: "close" }),
    count(2 + 10 + 2, { ...SERVERS, opcode: "close" }),
    count(1, { ...SERVERS, opcode: "pong" }),
  ),
  websocket_closes_total: all(
    count(2, { close: "normal" }),
    count(1, { ...SERVERS, close: "protocol_error" }),
    count(2, { close: "private" }),
    count(5),
  ),
};
