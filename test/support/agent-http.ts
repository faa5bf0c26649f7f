/** Asks a running agent by its own HTTP. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { readFileSync } from "node:fs";
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { type Run, runOf, startCommand, untilSays } from "./command";

/** A whole answer. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** How something is asked. */
export interface Asking {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** The answer to a request at a socket, as it begins to come. */
export function openSocket(
  socketPath: string,
  path: string,
  { method = "GET", headers, body }: Asking = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path, headers, method, agent: false }, resolve).once("error", reject).end(body);
  });
}

/** A whole answer to a request at a socket. */
export async function askSocket(
  socketPath: string,
  path: string,
  headers?: Record<string, string>,
  method?: string,
): Promise<Answer> {
  return wholeOf(await openSocket(socketPath, path, { headers, method }));
}

/** The rest of an answer. */
export async function wholeOf(response: IncomingMessage): Promise<Answer> {
  let text = "";
  for await (const more of response.setEncoding("utf8")) text += more;
  return { status: response.statusCode!, headers: response.headers, text };
}

/** An agent that answers at a socket in a folder, and all that it says. */
export class AskedAgent {
  said = "";
  readonly ended: Promise<Run>;

  private constructor(
    readonly child: ChildProcessWithoutNullStreams,
    readonly socket: string,
    private readonly token: string,
  ) {
    child.stderr.on("data", (text) => (this.said += text));
    this.ended = runOf(child);
  }

  /** Starts one with these words, `agent` and where it answers apart. */
  static async start(folder: string, words: readonly string[]): Promise<AskedAgent> {
    const socket = join(folder, "agent.sock");
    const child = startCommand([
      "agent",
      "--spool",
      join(folder, "spool"),
      "--edge",
      "here",
      "--listen",
      `unix:${socket}`,
      ...words,
    ]);
    await untilSays(child, /metrics are at .*\n/);
    return new AskedAgent(child, socket, readFileSync(join(folder, "spool/here.token"), "utf8").trim());
  }

  /** The answer to what is asked with the token, as it begins to come. */
  open(path: string, { headers, ...asking }: Asking = {}): Promise<IncomingMessage> {
    return openSocket(this.socket, path, { headers: { authorization: `Bearer ${this.token}`, ...headers }, ...asking });
  }

  async ask(path: string, asking?: Asking): Promise<Answer> {
    return wholeOf(await this.open(path, asking));
  }

  /** What is asked, in JSON. */
  async json<T = unknown>(path: string, asking?: Asking): Promise<{ status: number; value: T }> {
    const { status, text } = await this.ask(path, asking);
    return { status, value: JSON.parse(text) as T };
  }
}
