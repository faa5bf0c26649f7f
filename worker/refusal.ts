/** What is wrong with a request, as the client reads it: the status, a stable code, and a reason that says what to change. */
export interface Refused {
  status: 400 | 401 | 403 | 404 | 405 | 406 | 409 | 413 | 415 | 422 | 429 | 500 | 503;
  code: string;
  reason: string;
}

/** A request that is refused; thrown in the Worker, never across an RPC. */
export class Refusal extends Error {
  constructor(
    readonly status: Refused["status"],
    readonly code: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${code}: ${reason}`, options);
    this.name = "Refusal";
  }

  /** The plain form, which passes RPC and JSON. */
  get refused(): Refused {
    return { status: this.status, code: this.code, reason: this.reason };
  }
}

/** A short, safe quotation of foreign text in a reason. */
export function quote(text: unknown): string {
  const json = JSON.stringify(text) ?? String(text);
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}
