/** The protocols, a line each; the number of one is its place here for ever. */
import { declareAmqp } from "./amqp/amqp";
import { declareDns } from "./dns/dns";
import { declareHttp } from "./http/http";
import { declareKafka } from "./kafka/kafka";

/** Declares every protocol with its fields and metrics. */
export function declareProtocols(): void {
  declareDns(1);
  declareHttp(2);
  declareKafka(6);
  declareAmqp(8);
}
