/**
 * A call's body as its messages: each behind a prefix of five bytes, which is not shown.
 *
 * ```
 *   0 compressed u8, 0 or 1 | 1 length u32, in network order | message
 * ```
 */

const PREFIX_BYTES = 5;
const CALL_TYPE = /^application\/grpc($|[+; ])/i;

/** Whether a content type is that of calls. */
export function isCall(contentType: string): boolean {
  return CALL_TYPE.test(contentType);
}

/** The messages in the first bytes of a body; the last one may be cut, and what is left of a prefix is none. */
export function callMessages(bytes: Uint8Array): { content: Uint8Array; isCompressed: boolean }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages = [];
  for (let at = 0; at + PREFIX_BYTES <= bytes.length; ) {
    const start = at + PREFIX_BYTES;
    const end = start + view.getUint32(at + 1);
    messages.push({ content: bytes.subarray(start, end), isCompressed: bytes[at] === 1 });
    at = end;
  }
  return messages;
}
