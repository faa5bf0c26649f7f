/** Captures of others that hold HTTP/2 in the clear from its beginning. */

const SURICATA = "upstream/OISF/suricata-verify/tests";

export const HTTP2_CAPTURES = [
  "app-layer-protocol-exact/input.pcap",
  "drop-protocol-change/input.pcap",
  "http2-continuation/input.pcap",
  "http2-deflate-case/input.pcap",
  "http2-deflate/http2_deflate.pcap",
  "http2-keywords2/input.pcap",
  "http2-range/http2-range.pcap",
  "http2-userinfo-authority/http2_userinfo_in_authority_1.pcap",
].map((name) => `${SURICATA}/${name}`);
