import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { addressOf } from '#host/udp/address.ts';
import {
  connectHttp3,
  connectQuic,
  listenQuic,
  type SavedSession,
  serveHttp3,
  type TransportOptions,
} from './index.ts';

const authority = createAuthority();
const identities = [authority.issue('library.test')];
const LISTEN = { address: '127.0.0.1', port: 0, alpn: ['test'], identities };
const CONNECT = { host: '127.0.0.1', port: 9, alpn: ['test'], trustAnchors: authority.pem };
const SERVE = { address: '127.0.0.1', port: 0, identities, fetch: () => new Response() };

/** What programs without types may pass. */
type Loose = Readonly<Record<string, unknown>>;
const listen = (more: Loose) => listenQuic({ ...LISTEN, ...more } as typeof LISTEN);
const connect = (more: Loose) => connectQuic({ ...CONNECT, ...more } as typeof CONNECT);
const serve = (more: Loose) => serveHttp3({ ...SERVE, ...more } as typeof SERVE);
const connect3 = ({ alpn: _, ...more }: Loose) => {
  const { alpn: __, ...where } = CONNECT;
  return connectHttp3({ ...where, ...more } as typeof where);
};

const sockets = (): number => readdirSync('/proc/self/fd').length;

/** Is refused by one sentence, in no time and without a socket left behind. */
const refused = async (make: () => unknown, message: string): Promise<void> => {
  const before = sockets();
  await assert.rejects(async () => await make(), { name: 'RangeError', message });
  assert.equal(sockets(), before, message);
};

const MOST = Number.MAX_SAFE_INTEGER;
const VERSIONS = 'a list of 1 (RFC 9000), 0x6b3343cf (RFC 9369) or both, most wanted first';

/** Smallest and largest of each setting that is a number, with the section that says so. */
const RANGES: readonly (readonly [keyof TransportOptions, number, number, string])[] = [
  ['maxIdleTimeoutMs', 0, MOST, 'RFC 9000 §10.1'],
  ['keepAliveUs', 0, MOST, 'RFC 9000 §10.1.2'],
  ['handshakeTimeoutUs', 1, MOST, ''],
  ['initialDatagramBytes', 1200, 65_527, 'RFC 9000 §14.1, §18.2'],
  ['maxDatagramBytes', 1200, 65_527, 'RFC 9000 §14.1, §18.2'],
  ['initialMaxData', 0, MOST, 'RFC 9000 §18.2'],
  ['initialMaxStreamDataBidiLocal', 0, MOST, 'RFC 9000 §18.2'],
  ['initialMaxStreamDataBidiRemote', 0, MOST, 'RFC 9000 §18.2'],
  ['initialMaxStreamDataUni', 0, MOST, 'RFC 9000 §18.2'],
  ['initialMaxStreamsBidi', 0, MOST, 'RFC 9000 §4.6'],
  ['initialMaxStreamsUni', 0, MOST, 'RFC 9000 §4.6'],
  ['maxConnectionWindow', 0, MOST, 'RFC 9000 §4.1'],
  ['maxStreamWindow', 0, MOST, 'RFC 9000 §4.1'],
  ['cryptoBufferBytes', 4096, 2 ** 30, 'RFC 9000 §7.5'],
  ['maxAckDelayMs', 0, 16_383, 'RFC 9000 §18.2'],
  ['minAckDelayUs', 0, MOST, 'draft-ietf-quic-ack-frequency §3'],
  ['ackDelayExponent', 0, 20, 'RFC 9000 §18.2'],
  ['activeConnectionIdLimit', 2, 65_536, 'RFC 9000 §18.2'],
  ['maxDatagramFrameSize', 0, MOST, 'RFC 9221 §3'],
  ['datagramQueueBytes', 0, 2 ** 30, ''],
  ['datagramQueueCount', 0, 2 ** 24, ''],
  ['maxEarlyPackets', 0, 65_536, 'RFC 9000 §5.7'],
  ['maxEarlyBytes', 0, 2 ** 30, 'RFC 9000 §5.7'],
  ['keyUpdatePackets', 1, 2 ** 22, 'RFC 9001 §6.6'],
];

