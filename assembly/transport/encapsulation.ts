/**
 * The tunnels that a transport may turn out to be, and the way to them.
 *
 * A tunnel leads back to link and net, from which the transport was reached: the way there is a function of `net/tunnel.ts` that
 * is put in at the start, so that imports run one way.
 */

/** A kind of tunnel. */
export enum Tunnel {
  NONE = 0,
  IPV4,
  IPV6,
  GRE,
  ETHERIP,
  MPLS,
  VXLAN,
  VXLAN_GPE,
  GENEVE,
}

const PORT_GRE: u32 = 4754;
const PORT_VXLAN: u32 = 4789;
const PORT_VXLAN_GPE: u32 = 4790;
const PORT_GENEVE: u32 = 6081;
/** Linux's port for VXLAN before there was a registered one. */
const PORT_VXLAN_LINUX: u32 = 8472;

/** The tunnel that uses UDP port `port`, or Tunnel.NONE. */
export function tunnelOfPort(port: u32): u32 {
  switch (port) {
    case PORT_VXLAN:
    case PORT_VXLAN_LINUX:
      return Tunnel.VXLAN;
    case PORT_GENEVE:
      return Tunnel.GENEVE;
    case PORT_VXLAN_GPE:
      return Tunnel.VXLAN_GPE;
    case PORT_GRE:
      return Tunnel.GRE;
    default:
      return Tunnel.NONE;
  }
}

export class Encapsulation {
  /** Index of `openTunnel` of net/tunnel.ts. */
  static open: u32 = 0;
}

/** Opens a tunnel at `p`; see `openTunnel`. */
export function throughTunnel(tunnel: u32, p: usize, end: usize, missing: u32): bool {
  return call_indirect<bool>(Encapsulation.open, tunnel, p, end, missing);
}
