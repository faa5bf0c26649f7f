/** The protocols, a line each; the number of one is its place here for ever. */
import { declareDns } from "./dns/dns";
import { declareHttp } from "./http/http";
import { declareMysql } from "./mysql/mysql";
import { declarePg } from "./postgresql/postgresql";

/** Declares every protocol with its fields and metrics. */
export function declareProtocols(): void {
  declareDns(1);
  declareHttp(2);
  declareMysql(4);
  declarePg(5);
}
