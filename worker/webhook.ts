import type { Environment } from "./environment";
import { quote, Refusal } from "./refusal";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Where events are posted; null where they are not. Refuses what is no address, or neither over TLS nor on this host. */
export function webhookOf({ WEBHOOK_URL: given }: Environment): URL | null {
  if (given === undefined || given === "") return null;
  const url = parse(given);
  const isSafe = url !== null && (url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname)));
  if (isSafe && url.username === "" && url.password === "") return url;
  const reason = `this hub's WEBHOOK_URL is ${quote(given)}: set an address like https://example.com/hook, or http on this host`;
  throw new Refusal(503, "bad_setting", reason);
}

function parse(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
