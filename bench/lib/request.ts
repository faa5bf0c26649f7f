import type { Pool } from "undici";

type Request = Parameters<Pool["request"]>[0];

/** Attempts of one request; as an edge makes them, whose bundles count once. */
const ATTEMPTS_MAX = 5;

/** Sends a request, again where the connection was closed as it was written; gives status and text of the answer. */
export async function request(pool: Pool, options: Request): Promise<{ status: number; text: string }> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { statusCode, body } = await pool.request(options);
      return { status: statusCode, text: await body.text() };
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || (error as { code?: string }).code === undefined) throw error;
    }
  }
}
