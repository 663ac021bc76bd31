import { parseArgs } from 'node:util';

const options = {
  listen: { type: 'string', default: '127.0.0.1:0' },
  server: { type: 'string', default: '' },
  name: { type: 'string', default: 'peer.test' },
  cert: { type: 'string', default: '' },
  key: { type: 'string', default: '' },
  ca: { type: 'string', default: '' },
  alpn: { type: 'string', default: 'h3' },
  root: { type: 'string', default: '.' },
  download: { type: 'string', default: '.' },
  retry: { type: 'boolean', default: false },
  suites: { type: 'string', default: '' },
  version: { type: 'string', default: '' },
  connections: { type: 'string', default: '1' },
  resume: { type: 'boolean', default: false },
  early: { type: 'boolean', default: false },
  'key-update': { type: 'boolean', default: false },
  migrate: { type: 'string', default: '' },
  tun: { type: 'string', default: '' },
  address: { type: 'string', default: '' },
  client: { type: 'string', default: '' },
  route: { type: 'string', default: '0.0.0.0/0' },
  ask: { type: 'string', default: '0.0.0.0/32' },
  mtu: { type: 'string', default: '1280' },
  target: { type: 'string', default: '' },
  count: { type: 'string', default: '10' },
} as const;

/** What the flags of a program say; the peers' programs take the same ones (`peers/quic-go/main.go`). */
export type Arguments = ReturnType<typeof parseArguments>;

export const parseArguments = (args: readonly string[]) => {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  return { ...values, requests: positionals };
};

/** `host:port`, IPv6 in brackets. */
export const splitAddress = (text: string): { host: string; port: number } => {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(at + 1)) };
};
