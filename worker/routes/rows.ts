import type { Context } from "hono";
import { type Formattable, format, MEDIA_TYPES } from "../query/format";
import { Refusal } from "../refusal";

/** Rows in the form that a request's Accept header asks for. */
export function rowsIn(context: Context, answer: Formattable): Response {
  const formatted = format(answer, context.req.header("accept"));
  if (formatted !== null) {
    return new Response(formatted.body, { headers: { "content-type": formatted.type, vary: "accept, authorization" } });
  }
  throw new Refusal(406, "not_acceptable", `an answer can be had as ${MEDIA_TYPES.join(", ")}; send one of them in accept`);
}
