/** The part of the optional npm package `cap` that is used. */
declare module "cap" {
  class Cap {
    static deviceList(): { name: string; description?: string; addresses?: { addr: string }[]; flags?: string }[];
    open(device: string, filter: string, bufferBytes: number, into: Buffer): string;
    on(event: "packet", take: (length: number, truncated: boolean) => void): this;
    close(): void;
  }
  const module: { Cap: typeof Cap };
  export default module;
}
