import { hubAddress, isOnThisHost } from "../post/hub-address";
import { HubClock } from "../post/hub-clock";
import { readObject, sendRequest, speaksNoTls, unreachedReason } from "../post/hub-request";
import { USER_AGENT } from "../version";
import { type Finding, failed, ok, skipped } from "./finding";
import type { Subject } from "./subject";

const TIMEOUT_MS = 10_000;
const REASON_MAX = 300;
/** Codes of Node for a certificate that it does not trust. */
const CERTIFICATE = /CERT|ALTNAME|UNABLE_TO_VERIFY/;

/** What `/v1/hello` says, as far as it is needed. */
interface Hello {
  service?: unknown;
  time?: unknown;
  abi?: unknown;
  limits?: { ahead_seconds?: unknown; late_seconds?: unknown };
}

/** Whether the hub answers, and is one. Throws Failure where its address is none. */
export async function checkHub(subject: Subject): Promise<Finding> {
  const { hub, insecure } = subject.options;
  if (hub === undefined) return skipped("none is given: nothing would leave this host; --hub or TALLYWIRE_HUB names one");
  const address = hubAddress(hub, insecure);
  const clock = new HubClock();
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const sentMs = Date.now();
    const url = new URL("v1/hello", address);
    const response = await sendRequest(url, { headers: { "user-agent": USER_AGENT }, agent: false, signal });
    const hello = ((await readObject(response)) ?? {}) as Hello;
    const receivedMs = Date.now();
    if (hello.service !== "tallywire" || typeof hello.time !== "number") return noHub(url, response.statusCode, hello);
    clock.note(sentMs, receivedMs, hello.time * 1000);
    const { ahead_seconds: ahead, late_seconds: late } = hello.limits ?? {};
    subject.hub = { address, clock, aheadSeconds: secondsOf(ahead), lateSeconds: secondsOf(late) };
    return ok(`${address.origin} answers within ${receivedMs - sentMs} ms; its core has ABI ${Number(hello.abi)}`);
  } catch (error) {
    const reason = signal.aborted ? "it does not answer" : unreachedReason(error);
    return failed(`${address.origin} cannot be reached: ${reason}`, mendOf(address, error));
  }
}

/** Something answers, and it is no hub, or one that is set up wrongly and says so. */
function noHub(url: URL, status: number | undefined, body: object): Finding {
  const { error, reason } = body as { error?: unknown; reason?: unknown };
  if (typeof error === "string")
    return failed(
      `the hub answers ${status} ${error}: ${reason}`.slice(0, REASON_MAX),
      "mend its settings; docs/hub.md lists them",
    );
  return failed(`what answers at ${url} is no hub (status ${status})`, "give the hub's own address with --hub or TALLYWIRE_HUB");
}

const secondsOf = (value: unknown) => (typeof value === "number" ? value : Number.POSITIVE_INFINITY);

function mendOf(address: URL, error: unknown): string {
  const { origin, hostname } = address;
  const { code = "" } = error as NodeJS.ErrnoException;
  if (speaksNoTls(error)) {
    const clear = origin.replace("https:", "http:");
    return isOnThisHost(address) ? `write ${clear}` : `put TLS before it, or write ${clear} with --insecure`;
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return `mend the name in --hub, or what resolves it: getent hosts ${hostname}`;
  if (CERTIFICATE.test(code)) return "have Node trust the CA that signed it: NODE_EXTRA_CA_CERTS=/etc/ssl/certs/own-ca.pem";
  if (code === "ECONNREFUSED") return "start the hub there, or give its own port with --hub or TALLYWIRE_HUB";
  return `let HTTPS through to it: curl -v ${origin}/v1/hello shows where it ends`;
}
