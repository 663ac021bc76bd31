import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Level } from '#protocol/quic/ports.ts';
import { createAuthority } from './testing/certificates.ts';
import { handshake, type Options } from './testing/handshake.ts';
import { createTlsClientPort, createTlsServerPort } from './tls-port.ts';

// What RFC 9001 asks of TLS 1.3 beyond what makes a handshake.
const authority = createAuthority();
const identities = [authority.issue('edge.test')];
const server = createTlsServerPort({ identities, alpn: ['h3'], earlyData: true, ticketKeys: [new Uint8Array(80)] });
const client = createTlsClientPort({ trustAnchors: authority.pem });

type Who = 'client' | 'server';
type Said = { readonly who: Who; readonly level: Level; readonly bytes: Buffer };

/** A handshake and what was said in it. @param change of what goes across */
const listen = (options: Options = {}, change = (_who: Who, _level: Level, _bytes: Buffer): void => {}) => {
  const said: Said[] = [];
  const tamper = (who: Who, level: Level, data: Uint8Array) => {
    const bytes = Buffer.from(data);
    change(who, level, bytes);
    said.push({ who, level, bytes });
    return bytes;
  };
  return { ...handshake(client, server, { ...options, tamper }), said };
};

/** Types of the messages in these bytes (RFC 8446 §4). */
const messageTypes = (bytes: Buffer): number[] => {
  const types: number[] = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUIntBE(at + 1, 3)) types.push(bytes[at] as number);
  return types;
};

const offers = Buffer.of(0, 0x2b, 0, 3, 2, 3, 4);
const chosen = Buffer.of(0, 0x2b, 0, 2, 3, 4);

describe('a ClientHello', () => {
  const { bytes } = listen().said[0] as Said;

  it('offers TLS 1.3 and nothing older (RFC 9001 §4.2)', () => {
    assert.ok(bytes.includes(offers));
  });

  it('has no session ID of the compatibility mode (RFC 9001 §8.4)', () => {
    assert.equal(bytes[4 + 2 + 32], 0);
  });

  it('with suites that are unknown is taken for the others (RFC 9001 §5.3)', () => {
    const { server: side } = listen({}, (who, level, hello) => {
      const suite = hello.indexOf(Buffer.of(0x13, 0x02));
      if (who === 'client' && level === Level.initial) hello.writeUInt16BE(0xfafa, suite);
    });
    // Its Finished does not fit any more, so that goes no further.
    assert.deepEqual([side.log[1], side.log.includes('alert')], ['crypto 0', false]);
  });
});

describe('TLS that is older than 1.3 (RFC 9001 §4.2)', () => {
  it('is refused by servers', () => {
    const { server: side } = listen({}, (_who, _level, bytes) => {
      const at = bytes.indexOf(offers);
      if (at >= 0) bytes[at + 6] = 3;
    });
    assert.equal(side.alert?.code, 70);
  });

  it('is refused by clients', () => {
    const { client: side } = listen({}, (who, level, bytes) => {
      const at = bytes.indexOf(chosen);
      if (who === 'server' && level === Level.initial) bytes[at + 5] = 3;
    });
    assert.ok(side.alert);
    assert.equal(side.complete, undefined);
  });
});

describe('early data', () => {
  const { client: first, said: full } = listen();

  it('ends without EndOfEarlyData (RFC 9001 §8.3)', () => {
    const { said, client: side } = listen({ ticket: first.tickets[0], earlyData: true });
    assert.equal(side.complete?.earlyData, 'accepted');
    const types = said.filter(({ who }) => who === 'client').map(({ level, bytes }) => [level, ...messageTypes(bytes)]);
    assert.deepEqual(types, [
      [Level.initial, 1],
      [Level.handshake, 20],
    ]);
  });

  const early = Buffer.of(0, 42, 0, 4, 255, 255, 255, 255);

  it('has the size 2^32 - 1 in tickets (RFC 9001 §4.6.1)', () => {
    const tickets = full.filter(({ level }) => level === Level.oneRtt);
    assert.equal(tickets.length, 1);
    assert.ok(tickets[0]?.bytes.includes(early));
  });

  it('of any other size in a ticket is a violation of QUIC (RFC 9001 §4.6.1)', () => {
    const { client: side } = listen({}, (_who, level, bytes) => {
      if (level === Level.oneRtt) bytes[bytes.indexOf(early) + 7] = 254;
    });
    assert.equal(side.alert?.violation, true);
    assert.equal(side.tickets.length, 0);
  });
});
