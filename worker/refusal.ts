/** What is wrong with a request, as the client reads it: the status, a stable code, and a reason that says what to change. */
export interface Refused {
  status: 400 | 401 | 403 | 404 | 405 | 406 | 408 | 409 | 413 | 415 | 422 | 429 | 500 | 503;
  code: string;
  reason: string;
  /** When the same would be taken, where that is known. */
  retryAfterSeconds?: number;
}

/** A request that is refused; thrown in the Worker, never across an RPC. */
export class Refusal extends Error {
  private retryAfterSeconds: number | undefined;

  constructor(
    readonly status: Refused["status"],
    readonly code: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${code}: ${reason}`, options);
    this.name = "Refusal";
  }

  /** What an object said, to be thrown in the Worker. */
  static of(refused: Refused): Refusal {
    const refusal = new Refusal(refused.status, refused.code, refused.reason);
    refusal.retryAfterSeconds = refused.retryAfterSeconds;
    return refusal;
  }

  /** The plain form, which passes RPC and JSON. */
  get refused(): Refused {
    const { status, code, reason, retryAfterSeconds } = this;
    return { status, code, reason, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
  }
}

/** A short, safe quotation of foreign text in a reason. */
export function quote(text: unknown): string {
  const json = textOf(text);
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // What nests some thousand deep can be read, but not written.
    return "what nests too deep";
  }
}
