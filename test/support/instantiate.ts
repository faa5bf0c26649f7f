/** Instantiates a module that `compile.ts` built: `imports` and further modules beside the `env.abort` that turns a failed assert into an Error. */
export function instantiate<Exports>(
  module: WebAssembly.Module,
  imports: Record<string, WebAssembly.ImportValue> = {},
  modules: WebAssembly.Imports = {},
): Exports {
  const memory = () => instance.exports.memory as WebAssembly.Memory;
  const abort = (_message: number, file: number, line: number, column: number) => {
    throw new Error(`assert failed at ${file === 0 ? "" : staticText(memory(), file)}:${line}:${column}`);
  };
  // A host that knows nobody's processes, unless the modules say otherwise.
  const host = { askOwner: () => {}, ...modules.host };
  const instance: WebAssembly.Instance = new WebAssembly.Instance(module, { ...modules, host, env: { abort, ...imports } });
  return instance.exports as Exports;
}

/** A string of the module's static memory, behind its length in bytes. */
function staticText(memory: WebAssembly.Memory, at: number): string {
  const bytes = new DataView(memory.buffer).getUint32(at - 4, true);
  return String.fromCharCode(...new Uint16Array(memory.buffer, at, bytes >> 1));
}