for (const [name, min, max, source] of RANGES) {
  const allowed = `a whole number from ${min} to ${max}${source && ` (${source})`}`;
  test(`transport.${name} is ${allowed}, and both ends work`, async () => {
    const bad = [min - 1, max + 1, Number.NaN, min + 0.5, Number.POSITIVE_INFINITY];
    for (const value of bad) {
      const message = `transport.${name} must be ${allowed}, not ${value}`;
      await refused(() => listen({ transport: { [name]: value } }), message);
      await refused(() => connect({ transport: { [name]: value } }), message);
    }
    await refused(() => serve({ transport: { [name]: '100' } }), `transport.${name} must be ${allowed}, not "100"`);
    await refused(() => connect3({ transport: { [name]: null } }), `transport.${name} must be ${allowed}, not null`);
    // A handshake takes longer than a microsecond, and no datagram of the largest size fits IPv4.
    const ends = name === 'handshakeTimeoutUs' ? [max] : name === 'initialDatagramBytes' ? [min] : [min, max];
    for (const value of ends) await works({ [name]: value });
  });
}

/** Both sides take it and a handshake is had. */
const works = async (transport: Loose): Promise<void> => {
  const server = listen({ transport });
  const client = await connect({ port: server.port, serverName: 'library.test', transport });
  const { value: session } = await server.sessions.getReader().read();
  await session?.ready;
  client.close();
  await client.closed;
  await server.close();
};

const FLAGS = ['greaseQuicBit', 'spinBit', 'disableActiveMigration', 'followPreferredAddress', 'ecn'] as const;

test('flags of transport are true or false', async () => {
  for (const name of FLAGS) {
    await refused(() => listen({ transport: { [name]: 1 } }), `transport.${name} must be true or false, not 1`);
    await works({ [name]: false });
    await works({ [name]: true });
  }
});

const PREFERRED = ['6 words (Int32Array) of an IPv', ' address with a port (RFC 9000 §18.2)'];
const POWER = 'a power of two from 256 to 4194304';

/** Options of `transport` that are no ranges: what is given, and the error. */
const SETTINGS: readonly (readonly [unknown, string])[] = [
  [5, 'transport must be an object, not a number'],
  [null, 'transport must be an object, not null'],
  [{ versions: [] }, `transport.versions must be ${VERSIONS}, not an empty list`],
  [{ versions: [5] }, `transport.versions must be ${VERSIONS}, not [5]`],
  [{ versions: [1, 1] }, `transport.versions must be ${VERSIONS}, not [1, 1]`],
  [{ versions: 1 }, `transport.versions must be ${VERSIONS}, not 1`],
  [{ maxSentPackets: 1000 }, `transport.maxSentPackets must be ${POWER}, not 1000`],
  [{ maxSentPackets: 128 }, `transport.maxSentPackets must be ${POWER}, not 128`],
  [{ maxSentPackets: 2 ** 23 }, `transport.maxSentPackets must be ${POWER}, not 8388608`],
  [
    { initialDatagramBytes: 1453 },
    'transport.initialDatagramBytes must be at most maxDatagramBytes, which is 1452, not 1453',
  ],
  [
    { initialDatagramBytes: 1301, maxDatagramBytes: 1300 },
    'transport.initialDatagramBytes must be at most maxDatagramBytes, which is 1300, not 1301',
  ],
  [
    { preferredAddress: { ipv4: addressOf('::1', 443) } },
    `transport.preferredAddress.ipv4 must be ${PREFERRED.join('4')}, not 24 bytes`,
  ],
  [
    { preferredAddress: { ipv6: addressOf('::1', 0) } },
    `transport.preferredAddress.ipv6 must be ${PREFERRED.join('6')}, not 24 bytes`,
  ],
  [{ preferredAddress: { ipv5: 1 } }, 'transport.preferredAddress.ipv5 is no option: there are ipv4, ipv6'],
];

