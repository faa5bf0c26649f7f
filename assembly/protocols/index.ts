/** The protocols, a line each; the number of one is its place here for ever. */
import { declareAmqp } from "./amqp/amqp";
import { declareDns } from "./dns/dns";
import { declareGrpc } from "./grpc/grpc";
import { declareHttp } from "./http/http";
import { declareHttp2 } from "./http2/http2";
import { declareKafka } from "./kafka/kafka";
import { declareMongo } from "./mongodb/mongodb";
import { declareMysql } from "./mysql/mysql";
import { declarePg } from "./postgresql/postgresql";
import { declareRedis } from "./redis/redis";
import { declareTls } from "./tls/tls";
import { declareWebSocket } from "./websocket/websocket";

/** Declares every protocol with its fields and metrics. */
export function declareProtocols(): void {
  declareDns(1);
  declareHttp(2);
  declareRedis(3);
  declareMysql(4);
  declarePg(5);
  declareKafka(6);
  declareMongo(7);
  declareAmqp(8);
  declareHttp2(9);
  declareGrpc(10);
  declareTls(11);
  declareWebSocket(12);
}
