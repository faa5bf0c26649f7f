/** What deepflow's own tests expect of its captures, and the same of round trips: a line a message. */
import type { RoundTrip } from "../../engine/round-trip";

/** Folder of its captures, and of what is expected of them. */
export const DEEPFLOW = "deepflowio/deepflow/agent/resources/test/flow_generator";

/** A protocol as both sides tell of it. */
interface Opinion {
  /** Folder of its captures. */
  folder: string;
  /** The line of a record; undefined where it says nothing that a round trip says. */
  theirs(record: Record<string, string>): string | undefined;
  ours(trip: RoundTrip): (string | undefined)[];
}

/** A record's fields: of JSON, or `name: value` with quotes and `Some()` taken off. */
export function fieldsOf(record: string): Record<string, string> {
  const json = /^(\{.*\}) /.exec(record);
  if (json) {
    const values = JSON.parse(json[1]!) as Record<string, unknown>;
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
  }
  const found: Record<string, string> = {};
  for (const match of record.matchAll(/(\w+): (?:Some\()?("(?:[^"\\]|\\.)*"|[\w.-]+)/g)) {
    found[match[1]!] ??= match[2]!.replace(/^"|"$/g, "");
  }
  return found;
}

/** Commands by their numbers; 0 stands for the handshake. */
const MYSQL_COMMANDS: Record<number, string> = {
  0: "connect",
  1: "quit",
  2: "init_db",
  3: "query",
  4: "field_list",
  14: "ping",
  22: "stmt_prepare",
  23: "stmt_execute",
  25: "stmt_close",
};
/** Commands of which both show the statement. */
const HAS_TEXT = /^(query|stmt_prepare)$/;

/** A statement as far as both keep it. */
const statement = (text: unknown) => String(text ?? "").slice(0, 60);
/** Words of MongoDB's commands as its first key. */
const firstKey = (text = "") => /\\?"([^"\\]+)/.exec(text)?.[1] ?? "";

export const OPINIONS: Record<string, Opinion> = {
  dns: {
    folder: "dns",
    theirs: (of) =>
      of.msg_type === "Request"
        ? `asked ${of.request_id} ${of.request_type} ${of.request_resource}`
        : `answered ${of.request_id} ${of.response_code}`,
    ours: ({ request, response }) => [
      request && `asked ${request.id} ${request.type} ${request.name}`,
      response && `answered ${response.id} ${response.rcode}`,
    ],
  },
  redis: {
    folder: "redis",
    theirs: (of) =>
      of.request_type !== ""
        ? `asked ${of.request_type?.toUpperCase()}`
        : `answered ${of.response_result === "Error" ? of.error : "ok"}`,
    ours: ({ request, response }) => [
      request && `asked ${request.command}`,
      response && `answered ${response.type === "error" ? `-${response.errorCode} ${response.errorMessage}` : "ok"}`,
    ],
  },
  amqp: {
    folder: "amqp",
    theirs: (of) => (of.method_id ? `${of.class_id}.${of.method_id}`.toLowerCase() : undefined),
    // What the server answers by closing is told of each that it ends, and once of itself.
    ours: ({ request, response }) =>
      [request, response?.method === "close" ? undefined : response].map(
        (one) => one && `${one.class}.${one.method}`.replace("-", ""),
      ),
  },
  kafka: {
    folder: "kafka",
    theirs: (of) => {
      if (of.msg_type === "Request") return `asked ${of.correlation_id} ${of.api_key} ${of.api_version}`;
      return of.msg_type === "Response" ? `answered ${of.correlation_id} ${of.status_code}` : undefined;
    },
    ours: ({ request, response }) => [
      request && `asked ${request.correlationId} ${request.apiName} ${request.apiVersion}`,
      response && `answered ${response.correlationId} ${response.errorCode}`,
    ],
  },
  mongodb: {
    folder: "mongo",
    theirs: (of) =>
      of.msg_type === "Request" ? `asked ${of.op_code_name} ${firstKey(of.request)}` : `answered ${of.op_code_name}`,
    ours: ({ request, response }) => [
      request && `asked ${request.opCode} ${request.command}`,
      response && `answered ${response.opCode}`,
    ],
  },
  mysql: {
    folder: "mysql",
    theirs: (of) => {
      if (of.msg_type === "Response") return `answered ${of.response_status === "ok" ? "ok" : of.response_code}`;
      // A session is a request that nothing answers.
      if (of.msg_type === "Other") return undefined;
      const command = MYSQL_COMMANDS[Number(of.request_type)] ?? of.request_type!;
      return `asked ${command} ${HAS_TEXT.test(command) ? statement(of.request_resource) : ""}`.trim();
    },
    ours: ({ request, response }) => [
      request && `asked ${request.command} ${HAS_TEXT.test(String(request.command)) ? statement(request.statement) : ""}`.trim(),
      response && `answered ${response.errorCode ?? "ok"}`,
    ],
  },
  postgresql: {
    folder: "postgre",
    // Of an execution it shows no statement.
    theirs: (of) => {
      if (of.msg_type === "Other") return undefined;
      return of.msg_type === "Request" ? "asked" : `answered ${of.status}`;
    },
    ours: ({ request, response }) => [request && "asked", response && `answered ${response.sqlState ?? "ok"}`],
  },
  http: {
    folder: "http",
    theirs: (of) => {
      if (of.msg_type === "Request") return `asked ${of.stream_id} ${of.path?.split("?")[0]}`;
      return of.msg_type === "Response" ? `answered ${of.stream_id} ${of.status_code}` : undefined;
    },
    ours: ({ protocol, request, response }) => {
      if (!/^(http|http2|grpc)$/.test(protocol)) return [];
      const path = request?.path ?? (request?.service ? `/${request.service}/${request.method}` : "");
      const code = response?.statusCode ?? response?.httpStatus;
      return [
        request && `asked ${request.streamId ?? "None"} ${path}`,
        response && `answered ${response.streamId ?? "None"} ${code}`,
      ];
    },
  },
};
