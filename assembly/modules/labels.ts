/** The labels that more than one module uses; a value's place in its list is its number for ever. */
import { declareLabel } from "../aggregate/label";
import { STATUS_NAMES } from "../roundtrip/marks";

/** Numbers of labels; never reused. */
export class Labels {
  static readonly DIRECTION: u32 = 1;
  static readonly FAMILY: u32 = 2;
  static readonly TRANSPORT: u32 = 3;
  static readonly STATUS: u32 = 4;
  static readonly TCP_FLAG: u32 = 5;
  static readonly MALFORMED: u32 = 6;
  static readonly UNDECODED: u32 = 7;
  static readonly REFUSED: u32 = 8;
  static readonly MESSAGE: u32 = 9;
  static readonly OWNER: u32 = 10;
  static readonly DNS_RCODE: u32 = 20;
  static readonly DNS_FLAG: u32 = 21;
  static readonly DNS_MALFORMED: u32 = 22;
  static readonly HTTP_METHOD: u32 = 30;
  static readonly STATUS_CLASS: u32 = 31;
  static readonly HTTP_MALFORMED: u32 = 32;
  static readonly GRPC_STATUS: u32 = 36;
  static readonly TLS_VERSION: u32 = 34;
  static readonly UNOPENED: u32 = 35;
  static readonly SENDER: u32 = 37;
  static readonly OPCODE: u32 = 38;
  static readonly CLOSE: u32 = 39;
}

/** Values of the label `transport`. */
export class TransportLabel {
  static readonly TCP: u32 = 0;
  static readonly UDP: u32 = 1;
  static readonly ICMP: u32 = 2;
  static readonly SCTP: u32 = 3;
  static readonly OTHER: u32 = 4;
  static readonly COUNT: u32 = 5;
}

/** Values of the label `family`. */
export class FamilyLabel {
  static readonly IPV4: u32 = 0;
  static readonly IPV6: u32 = 1;
  static readonly OTHER: u32 = 2;
  static readonly COUNT: u32 = 3;
}

/** Declares the labels of this file, before any metric. */
export function declareLabels(): void {
  declareLabel(Labels.DIRECTION, "direction", "in,out,unknown");
  declareLabel(Labels.FAMILY, "family", "ipv4,ipv6,other");
  // "other" holds fragments too, whatever they carry.
  declareLabel(Labels.TRANSPORT, "transport", "tcp,udp,icmp,sctp,other");
  declareLabel(Labels.STATUS, "status", STATUS_NAMES);
  declareLabel(Labels.MESSAGE, "message", "request,response");
}

/** The value of label `transport` for an IP protocol number. */
export function transportLabel(protocol: u32): u32 {
  if (protocol == 6) return TransportLabel.TCP;
  if (protocol == 17) return TransportLabel.UDP;
  if (protocol == 1 || protocol == 58) return TransportLabel.ICMP;
  return protocol == 132 ? TransportLabel.SCTP : TransportLabel.OTHER;
}
