/** What a core wants of its host (assembly/host.ts), of one that has no secrets. */
export const hostOf = (eventsFull: () => void = () => {}): WebAssembly.ModuleImports => ({
  eventsFull,
  keysOpen: () => 0,
  keysRecord: () => -1,
  keysNext: () => {},
  keysClose: () => {},
  secretsTake: () => {},
});
