/** Health of TCP connections, per direction of the segment that shows it. */

import { declareLabel } from "../aggregate/label";
import { declareMetric, Kind } from "../aggregate/metric";
import { countAdd, histogramObserve } from "../aggregate/observe";
import { Labels } from "./labels";

const SECONDS_SCALE: u32 = 1;

export class TcpMetrics {
  private static flags: u32 = 0;
  private static retransmissions: u32 = 0;
  private static earlySegments: u32 = 0;
  private static duplicateAcks: u32 = 0;
  private static zeroWindows: u32 = 0;
  private static handshakes: u32 = 0;

  static declare(): void {
    declareLabel(Labels.TCP_FLAG, "flag", "syn,syn_ack,rst");
    TcpMetrics.flags = declareMetric(
      105,
      Kind.COUNTER,
      "",
      "net_tcp_segments_total",
      "TCP segments that open or reset a connection, by flag.",
      0,
      Labels.DIRECTION,
      Labels.TCP_FLAG,
      0,
    );
    TcpMetrics.retransmissions = counter(106, "net_tcp_retransmissions_total", "TCP segments that brought bytes again.");
    TcpMetrics.earlySegments = counter(107, "net_tcp_out_of_order_total", "TCP segments that came before their turn.");
    TcpMetrics.duplicateAcks = counter(
      108,
      "net_tcp_duplicate_acks_total",
      "TCP acknowledgements that acknowledged nothing new.",
    );
    TcpMetrics.zeroWindows = counter(109, "net_tcp_zero_windows_total", "Times that a TCP receiver closed its window.");
    TcpMetrics.handshakes = declareMetric(
      110,
      Kind.HISTOGRAM,
      "seconds",
      "net_tcp_handshake_seconds",
      "Time from SYN to the client's first acknowledgement.",
      SECONDS_SCALE,
      Labels.DIRECTION,
      0,
      0,
    );
  }

  static syn(direction: u32, acknowledges: bool): void {
    countAdd(TcpMetrics.flags + direction * 3 + (acknowledges ? 1 : 0), 1);
  }

  static reset(direction: u32): void {
    countAdd(TcpMetrics.flags + direction * 3 + 2, 1);
  }

  static retransmission(direction: u32): void {
    countAdd(TcpMetrics.retransmissions + direction, 1);
  }

  static outOfOrder(direction: u32): void {
    countAdd(TcpMetrics.earlySegments + direction, 1);
  }

  static duplicateAck(direction: u32): void {
    countAdd(TcpMetrics.duplicateAcks + direction, 1);
  }

  static zeroWindow(direction: u32): void {
    countAdd(TcpMetrics.zeroWindows + direction, 1);
  }

  /** Takes one handshake's duration, ns, in the direction of the client's segments. */
  static handshake(direction: u32, durationNs: u64): void {
    histogramObserve(TcpMetrics.handshakes + direction, durationNs, 1);
  }
}

function counter(id: u32, name: string, help: string): u32 {
  return declareMetric(id, Kind.COUNTER, "", name, help, 0, Labels.DIRECTION, 0, 0);
}
