/** A core of an ABI that there will never be, and of which nothing but its version may be asked. */

export function abiVersion(): u32 {
  return 4_000_000_001;
}

export function configure(_role: u32, _budget: u32, _settingsLength: u32): u32 {
  unreachable();
  return 0;
}
