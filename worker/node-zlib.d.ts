/** What the Worker uses of workerd's own zlib, without the types of the rest of Node. */
declare module "node:zlib" {
  export function deflateSync(bytes: Uint8Array): Uint8Array;
  export function gunzipSync(bytes: Uint8Array, options: { maxOutputLength: number }): Uint8Array;
  export function inflateSync(bytes: Uint8Array, options: { maxOutputLength: number }): Uint8Array;
}
