// A thread that tries tests against one text of a file after the other, each time with all modules of the clone anew.
import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { forget, runRegistered } from './quick-test.ts';

/** File and tests with their whole paths. */
export interface QuickData {
  readonly root: string;
  readonly file: string;
  readonly tests: readonly string[];
}

/** What is told: that the next of the tests' files begins, at last whether all tests pass. */
export type QuickReport = 'next' | boolean;

const { root, file, tests } = workerData as QuickData;
const own = new URL('quick-test.ts', import.meta.url).href;
const inClone = `${pathToFileURL(root).href}/`;
const packages = `${inClone}node_modules/`;
const stripped = new Map<string, string>();
let generation = 0;
let source = '';

const sourceOf = (path: string): string => {
  if (path === file) return source;
  const known = stripped.get(path) ?? stripTypeScriptTypes(readFileSync(path, 'utf8'));
  stripped.set(path, known);
  return known;
};

registerHooks({
  resolve: (specifier, context, next) => {
    if (specifier === 'node:test') return { url: own, format: 'module', shortCircuit: true };
    const found = next(specifier, context);
    const isOurs = found.url.startsWith(inClone) && !found.url.startsWith(packages) && found.url !== own;
    return isOurs ? { ...found, url: `${found.url}?${generation}` } : found;
  },
  load: (url, context, next) => {
    const [plain = '', query] = url.split('?');
    if (query === undefined || !plain.endsWith('.ts')) return next(plain, context);
    return { format: 'module', source: sourceOf(fileURLToPath(plain)), shortCircuit: true };
  },
});

/** @returns whether all tests pass */
const attempt = async (text: string): Promise<boolean> => {
  source = text;
  generation++;
  try {
    for (const path of tests) {
      parentPort?.postMessage('next');
      await import(pathToFileURL(path).href);
      await runRegistered();
    }
    return true;
  } catch {
    return false;
  } finally {
    forget();
  }
};

parentPort?.on('message', async (text: string) => parentPort?.postMessage(await attempt(text)));
