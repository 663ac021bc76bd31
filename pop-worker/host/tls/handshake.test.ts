import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { CipherSuite } from '#protocol/quic/ports.ts';
import type { SuiteName } from './context.ts';
import { createAuthority, pinOf } from './testing/certificates.ts';
import { CLIENT_PARAMETERS, handshake, type Options, SERVER_PARAMETERS, type Side } from './testing/handshake.ts';
import { createTlsClientPort, createTlsServerPort, type TlsServerPortOptions } from './tls-port.ts';

const authority = createAuthority();
const stranger = createAuthority('Somebody else');
const edge = authority.issue('edge.test', ['DNS:edge.test', 'DNS:*.wild.test', 'IP:192.0.2.1', 'IP:2001:db8::1']);
const device = authority.issue('device-1');

const serverPort = (more: Partial<TlsServerPortOptions> = {}) =>
  createTlsServerPort({ identities: [edge], alpn: ['h3'], ...more });
const client = createTlsClientPort({ trustAnchors: authority.pem });
const clientWithIdentity = createTlsClientPort({ trustAnchors: authority.pem, identity: device });

const assertAgreed = (one: Side, other: Side): void => {
  assert.equal(one.alert, undefined, one.alert?.reason);
  assert.equal(other.alert, undefined, other.alert?.reason);
  for (const [name, secret] of one.secrets) {
    const mirrored = name.replace(/read|write/, (word) => (word === 'read' ? 'write' : 'read'));
    assert.deepEqual(secret, other.secrets.get(mirrored), name);
  }
  const context = new Uint8Array(3);
  assert.deepEqual(one.session.exporter('test', context, 50), other.session.exporter('test', context, 50));
};

const failure = (side: Side): [number | undefined, boolean] => [side.alert?.code, side.complete !== undefined];

