/** Packs bytes as a content encoding does. */
export async function pack(form: "gzip" | "deflate", bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream(form)));
  return new Uint8Array(await packed.arrayBuffer());
}
