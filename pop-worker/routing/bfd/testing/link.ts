import { execFileSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { ip, testNamespace } from '#host/testing/namespace.ts';

/** One end of a link between two fresh namespaces. */
export interface LinkEnd {
  readonly namespace: string;
  /** Of the namespace, for `setns`. */
  readonly path: string;
  readonly device: string;
  readonly address4: string;
  readonly address6: string;
}

const DEVICE = 'veth0';
const NO_DAD = 'echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad; echo 0 > /proc/sys/net/ipv6/conf/all/accept_dad';

/** An end's address that only its link knows, and the number of its interface. */
export interface LinkLocal {
  readonly host: string;
  readonly index: number;
}

export const linkLocal = ({ namespace, device }: LinkEnd): LinkLocal => {
  const [found] = JSON.parse(ip('-n', namespace, '-j', 'address', 'show', 'dev', device)) as {
    readonly ifindex: number;
    readonly addr_info: readonly { readonly local: string; readonly scope: string }[];
  }[];
  const host = found?.addr_info.find(({ scope }) => scope === 'link')?.local;
  if (found === undefined || host === undefined) throw new Error(`${device} has no link-local address`);
  return { host, index: found.ifindex };
};

/** Puts a veth with both ends' addresses between two namespaces. */
export const joinEnds = (one: LinkEnd, other: LinkEnd): void => {
  const peer = ['peer', 'name', other.device, 'netns', other.namespace];
  ip('link', 'add', one.device, 'netns', one.namespace, 'type', 'veth', ...peer);
  for (const { namespace, device, address4, address6 } of [one, other]) {
    ip('-n', namespace, 'address', 'add', `${address4}/24`, 'dev', device);
    ip('-n', namespace, 'address', 'add', `${address6}/64`, 'dev', device, 'nodad');
    ip('-n', namespace, 'link', 'set', device, 'up');
  }
};

/** Two namespaces with a veth between them: 192.0.2.1, 2001:db8::1 and 192.0.2.2, 2001:db8::2. Needs root. */
export const testLink = (t: TestContext): readonly [LinkEnd, LinkEnd] => {
  const ends = [1, 2].map((last) => {
    const { name, path } = testNamespace(t);
    execFileSync('ip', ['netns', 'exec', name, 'sh', '-c', NO_DAD]);
    return {
      namespace: name,
      path,
      device: DEVICE,
      address4: `192.0.2.${last}`,
      address6: `2001:db8::${last}`,
    };
  }) as [LinkEnd, LinkEnd];
  joinEnds(...ends);
  return ends;
};