describe('a full handshake', () => {
  it('tells its events in the order in which they must be acted on', () => {
    const both = handshake(client, serverPort());
    assertAgreed(both.client, both.server);
    assert.deepEqual(both.server.log, [
      'transport-parameters',
      'crypto 0',
      'secret 2 write',
      'secret 2 read',
      'crypto 2',
      'secret 3 write',
      'secret 3 read',
      'crypto 3',
      'complete',
    ]);
    assert.deepEqual(both.client.log, [
      'crypto 0',
      'secret 2 write',
      'secret 2 read',
      'transport-parameters',
      'crypto 2',
      'secret 3 write',
      'secret 3 read',
      'complete',
      'ticket',
    ]);
    assert.deepEqual(both.client.transportParameters, [SERVER_PARAMETERS]);
    assert.deepEqual(both.server.transportParameters, [CLIENT_PARAMETERS]);
    const { alpn, resumed, earlyData, peerCertificate } = both.client.complete!;
    assert.deepEqual({ alpn, resumed, earlyData }, { alpn: 'h3', resumed: false, earlyData: 'none' });
    assert.deepEqual(peerCertificate, Uint8Array.from(new X509Certificate(edge.certificateChain).raw));
    assert.equal(both.server.complete?.peerCertificate, undefined);
  });

  const suites: [SuiteName, CipherSuite][] = [
    ['TLS_AES_128_GCM_SHA256', CipherSuite.aes128Gcm],
    ['TLS_AES_256_GCM_SHA384', CipherSuite.aes256Gcm],
    ['TLS_CHACHA20_POLY1305_SHA256', CipherSuite.chacha20Poly1305],
  ];
  for (const [name, suite] of suites) {
    it(`uses ${name}, whichever side insists on it`, () => {
      const insisting = createTlsClientPort({ trustAnchors: authority.pem, suites: [name] });
      for (const both of [handshake(insisting, serverPort()), handshake(client, serverPort({ suites: [name] }))]) {
        assertAgreed(both.client, both.server);
        assert.deepEqual([...both.client.suites, ...both.server.suites], [suite, suite]);
        const bytes = suite === CipherSuite.aes256Gcm ? 48 : 32;
        assert.ok([...both.client.secrets.values()].every((secret) => secret.length === bytes));
      }
    });
  }

  it('prefers ChaCha20 for a client that does', () => {
    const slow = createTlsClientPort({
      trustAnchors: authority.pem,
      suites: ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'],
    });
    assert.deepEqual([...handshake(slow, serverPort()).server.suites], [CipherSuite.chacha20Poly1305]);
  });

  it('fails when no suite or group is shared', () => {
    const only = createTlsClientPort({ trustAnchors: authority.pem, suites: ['TLS_AES_256_GCM_SHA384'] });
    const wrongSuite = handshake(only, serverPort({ suites: ['TLS_AES_128_GCM_SHA256'] }));
    assert.deepEqual(failure(wrongSuite.server), [40, false]);
    const wrongGroup = handshake(client, serverPort({ groups: 'P-521' }));
    assert.deepEqual(failure(wrongGroup.server), [40, false]);
  });

  it('asks again when no key share is of a group that the server knows', () => {
    const both = handshake(client, serverPort({ groups: 'P-256' }));
    assertAgreed(both.client, both.server);
    assert.deepEqual(both.client.log.slice(0, 2), ['crypto 0', 'crypto 0']);
    assert.equal(both.server.transportParameters.length, 1);
  });

  it('exchanges keys by X25519MLKEM768 where both sides know it, else by X25519, and asks nobody again', () => {
    /** Of the server's share and the client's (draft-ietf-tls-ecdhe-mlkem §4.1). */
    const POST_QUANTUM = 1088 + 32;
    const OFFERED = 1184 + 32 + 32;
    const first = { client: 0, server: 0 };
    const measure: Options['tamper'] = (from, level, data) => {
      if (level === 0) first[from] = data.length;
      return data;
    };
    const old = createTlsClientPort({ trustAnchors: authority.pem, groups: 'X25519:P-256:X25519MLKEM768' });
    for (const [groups, from, isLarge] of [
      [undefined, client, true],
      ['X25519MLKEM768', client, true],
      ['X25519MLKEM768/X25519', client, true],
      ['X25519', client, false],
      ['X25519:P-256:X25519MLKEM768', client, false],
      [undefined, old, false],
    ] as const) {
      const both = handshake(from, serverPort(groups && { groups }), { tamper: measure });
      assertAgreed(both.client, both.server);
      assert.deepEqual(both.client.log.slice(0, 2), ['crypto 0', 'secret 2 write']);
      assert.equal(first.server > POST_QUANTUM, isLarge, groups);
      assert.equal(first.client > OFFERED, from === client);
    }
  });

  it('takes PEM from files', () => {
    const file = path.join(tmpdir(), `cloudbridge-ca-${process.pid}.pem`);
    writeFileSync(file, authority.pem);
    const both = handshake(createTlsClientPort({ trustAnchors: { file } }), serverPort());
    assertAgreed(both.client, both.server);
  });
});

describe('application protocols', () => {
  it('are chosen by the server’s preference', () => {
    const port = serverPort({ alpn: ['h3', 'other'] });
    const both = handshake(client, port, { alpn: ['nothing', 'other', 'h3'] });
    assert.deepEqual([both.client.complete?.alpn, both.server.complete?.alpn], ['h3', 'h3']);
  });

  it('that do not meet are alert 120', () => {
    const both = handshake(client, serverPort(), { alpn: ['h2'] });
    assert.deepEqual(failure(both.server), [120, false]);
    assert.equal(both.client.complete, undefined);
  });

  it('must be named', () => {
    assert.throws(() => handshake(client, serverPort(), { alpn: [] }), RangeError);
    assert.throws(() => handshake(client, serverPort(), { alpn: ['x'.repeat(256)] }), RangeError);
    assert.throws(() => serverPort({ alpn: [''] }), RangeError);
  });
});

