import { execFileSync } from 'node:child_process';
import type { TestContext } from 'node:test';

export { inNamespace } from '../thread/namespace.ts';

/** Why a test that makes network namespaces cannot run here, or false. */
export const needsRoot: string | false = process.getuid?.() === 0 ? false : 'needs root to make network namespaces';

/** Runs `ip` with these arguments. @returns what it printed */
export const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

let made = 0;

/** A fresh network namespace with loopback up, deleted after the test. @returns its name and path */
export const testNamespace = (t: TestContext): { name: string; path: string } => {
  const name = `cbt-${process.pid}-${++made}`;
  ip('netns', 'add', name);
  t.after(() => ip('netns', 'delete', name));
  ip('-n', name, 'link', 'set', 'lo', 'up');
  return { name, path: `/run/netns/${name}` };
};
