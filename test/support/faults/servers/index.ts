/** The real servers whose talk is held under faults. */
import { REAL_AMQP } from "./amqp";
import { REAL_GRPC } from "./grpc";
import { REAL_HTTP, REAL_HTTP2 } from "./http";
import { REAL_REDIS } from "./redis";
import { REAL_MYSQL, REAL_POSTGRESQL } from "./sql";

export const REAL_SERVERS = [REAL_HTTP, REAL_REDIS, REAL_MYSQL, REAL_POSTGRESQL, REAL_AMQP, REAL_HTTP2, REAL_GRPC];
