/** The first bytes of a body as they are shown: decompressed, and with what it says hidden unless asked for. */
import type { BodyReader } from "../../engine/round-trip";
import { PAYLOADS } from "./bodies/payloads";
import { valueText } from "./bodies/value";
import { decoded } from "./decompress";
import { callMessages, isCall } from "./grpc-body";
import { hiddenForm, hiddenJson } from "./hidden-literals";

/** Characters that are shown at the most, however well they were compressed. */
const CHARACTERS_MAX = 8192;
const JSON_TYPE = /^application\/([a-z0-9.!#$&^_+-]*[+.-])?(json|ndjson)\b/i;
const FORM_TYPE = /^application\/x-www-form-urlencoded\b/i;
/** What no text has. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const NO_TEXT = /[\0-\x08\x0e-\x1a\x1c-\x1f\ufffd]/;

/** Makes the text of a body of its first bytes: as it is where `raw`, else with the literals of JSON and forms hidden, and others left out. */
export function bodyReader(raw = false): BodyReader {
  return (bytes, message, owner) => {
    if (bytes.length === 0) return "";
    const values = PAYLOADS[owner.protocol]?.(bytes, message, owner);
    if (values)
      return values
        .map((value) => valueText(value, raw))
        .join("\n")
        .slice(0, CHARACTERS_MAX);
    const type = String(message.contentType ?? "");
    if (!isCall(type)) return shown(bytes, String(message.contentEncoding ?? ""), type, raw);
    const coding = String(message.encoding ?? "");
    // The text of messages in another form than JSON is none, whatever it looks like.
    const show = (one: Uint8Array, encoding: string) =>
      JSON_TYPE.test(type) ? shown(one, encoding, type, raw) : binary(one, decoded(one, encoding), encoding, type, raw);
    return callMessages(bytes)
      .map(({ content, isCompressed }) =>
        content.length === 0 ? "(0 bytes)" : show(content, isCompressed ? coding || "compressed" : ""),
      )
      .join("\n")
      .slice(0, CHARACTERS_MAX);
  };
}

function shown(bytes: Uint8Array, encoding: string, type: string, raw: boolean): string {
  const plain = decoded(bytes, encoding);
  if (plain === undefined) return `(${bytes.length} bytes, ${encoding})`;
  const text = new TextDecoder().decode(plain, { stream: true }).slice(0, CHARACTERS_MAX);
  if (NO_TEXT.test(text)) return binary(bytes, plain, encoding, "binary", raw);
  if (raw) return text;
  if (JSON_TYPE.test(type)) return hiddenJson(text);
  if (FORM_TYPE.test(type)) return hiddenForm(text);
  return `(${bytes.length} bytes, ${type || "no content type"}; --raw shows them)`;
}

/** What is no text: in base64 where `raw`, else how much of it there is, and of which type. */
function binary(bytes: Uint8Array, plain: Uint8Array | undefined, encoding: string, type: string, raw: boolean): string {
  if (plain === undefined) return `(${bytes.length} bytes, ${encoding})`;
  return raw ? `base64:${Buffer.from(plain).toString("base64").slice(0, CHARACTERS_MAX)}` : `(${bytes.length} bytes, ${type})`;
}