/** Takes an extension out of the list that starts at `start` and ends the message, which is the first one of `data`. */
const cut = (data: Uint8Array, start: number, type: number): Uint8Array => {
  const view = Buffer.from(data);
  const end = 4 + view.readUIntBE(1, 3);
  const kept: Buffer[] = [];
  for (let at = start + 2; at < end; ) {
    const next = at + 4 + view.readUInt16BE(at + 2);
    if (view.readUInt16BE(at) !== type) kept.push(view.subarray(at, next));
    at = next;
  }
  const extensions = Buffer.concat(kept);
  const head = Buffer.from(view.subarray(0, start + 2));
  head.writeUInt16BE(extensions.length, start);
  head.writeUIntBE(start + 2 - 4 + extensions.length, 1, 3);
  return Buffer.concat([head, extensions, view.subarray(end)]);
};

/** Where a ClientHello's extensions start (RFC 8446 §4.1.2). */
const extensionsOf = (hello: Uint8Array): number => {
  const view = Buffer.from(hello);
  let at = 4 + 2 + 32;
  at += 1 + view.readUInt8(at);
  at += 2 + view.readUInt16BE(at);
  return at + 1 + view.readUInt8(at);
};

describe('extensions that QUIC cannot do without', () => {
  for (const [type, code] of [
    [57, 109],
    [16, 120],
  ] as const) {
    it(`a ClientHello without extension ${type} is alert ${code}`, () => {
      const tamper = (from: string, level: number, data: Uint8Array) =>
        from === 'client' && level === 0 ? cut(data, extensionsOf(data), type) : data;
      const { server } = handshake(client, serverPort(), { tamper });
      assert.deepEqual(server.log, ['alert']);
      assert.deepEqual(failure(server), [code, false]);
    });

    it(`EncryptedExtensions without extension ${type} are alert ${code}`, () => {
      const tamper = (from: string, level: number, data: Uint8Array) =>
        from === 'server' && level === 2 ? cut(data, 4, type) : data;
      const both = handshake(client, serverPort(), { tamper });
      assert.deepEqual(failure(both.client), [code, false]);
      assert.equal(both.client.log.includes('secret 3 write'), false);
      assert.equal(both.server.complete, undefined);
    });
  }
});

describe('a server’s certificate', () => {
  it('of another authority is alert 48', () => {
    const both = handshake(createTlsClientPort({ trustAnchors: stranger.pem }), serverPort());
    assert.deepEqual(failure(both.client), [48, false]);
    assert.match(both.client.alert!.reason, /^certificate: /);
    assert.equal(both.server.complete, undefined);
  });

  it('must carry the name or address asked for', () => {
    const port = serverPort();
    for (const serverName of ['edge.test', 'a.wild.test', '192.0.2.1', '2001:db8::1']) {
      assertAgreed(...sides(handshake(client, port, { serverName })));
    }
    for (const serverName of ['other.test', 'wild.test', 'a.b.wild.test', '192.0.2.2', '2001:db8::2']) {
      const both = handshake(client, port, { serverName });
      assert.deepEqual(failure(both.client), [42, false], serverName);
    }
  });

  it('may be known by its key alone', () => {
    const pins = [new Uint8Array(32), pinOf(edge.certificateChain)];
    const pinned = createTlsClientPort({ pins });
    assertAgreed(...sides(handshake(pinned, serverPort(), { serverName: 'any.name' })));
    const wrong = createTlsClientPort({ pins: [pinOf(device.certificateChain)] });
    assert.equal(handshake(wrong, serverPort()).client.alert !== undefined, true);
  });

  it('must satisfy pins and authority where both are given', () => {
    const pins = [pinOf(edge.certificateChain)];
    const port = serverPort();
    assertAgreed(...sides(handshake(createTlsClientPort({ pins, trustAnchors: authority.pem }), port)));
    for (const options of [
      { pins, trustAnchors: stranger.pem },
      { pins: [new Uint8Array(32)], trustAnchors: authority.pem },
    ]) {
      assert.equal(handshake(createTlsClientPort(options), port).client.complete, undefined);
    }
    const named = handshake(createTlsClientPort({ pins, trustAnchors: authority.pem }), port, {
      serverName: 'no.test',
    });
    assert.deepEqual(failure(named.client), [42, false]);
  });
});

