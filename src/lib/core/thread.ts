import { Worker } from 'node:worker_threads';

/**
 * Starts a thread with a module of ours. Run from the sources, it needs the loader that reads them.
 * @param module address of the module without its extension, made with `new URL('./name', import.meta.url)`
 * @param workerData what the module finds as `workerData`
 */
export function startThread(module: URL, workerData: unknown): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL(`${module.href}.js`), { workerData });
  const loader = import.meta.resolve('tsx/esm/api');
  const code = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); import(${JSON.stringify(`${module.href}.ts`)}); })`;
  return new Worker(code, { eval: true, workerData });
}
