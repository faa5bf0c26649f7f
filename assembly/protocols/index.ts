/** The protocols, a line each; the number of one is its place here for ever. */
import { declareDns } from "./dns/dns";
import { declareHttp } from "./http/http";
import { declareTls } from "./tls/tls";

/** Declares every protocol with its fields and metrics. */
export function declareProtocols(): void {
  declareDns(1);
  declareHttp(2);
  declareTls(11);
}
