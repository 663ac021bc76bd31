import type { TestContext } from 'node:test';
import { inNamespace, ip, testNamespace } from '#host/testing/namespace.ts';
import { KernelRoutes, type KernelRoutesOptions } from '../kernel-routes.ts';

/** A network namespace with two links, `a0` (192.0.2.1/24, 2001:db8:a::1) and `b0` (198.51.100.1/24, 2001:db8:b::1). */
export interface World {
  readonly name: string;
  readonly path: string;
  /** Runs `ip` inside; @returns what it printed */
  ip(...args: string[]): string;
  /** As `ip -j` prints it. */
  seen(...args: string[]): Record<string, unknown>[];
  /** Opened inside, closed after the test. */
  open(options?: KernelRoutesOptions): Promise<KernelRoutes>;
}

export const world = (t: TestContext): World => {
  const { name, path } = testNamespace(t);
  const inside = (...args: string[]): string => ip('-n', name, ...args);
  for (const [link, v4, v6] of [
    ['a', '192.0.2.1/24', '2001:db8:a::1/64'],
    ['b', '198.51.100.1/24', '2001:db8:b::1/64'],
  ] as const) {
    inside('link', 'add', `${link}0`, 'type', 'veth', 'peer', 'name', `${link}1`);
    inside('address', 'add', v4, 'dev', `${link}0`);
    inside('address', 'add', v6, 'dev', `${link}0`, 'nodad');
    for (const end of ['0', '1']) inside('link', 'set', `${link}${end}`, 'up');
  }
  return {
    name,
    path,
    ip: inside,
    seen: (...args) => JSON.parse(inside('-j', ...args) || '[]'),
    open: async (options) => {
      const opened = inNamespace(path, () => KernelRoutes.open(options));
      const routes = await opened;
      t.after(() => routes.close());
      return routes;
    },
  };
};

/** Until something holds. @throws Error after twenty seconds */
export const until = async (what: string, holds: () => boolean): Promise<void> => {
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`not within twenty seconds: ${what}`);
};
