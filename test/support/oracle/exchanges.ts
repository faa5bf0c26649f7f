/** Pairs requests with their responses. */
import { type DnsMessage, dnsMessage } from "./dns-message";
import { type HttpMessage, httpMessage } from "./http-message";
import type { Assembled, Connection } from "./tcp-stream";

/** An HTTP request, or a response that stands alone. */
export interface HttpExchange {
  client: string;
  request?: HttpMessage;
  response?: HttpMessage;
  /** Status codes before the last, 1xx. */
  interim: number[];
  /** From the request's first byte to the response's last. */
  durationNs?: number;
}

/** A DNS message with its times. */
export interface TimedDns {
  message: DnsMessage;
  /** When its first byte came, over TCP that of its length. */
  firstNs: bigint;
  /** When its last byte came. */
  timeNs: bigint;
}

/** Whether what follows is another conversation inside this one. */
function isTunnel(request: HttpMessage, status: number): boolean {
  return status === 101 || (request.method === "CONNECT" && status >= 200 && status < 300);
}

/** Whether HTTP goes on inside a tunnel. */
function goesOn(requests: Assembled, at: number): boolean {
  const next = httpMessage(requests, at);
  return next?.start === at && next.method !== "";
}

/** The exchanges of a connection that speaks HTTP/1. */
export function httpExchanges(connection: Connection, requests: Assembled, responses: Assembled): HttpExchange[] {
  const client = connection.client.address;
  const exchanges: HttpExchange[] = [];
  let asked = 0;
  let answered = 0;
  while (true) {
    const request = httpMessage(requests, asked);
    const interim: number[] = [];
    let response = httpMessage(responses, answered, request?.method);
    while (response && response.status < 200 && response.status !== 101) {
      interim.push(response.status);
      response = httpMessage(responses, response.end, request?.method);
    }
    if (!request && !response) return exchanges;
    const exchange: HttpExchange = { client, interim };
    if (request) exchange.request = request;
    if (response) exchange.response = response;
    if (request && response) exchange.durationNs = Number(responses.timeNs(response.end - 1) - requests.timeNs(request.start));
    exchanges.push(exchange);
    if (request && response && isTunnel(request, response.status) && !goesOn(requests, request.end)) return exchanges;
    asked = request?.end ?? requests.length;
    answered = response?.end ?? responses.length;
  }
}

/** The DNS messages of one stream of a connection, lengths before them; undefined where it holds something else. */
export function dnsOverTcp(stream: Assembled): TimedDns[] | undefined {
  const found: TimedDns[] = [];
  let at = 0;
  while (at + 2 <= stream.length && stream.hole(at) >= at + 2) {
    const end = at + 2 + ((stream.bytes[at]! << 8) | stream.bytes[at + 1]!);
    if (end > stream.hole(at)) break;
    const message = dnsMessage(stream.bytes.subarray(at + 2, end));
    if (!message) return undefined;
    found.push({ message, firstNs: stream.timeNs(at), timeNs: stream.timeNs(end - 1) });
    at = end;
  }
  return found.length > 0 ? found : undefined;
}
