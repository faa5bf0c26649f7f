/** What the backup uses of Node, which workerd has under `nodejs_compat`. */
declare module "node:crypto" {
  interface Hash {
    update(data: Uint8Array | string): Hash;
    digest(encoding: "hex"): string;
  }
  export function createHash(algorithm: "sha256"): Hash;
}

declare module "node:buffer" {
  interface Bytes extends Uint8Array<ArrayBuffer> {
    toString(encoding?: "base64"): string;
  }
  export const Buffer: {
    from(data: ArrayBuffer): Bytes;
    from(text: string, encoding?: "base64"): Bytes;
    concat(pieces: readonly Uint8Array[]): Bytes;
  };
}
