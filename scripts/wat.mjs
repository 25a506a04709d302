import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files that a module of WebAssembly text becomes, and that nobody commits. */
export const isCompiled = (name) => name.endsWith('.wasm');

/** Paths of the WebAssembly text below a folder. */
function textsBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.wat'))
    .map((name) => join(folder, name));
}

/**
 * Compiles all WebAssembly text below `folder` to a .wasm beside it, where the module that uses it looks, when it runs
 * from source too.
 * @returns the paths of what was written
 * @throws Error with place and cause when a text is wrong
 */
export async function compileWat(folder) {
  const { default: load } = await import('wabt');
  const wabt = await load();
  return textsBelow(folder).map((path) => {
    const module = wabt.parseWat(path, readFileSync(path, 'utf8'), { simd: true, bulk_memory: true });
    try {
      module.resolveNames();
      module.validate();
      const compiled = path.replace(/\.wat$/, '.wasm');
      writeFileSync(compiled, module.toBinary({}).buffer);
      return compiled;
    } finally {
      module.destroy();
    }
  });
}
