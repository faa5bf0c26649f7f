/** HTTP under faults: GETs and POSTs with bodies of 5 KB and other sizes, outcomes of every class. */
import type { FaultyProtocol } from "./talk";

const CODES = [200, 200, 200, 404, 500, 204, 301];
const TEXT = new TextEncoder();

export const HTTP: FaultyProtocol = {
  name: "http",
  port: 80,
  exchange(connection, number) {
    const id = `/${connection}/${number}`;
    const code = CODES[(connection + number) % CODES.length]!;
    const posts = number % 5 === 4;
    const sent = posts ? "x".repeat(2000 + number) : "";
    const length = posts ? `Content-Length: ${sent.length}\r\n` : "";
    const body = code === 204 ? "" : "y".repeat(number % 3 === 2 ? 300 : 5000);
    return {
      id,
      outcome: String(code),
      request: TEXT.encode(`${posts ? "POST" : "GET"} ${id} HTTP/1.1\r\nHost: lab.test\r\n${length}\r\n${sent}`),
      response: TEXT.encode(`HTTP/1.1 ${code} Reason\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
    };
  },
  idOf: ({ request }) => request?.path as string | undefined,
  outcomeOf: ({ response }) => String(response?.statusCode),
};
