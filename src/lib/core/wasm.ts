/** What is used of Node's WebAssembly, which the types of Node 20 name without describing it. */
interface WebAssemblyEngine {
  Memory: new (options: { initial: number }) => { buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: object };
}

const { WebAssembly: engine } = globalThis as unknown as { WebAssembly: WebAssemblyEngine };

/** Size of a page of memory, in bytes. */
const PAGE = 65536;

/** Zeroed memory for a module, of at least so many bytes. */
export function createMemory(bytes: number): { buffer: ArrayBuffer } {
  return new engine.Memory({ initial: Math.ceil(bytes / PAGE) });
}

/** The functions that a module exports. */
export function instantiate(module: Uint8Array, memory: { buffer: ArrayBuffer }): object {
  return new engine.Instance(new engine.Module(module), { env: { memory } }).exports;
}
