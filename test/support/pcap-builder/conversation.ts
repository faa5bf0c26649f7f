/** A TCP conversation that keeps its own sequence numbers. */
import { type Bytes, toBytes } from "./bytes";
import { type Captured, START_NS } from "./file";
import type { Layer } from "./layer";
import { ethernet } from "./link";
import { ipv4, ipv6 } from "./net";
import { tcp } from "./transport";

/** Which side of a conversation. */
export type Side = "client" | "server";

interface ConversationForm {
  client?: string;
  server?: string;
  clientPort?: number;
  serverPort?: number;
  clientSequence?: number;
  serverSequence?: number;
  startNs?: bigint;
  stepNs?: bigint;
  /** Wraps the network layer into a frame; Ethernet by default. */
  frame?: (net: Layer) => Uint8Array;
}

/** Builds the packets of one connection, a step of time apart, in the order of the calls. */
export class Conversation {
  readonly packets: Captured[] = [];
  readonly next: Record<Side, number>;
  private readonly form: Required<ConversationForm>;
  private timeNs: bigint;
  private ids: Record<Side, number> = { client: 1, server: 1 };

  constructor(form: ConversationForm = {}) {
    this.form = {
      client: "192.0.2.1",
      server: "192.0.2.2",
      clientPort: 40000,
      serverPort: 80,
      clientSequence: 1000,
      serverSequence: 5000,
      startNs: START_NS,
      stepNs: 1_000_000n,
      frame: ethernet,
      ...form,
    };
    this.timeNs = this.form.startNs;
    this.next = { client: this.form.clientSequence, server: this.form.serverSequence };
  }

  /** Lets time pass before the next packet. */
  wait(ns: bigint): this {
    this.timeNs += ns;
    return this;
  }

  /** A packet as it is, from one side; moves no sequence number. */
  packet(from: Side, flags: string, payload: Bytes = [], sequence = this.next[from]): this {
    const { client, server, clientPort, serverPort } = this.form;
    const to: Side = from === "client" ? "server" : "client";
    const [source, destination] = from === "client" ? [client, server] : [server, client];
    const [sourcePort, destinationPort] = from === "client" ? [clientPort, serverPort] : [serverPort, clientPort];
    const acknowledgment = flags.includes(".") ? this.next[to] : 0;
    const segment = tcp(payload, { sourcePort, destinationPort, sequence, acknowledgment, flags });
    const id = this.ids[from]++;
    const net = source.includes(":") ? ipv6(segment, { source, destination }) : ipv4(segment, { source, destination, id });
    this.packets.push({ timeNs: this.timeNs, bytes: this.form.frame(net) });
    this.timeNs += this.form.stepNs;
    return this;
  }

  private advance(side: Side, count: number): this {
    this.next[side] = (this.next[side] + count) >>> 0;
    return this;
  }

  /** The three-way handshake. */
  open(): this {
    this.packet("client", "S").advance("client", 1);
    this.packet("server", "S.").advance("server", 1);
    return this.packet("client", ".");
  }

  /** Data from one side, in one segment or in segments of `segmentBytes`, not acknowledged by itself. */
  send(from: Side, payload: Bytes, segmentBytes = Number.POSITIVE_INFINITY): this {
    const bytes = toBytes(payload);
    for (let at = 0; at < bytes.length; at += segmentBytes) {
      const part = bytes.subarray(at, Math.min(bytes.length, at + segmentBytes));
      this.packet(from, "P.", part).advance(from, part.length);
    }
    return this;
  }

  /** Data that was sent but not captured. */
  lose(from: Side, payload: Bytes): this {
    return this.advance(from, toBytes(payload).length);
  }

  /** An acknowledgment without data. */
  acknowledge(from: Side): this {
    return this.packet(from, ".");
  }

  /** The FIN of one side. */
  finish(from: Side): this {
    return this.packet(from, "F.").advance(from, 1);
  }

  /** FIN from both sides, client first, and the last acknowledgment. */
  close(): this {
    return this.finish("client").finish("server").acknowledge("client");
  }

  /** A reset. */
  reset(from: Side): this {
    return this.packet(from, "R.");
  }
}
