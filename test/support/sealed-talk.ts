/** Conversations of HTTP under TLS with secrets of our own, and what is told and counted of them. */
import type { TlsOpener } from "../../engine/tls/opener";
import { type Conversation, pcap } from "./pcap-builder";
import { readRoundTrips } from "./round-trips";
import { openerOf, type Sender12, type Sender13 } from "./sealed-tls";
import { totalsOf } from "./summaries";

/** A request. */
export const get = (path: string) => `GET /${path} HTTP/1.1\r\nHost: lab.test\r\n\r\n`;
/** A response. */
export const answer = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

interface Senders {
  client: Sender12 | Sender13;
  server: Sender12 | Sender13;
}

/** One request and its answer. */
export function ask(talk: Conversation, { client, server }: Senders, path: string): Conversation {
  return talk.send("client", client.say(get(path))).send("server", server.say(answer(`${path}!`)));
}

/** The capture of a conversation. */
export const fileOf = (talk: Conversation) => pcap(talk.packets);
/** What is told of requests inside, as "/a 200". */
export const told = (talk: Conversation, log: string, opener: TlsOpener = openerOf(log)) =>
  readRoundTrips(fileOf(talk), { tlsOpener: opener })
    .filter(({ protocol }) => protocol === "http")
    .map(({ request, response }) => `${request?.path ?? "-"} ${response?.statusCode ?? "-"}`);
/** Records by whether they were opened, and why not. */
export function counted(talk: Conversation, log: string): Record<string, number> {
  const totals = totalsOf(fileOf(talk), { tlsOpener: openerOf(log) });
  const rows = totals.rows("tls_unopened_records_total").filter(({ value, labels }) => labels.unopened && value);
  const counts: Record<string, number> = { opened: totals.count("tls_opened_records_total") };
  for (const { labels, value = 0 } of rows) counts[labels.unopened!] = (counts[labels.unopened!] ?? 0) + value;
  return counts;
}
