import { execFileSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { ip, testNamespace } from '#host/testing/namespace.ts';

/** One end of a link between two fresh namespaces. */
export interface LinkEnd {
  readonly namespace: string;
  readonly path: string;
  readonly address4: string;
  readonly address6: string;
}

export const DEVICE = 'veth0';
const NO_DAD = 'echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad; echo 0 > /proc/sys/net/ipv6/conf/all/accept_dad';

/** Two namespaces with a veth between them: 192.0.2.1, 2001:db8::1 and 192.0.2.2, 2001:db8::2. Needs root. */
export const testLink = (t: TestContext): readonly [LinkEnd, LinkEnd] => {
  const ends = [1, 2].map((last) => {
    const { name, path } = testNamespace(t);
    execFileSync('ip', ['netns', 'exec', name, 'sh', '-c', NO_DAD]);
    return { namespace: name, path, address4: `192.0.2.${last}`, address6: `2001:db8::${last}` };
  }) as [LinkEnd, LinkEnd];
  const [one, other] = ends;
  ip('link', 'add', DEVICE, 'netns', one.namespace, 'type', 'veth', 'peer', 'name', DEVICE, 'netns', other.namespace);
  for (const { namespace, address4, address6 } of ends) {
    ip('-n', namespace, 'address', 'add', `${address4}/24`, 'dev', DEVICE);
    ip('-n', namespace, 'address', 'add', `${address6}/64`, 'dev', DEVICE, 'nodad');
    ip('-n', namespace, 'link', 'set', DEVICE, 'up');
  }
  return ends;
};
