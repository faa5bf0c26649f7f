/** Which protocols have a form of their own in which the core keeps what they carry (assembly/protocols/shared/payload.ts), and who reads it. */
import type { BodyOwner, MessageFields } from "../../../engine/round-trip";
import { kafkaValues } from "./kafka";
import { mongoValues } from "./mongodb";
import { mysqlValues } from "./mysql";
import { postgresqlValues } from "./postgresql";
import { redisValues } from "./redis";
import type { Value } from "./value";

/** What is in the first bytes of a message, a line each. They may end anywhere, be none of the protocol's, and nest as deep as they like. */
export type PayloadReader = (bytes: Uint8Array, fields: MessageFields, owner: BodyOwner) => Value[];

/** By the protocol's name. */
export const PAYLOADS: Readonly<Record<string, PayloadReader>> = {
  kafka: kafkaValues,
  mongodb: mongoValues,
  mysql: mysqlValues,
  postgresql: postgresqlValues,
  redis: redisValues,
};
