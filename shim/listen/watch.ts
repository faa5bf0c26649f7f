import type { IncomingMessage, ServerResponse } from "node:http";
import { json, wholeOf } from "./api";
import type { Reply } from "./reply";
import { WATCHERS_MAX, type Watched, type Watchers, type WatchForm } from "./watchers";

const TIMEOUT_SECONDS = 60;
const TIMEOUT_SECONDS_MAX = 3600;
const MAX_MAX = 999_999_999;

/** An answer that goes on. */
export interface Stream {
  open(request: IncomingMessage, response: ServerResponse): void;
}

/** `/api/v1/watch`: round trips as they are decided, or why not. */
export function watchReply(watchers: Watchers, parameters: URLSearchParams, accept: string | undefined): Reply | Stream {
  const filter = parameters.get("filter")?.trim() ?? "";
  const max = wholeOf(parameters.get("max") ?? String(MAX_MAX));
  const timeoutSeconds = wholeOf(parameters.get("timeout") ?? String(TIMEOUT_SECONDS));
  if (max < 1) return json(400, { error: `max is a number of round trips, from 1 to ${MAX_MAX}` });
  if (timeoutSeconds < 1 || timeoutSeconds > TIMEOUT_SECONDS_MAX)
    return json(400, { error: `timeout is a number of seconds, from 1 to ${TIMEOUT_SECONDS_MAX}` });
  const fault = watchers.faultOf(filter);
  if (fault !== undefined)
    return json(400, { error: `the filter, column ${fault.column}: ${fault.message}`, column: fault.column });
  if (watchers.isFull) return json(503, { error: `${WATCHERS_MAX} watch already; wait until one has ended` });
  const watched: Watched = { filter, max, timeoutMs: timeoutSeconds * 1000, form: formFor(accept) };
  return { open: (request, response) => watchers.add(request, response, watched) };
}

function formFor(accept = ""): WatchForm {
  return accept.toLowerCase().includes("text/event-stream") ? "events" : "ndjson";
}
