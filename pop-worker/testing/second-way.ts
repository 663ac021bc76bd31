import { execFileSync } from 'node:child_process';
import type { World } from './world.ts';

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

/**
 * A second way from a client's namespace, to another world's worker: routes may lead to either one.
 *
 * @returns makes the second one its way (IPv4), or the first one again
 */
export const secondWay = (namespace: string, world: World): ((isSecond: boolean) => void) => {
  const worker = world.workerNamespace;
  const first = (JSON.parse(ip('-n', namespace, '-j', 'route', 'show', 'default')) as { gateway: string }[])[0]
    ?.gateway;
  const own = /inet (\S+)\//.exec(ip('-n', namespace, '-4', '-o', 'address', 'show', 'eth0'))?.[1];
  ip('-n', namespace, 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'flip0', 'netns', worker);
  for (const [at, device, address] of [
    [namespace, 'eth1', '198.18.0.2/30'],
    [worker, 'flip0', '198.18.0.1/30'],
  ] as const) {
    ip('-n', at, 'address', 'add', address, 'dev', device);
    ip('-n', at, 'link', 'set', device, 'up');
  }
  ip('-n', worker, 'route', 'add', `${own}/32`, 'via', '198.18.0.2', 'dev', 'flip0');
  return (isSecond) =>
    void ip('-n', namespace, 'route', 'replace', 'default', 'via', isSecond ? '198.18.0.1' : `${first}`);
};
