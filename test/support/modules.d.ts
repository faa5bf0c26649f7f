declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "*?bytes" {
  const bytes: Uint8Array;
  export default bytes;
}
