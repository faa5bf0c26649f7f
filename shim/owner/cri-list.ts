import { connect as connectHttp2, constants } from "node:http2";
import { connect } from "node:net";
import { type ContainerList, containerName, type ListedContainer } from "./container-names";
import { fieldsOf, mapEntry, textOf } from "./protobuf";

const ANSWER_MS = 2000;
const ANSWER_BYTES_MAX = 8 << 20;
const PATH = "/runtime.v1.RuntimeService/ListContainers";
/** A gRPC message: whether it is compressed, and its length. */
const FRAME_BYTES = 5;

/** Fields of ListContainersResponse, Container and ContainerMetadata. Source: kubernetes/cri-api, runtime/v1/api.proto. */
const CONTAINERS = 1;
const CONTAINER = { id: 1, metadata: 3, labels: 8 } as const;
const METADATA_NAME = 1;

/** Containers of containerd or CRI-O, by Kubernetes' runtime interface: gRPC on a socket. */
export function criList(socketPath: string): ContainerList {
  return async () => {
    const message = await call(socketPath);
    return fieldsOf(message).flatMap(({ number, bytes }) => (number === CONTAINERS && bytes ? listed(bytes) : []));
  };
}

function listed(bytes: Uint8Array): ListedContainer[] {
  const labels: Record<string, string> = {};
  let number = "";
  let own = "";
  for (const field of fieldsOf(bytes)) {
    if (field.bytes === undefined) continue;
    if (field.number === CONTAINER.id) number = textOf(field.bytes);
    else if (field.number === CONTAINER.metadata) own = metadataName(field.bytes);
    else if (field.number === CONTAINER.labels) {
      const [key, value] = mapEntry(field.bytes);
      labels[key] = value;
    }
  }
  return number === "" ? [] : [{ number, ...containerName(own, labels) }];
}

function metadataName(bytes: Uint8Array): string {
  const name = fieldsOf(bytes).find(({ number }) => number === METADATA_NAME)?.bytes;
  return name === undefined ? "" : textOf(name);
}

/** The message that ListContainers answers to an empty one, which asks for all. */
async function call(socketPath: string): Promise<Uint8Array> {
  const session = connectHttp2("http://localhost", { createConnection: () => connect(socketPath) });
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      const asked = session.request({
        [constants.HTTP2_HEADER_METHOD]: "POST",
        [constants.HTTP2_HEADER_PATH]: PATH,
        [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
        [constants.HTTP2_HEADER_TE]: "trailers",
      });
      const chunks: Buffer[] = [];
      let bytes = 0;
      session.on("error", reject);
      asked.on("error", reject);
      asked.setTimeout(ANSWER_MS, () => reject(new Error("there was no answer in time")));
      asked.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) reject(new Error("the answer is too long"));
        else chunks.push(chunk);
      });
      asked.on("end", () => {
        const answer = Buffer.concat(chunks);
        const length = answer.length < FRAME_BYTES ? -1 : answer.readUInt32BE(1);
        if (length < 0 || answer[0] !== 0 || length > answer.length - FRAME_BYTES) reject(new Error("this is no answer"));
        else resolve(answer.subarray(FRAME_BYTES, FRAME_BYTES + length));
      });
      asked.end(Buffer.alloc(FRAME_BYTES));
    });
  } finally {
    session.destroy();
  }
}
