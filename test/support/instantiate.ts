/** Instantiates a module that `compile.ts` built: `imports` beside the `env.abort` that turns a failed assert into an Error. */
export function instantiate<Exports>(module: WebAssembly.Module, imports: Record<string, WebAssembly.ImportValue> = {}): Exports {
  const abort = (_message: number, _file: number, line: number, column: number) => {
    throw new Error(`assert failed at ${line}:${column}`);
  };
  const instance = new WebAssembly.Instance(module, { env: { abort, ...imports } });
  return instance.exports as Exports;
}