const sides = (both: { client: Side; server: Side }): [Side, Side] => [both.client, both.server];

describe('a client’s certificate', () => {
  const leaf = Uint8Array.from(new X509Certificate(device.certificateChain).raw);
  const foreign = createTlsClientPort({ trustAnchors: authority.pem, identity: stranger.issue('device-1') });
  const ports = {
    none: serverPort({ clientTrustAnchors: authority.pem, clientCertificate: 'none' }),
    optional: serverPort({ clientTrustAnchors: authority.pem, clientCertificate: 'optional' }),
    required: serverPort({ clientTrustAnchors: authority.pem }),
  };

  it('is not asked for', () => {
    const both = handshake(clientWithIdentity, ports.none);
    assertAgreed(...sides(both));
    assert.equal(both.server.complete?.peerCertificate, undefined);
  });

  it('is optional: none will do, a wrong one will not', () => {
    const with_ = handshake(clientWithIdentity, ports.optional);
    assertAgreed(...sides(with_));
    assert.deepEqual(with_.server.complete?.peerCertificate, leaf);
    const without_ = handshake(client, ports.optional);
    assertAgreed(...sides(without_));
    assert.equal(without_.server.complete?.peerCertificate, undefined);
    assert.deepEqual(failure(handshake(foreign, ports.optional).server), [48, false]);
  });

  it('is required: none is alert 116', () => {
    const both = handshake(clientWithIdentity, ports.required);
    assertAgreed(...sides(both));
    assert.deepEqual(both.server.complete?.peerCertificate, leaf);
    assert.deepEqual(failure(handshake(client, ports.required).server), [116, false]);
    assert.deepEqual(failure(handshake(foreign, ports.required).server), [48, false]);
  });
});

describe('configuration', () => {
  it('says what is wrong with it', () => {
    const configuration = { code: 'ERR_TLS_CONFIGURATION' };
    const serverWith = (more: Partial<TlsServerPortOptions>) => () => serverPort(more);
    assert.throws(serverWith({ identities: [] }), RangeError);
    assert.throws(serverWith({ identities: [{ ...edge, privateKey: device.privateKey }] }), configuration);
    assert.throws(serverWith({ identities: [{ ...edge, privateKey: 'no PEM' }] }), configuration);
    assert.throws(serverWith({ identities: [{ ...edge, certificateChain: '' }] }), configuration);
    assert.throws(serverWith({ clientCertificate: 'required' }), RangeError);
    assert.throws(serverWith({ clientTrustAnchors: 'no PEM' }), configuration);
    assert.throws(serverWith({ groups: 'X448:nonsense' }), configuration);
    assert.throws(serverWith({ suites: ['TLS_AES_128_CCM_SHA256' as SuiteName] }), RangeError);
    assert.throws(serverWith({ ticketKeys: [new Uint8Array(79)] }), RangeError);
    assert.throws(serverWith({ ticketKeys: [] }), RangeError);
    assert.throws(serverWith({ ticketLifetimeSeconds: 604_801 }), RangeError);
    assert.throws(() => createTlsClientPort({}), RangeError);
    assert.throws(() => createTlsClientPort({ pins: [new Uint8Array(31)] }), RangeError);
    assert.throws(() => createTlsClientPort({ pins: [] }), RangeError);
  });

  it('does not ask for the password of a key', () => {
    const encrypted = edge.privateKey as string;
    const text = encrypted.replace(
      'PRIVATE KEY-----\n',
      'PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n',
    );
    assert.throws(() => serverPort({ identities: [{ ...edge, privateKey: text }] }), { code: 'ERR_TLS_CONFIGURATION' });
  });
});