test('the other settings of transport are checked, and so are their names', async () => {
  for (const [transport, message] of SETTINGS) await refused(() => listen({ transport }), message);
  const names = {
    name: 'RangeError',
    message: /^transport\.maxIdleTimeOut is no option: there are versions, .*, ecn$/,
  };
  assert.throws(() => listen({ transport: { maxIdleTimeOut: 5 } }), names);
  assert.throws(() => listen({ transport: { constructor: 5 } }), /^RangeError: transport\.constructor is no option/);
  await works({ versions: [0x6b33_43cf, 1], maxSentPackets: 256 });
  await works({ maxSentPackets: 2 ** 22, initialDatagramBytes: 1300, maxDatagramBytes: 1300 });
});

test('what is undefined is the default', () => works({ initialMaxData: undefined, versions: undefined }));

const PROTOCOLS = 'a list of one protocol name or more, of 1 to 255 bytes each (RFC 7301 §3.1)';
const secret = 'c2VjcmV0LWtleS10aGF0LW5vYm9keS1tYXktc2Vl';

const COMMON: readonly (readonly [Loose, string])[] = [
  [{ keyLog: 'file' }, 'keyLog must be a function, not "file"'],
  [{ congestionControl: 'vegas' }, 'congestionControl must be "bbrv3" or "cubic" or "newreno", not "vegas"'],
  [{ socketBytes: -1 }, 'socketBytes must be a whole number from 0 to 1073741824, not -1'],
  [{ lookout: 'no' }, 'lookout must be true or false, not "no"'],
];

const SERVERS: readonly (readonly [Loose, string])[] = [
  ...COMMON,
  [{ port: 70_000 }, 'port must be a whole number from 0 to 65535, not 70000'],
  [{ port: undefined }, 'port must be a whole number from 0 to 65535, not undefined'],
  [{ address: 'nope' }, 'address must be an IPv4 or IPv6 address, not "nope"'],
  [{ identities: [] }, 'identities must be a list of one certificate with its key or more, not an empty list'],
  [{ identities: [identities[0], {}] }, 'identities[1].certificateChain must be PEM text or { file }, not undefined'],
  [{ identities: [null] }, 'identities[0] must be an object, not null'],
  [{ identities: secret }, 'identities must be a list of one certificate with its key or more, not a string'],
  [{ keys: { reset: secret } }, 'keys.reset must be 32 bytes (Uint8Array), not a string'],
  [{ keys: { token: new Uint8Array(31) } }, 'keys.token must be 32 bytes (Uint8Array), not 31 bytes'],
  [{ keys: { rest: new Uint8Array(32) } }, 'keys.rest is no option: there are reset, token'],
  [{ limits: { maxConnections: 0 } }, 'limits.maxConnections must be a whole number from 1 to 16777216, not 0'],
  [{ limits: { maxHandshakes: 1.5 } }, 'limits.maxHandshakes must be a whole number from 1 to 16777216, not 1.5'],
  [
    { limits: { retryAtHandshakes: -1 } },
    'limits.retryAtHandshakes must be a whole number from 0 to 16777216 (RFC 9000 §8.1.2), not -1',
  ],
  [
    { limits: { backlogDatagrams: 1e6 } },
    'limits.backlogDatagrams must be a whole number from 0 to 65536, not 1000000',
  ],
  [
    { limits: { cidBytes: 4 } },
    'limits.cidBytes is no option: there are maxConnections, maxHandshakes, retryAtHandshakes, backlogDatagrams',
  ],
];

const SAVED = 'what the event `ticket` of an earlier session gave';

const PRIVATE_KEY = 'identity.privateKey must be PEM text or { file }, not an object';

