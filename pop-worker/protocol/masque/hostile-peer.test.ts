import { test } from 'node:test';
import { playHttp3 } from '#protocol/http3/testing/hostile.ts';
import type { Recorder } from '#protocol/http3/testing/recorder.ts';
import type { Choices } from '#protocol/quic/testing/hostile/choices.ts';
import { EDGES, prefixed, varint } from '#protocol/quic/testing/hostile/encode.ts';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { acceptIpRequest } from './connect-ip.ts';
import { acceptTcpRequest } from './connect-tcp.ts';
import { acceptUdpRequest } from './connect-udp.ts';
import { ProxyLog } from './testing/proxy-log.ts';
import { IP, UDP } from './testing/tunnel-pair.ts';

const corpus = readCorpus(new URL('testing/corpus/hostile.json', import.meta.url));

const tunnel = (protocol: string, path: string): readonly string[] => [
  ':method: CONNECT',
  `:protocol: ${protocol}`,
  ':scheme: https',
  ':authority: proxy.example',
  `:path: ${path}`,
  'capsule-protocol: ?1',
];

const REQUESTS = [
  tunnel('connect-udp', '/.well-known/masque/udp/192.0.2.6/443/'),
  tunnel('connect-udp', '/.well-known/masque/udp/2001%3Adb8%3A%3A1/0/'),
  tunnel('connect-ip', '/.well-known/masque/ip/*/*/'),
  tunnel('connect-ip', '/.well-known/masque/ip/192.0.2.0%2F24/17/'),
  [':method: CONNECT', ':authority: a.example:443'],
];

/** Lets everybody in, and answers what comes. */
class Open extends ProxyLog {
  override udpWanted(...[tunnel, target, head]: Parameters<ProxyLog['udpWanted']>): void {
    super.udpWanted(tunnel, target, head);
    tunnel.accept();
  }

  override tcpWanted(...[tunnel, target, head]: Parameters<ProxyLog['tcpWanted']>): void {
    super.tcpWanted(tunnel, target, head);
    tunnel.accept();
  }

  override ipWanted(...[tunnel, scope, head]: Parameters<ProxyLog['ipWanted']>): void {
    super.ipWanted(tunnel, scope, head);
    tunnel.accept();
  }
}

/** Capsules of RFC 9297 §3.5 and RFC 9484 §4.7, mostly whole. */
const capsules = (c: Choices): number[] => {
  const address = (): number[] => [
    c.below(4),
    c.pick([4, 4, 6, 9]),
    ...c.bytes(c.pick([4, 4, 16])),
    c.pick([32, 24, 33, 0]),
  ];
  const range = (): number[] => [c.pick([4, 4, 6]), ...c.bytes(4), ...c.bytes(4), c.byte()];
  const several = (one: () => number[]): number[] => Array.from({ length: c.below(4) }, one).flat();
  const value = c.pick([
    () => [0, ...c.bytes(c.below(60))],
    () => several(address),
    () => several(range),
    () => [...c.bytes(c.below(20))],
  ])();
  const type = c.below(16) === 0 ? c.pick(EDGES) : c.pick([0, 1, 2, 3, 0x21]);
  return [...varint(type), ...(c.below(16) === 0 ? [...varint(c.pick(EDGES)), ...value] : prefixed(value))];
};

const prepare = (recorder: Recorder): void => {
  const proxy = new Open();
  recorder.onRequest = (http3, stream, head) =>
    void (
      acceptUdpRequest(http3, stream, head, UDP, proxy) ||
      acceptIpRequest(http3, stream, head, IP, proxy) ||
      acceptTcpRequest(http3, stream, head, proxy)
    );
};

test('a client with valid tunnels, whatever it says in them: only errors of the RFCs, within all limits', () => {
  survive(corpus, (bytes) => playHttp3(bytes, { requests: REQUESTS, content: capsules, prepare }), { mutants: 2000 });
});