const CLIENTS: readonly (readonly [Loose, string])[] = [
  ...COMMON,
  [{ identity: {} }, 'identity.certificateChain must be PEM text or { file }, not undefined'],
  [{ identity: { certificateChain: secret } }, 'identity.privateKey must be PEM text or { file }, not undefined'],
  [{ identity: { ...identities[0], privateKey: { path: secret } } }, PRIVATE_KEY],
  [
    { identity: { ...identities[0], key: secret } },
    'identity.key is no option: there are certificateChain, privateKey',
  ],
  [{ identity: secret }, 'identity must be an object, not a string'],
  [{ port: 0 }, 'port must be a whole number from 1 to 65535, not 0'],
  [{ port: Number.NaN }, 'port must be a whole number from 1 to 65535, not NaN'],
  [{ host: '' }, 'host must be a name or an IP address of 1 to 253 bytes, not ""'],
  [{ host: undefined }, 'host must be a name or an IP address of 1 to 253 bytes, not undefined'],
  [{ serverName: 5 }, 'serverName must be a name of 1 to 253 bytes, not 5'],
  [{ early: 1 }, 'early must be true or false, not 1'],
];

test('options of servers are checked', async () => {
  for (const [more, message] of SERVERS) {
    await refused(() => listen(more), message);
    await refused(() => serve(more), message);
  }
  await refused(() => listen({ streams: 'bogus' }), 'streams must be "web" or "batches", not "bogus"');
  await refused(() => listen({ alpn: [] }), `alpn must be ${PROTOCOLS}, not an empty list`);
  await refused(() => listen({ alpn: ['x', ''] }), `alpn must be ${PROTOCOLS}, not ["x", ""]`);
  await refused(() => serve({ fetch: 'hello' }), 'fetch must be a function, not "hello"');
  await refused(() => serve({ onError: true }), 'onError must be a function, not true');
  const none = undefined as unknown as typeof LISTEN;
  await refused(() => listenQuic(none), 'what options are given in must be an object, not undefined');
  assert.throws(() => listen({ adress: '::1' }), /^RangeError: adress is no option: there are .*\baddress\b/);
  assert.throws(() => serve({ alpn: ['h3'] }), /^RangeError: alpn is no option/);
});

test('options of clients are checked', async () => {
  for (const [more, message] of CLIENTS) {
    await refused(() => connect(more), message);
    await refused(() => connect3(more), message);
  }
  await refused(() => connect({ streams: 1 }), 'streams must be "web" or "batches", not 1');
  await refused(() => connect({ alpn: ['x'.repeat(256)] }), `alpn must be ${PROTOCOLS}, not ["${'x'.repeat(40)}…"]`);
  await refused(() => connect({ resume: 'x' }), `resume must be ${SAVED}, not a string`);
  await refused(() => connect({ resume: new Uint8Array(5) }), `resume must be ${SAVED}, not 5 bytes`);
  await refused(() => connect({ resume: { ticket: new Uint8Array(5) } }), `resume must be ${SAVED}, not an object`);
  await assert.rejects(connect({ prot: 9 }), /^RangeError: prot is no option: there are .*\bport\b/);
});

test('what TLS refuses once the socket is open leaves none behind', async () => {
  for (const begin of [connect, connect3]) {
    await refused(() => begin({ serverName: 'a\0b' }), 'serverName must not contain a NUL');
  }
  const alpn = Array.from({ length: 400 }, (_, i) => String(i).padStart(200, 'x'));
  await refused(() => connect({ alpn }), 'alpn must have 1 to 65535 bytes');
});

test('what is kept of a session must be whole', async () => {
  const server = listen({});
  const client = await connect({ port: server.port, serverName: 'library.test' });
  const [saved] = await new Promise<[SavedSession]>((resolve) => client.once('ticket', (it) => resolve([it])));
  client.close();
  await client.closed;
  const { initialMaxData: _, ...parameters } = saved.parameters;
  for (const worse of [{ ticket: new Uint8Array() }, { version: 5 }, { parameters }]) {
    await refused(() => connect({ resume: { ...saved, ...worse } }), `resume must be ${SAVED}, not an object`);
  }
  const http3 = 'resume must be what `resumable` of an earlier client gave, not an object';
  await refused(() => connect3({ resume: saved }), http3);
  const again = await connect({ port: server.port, serverName: 'library.test', resume: structuredClone(saved) });
  assert.equal((await again.ready).resumed, true);
  again.close();
  await server.close();
});
