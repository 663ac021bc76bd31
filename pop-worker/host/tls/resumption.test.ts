import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createAuthority } from './testing/certificates.ts';
import { converse, handshake, type Options, type Side } from './testing/handshake.ts';
import {
  createTlsClientPort,
  createTlsServerPort,
  type OpensslServerPort,
  type TlsServerPortOptions,
} from './tls-port.ts';

const authority = createAuthority();
const stranger = createAuthority('Somebody else');
const edge = authority.issue('edge.test', ['DNS:edge.test', 'DNS:other.test']);
const device = authority.issue('device-1');
const ticketKey = (fill: number): Uint8Array => new Uint8Array(80).fill(fill);

const serverPort = (more: Partial<TlsServerPortOptions> = {}): OpensslServerPort =>
  createTlsServerPort({ identities: [edge], alpn: ['h3'], earlyData: true, ticketKeys: [ticketKey(1)], ...more });
const client = createTlsClientPort({ trustAnchors: authority.pem, identity: device });

const ticketOf = (port: OpensslServerPort, options: Options = {}): Uint8Array => {
  const { tickets } = handshake(client, port, options).client;
  assert.equal(tickets.length, 1);
  return tickets[0]!;
};
const outcome = ({ complete, alert }: Side) => {
  assert.equal(alert, undefined, alert?.reason);
  return [complete?.resumed, complete?.earlyData];
};
/** What both sides say of resumption and early data; they must agree. */
const resume = (port: OpensslServerPort, ticket: Uint8Array, options: Options = {}) => {
  const both = handshake(client, port, { ticket, earlyData: true, ...options });
  assert.deepEqual(outcome(both.client), outcome(both.server));
  return { ...both, outcome: outcome(both.client) };
};

describe('resumption', () => {
  it('works on another context that shares the ticket keys, with early data', () => {
    const both = resume(serverPort(), ticketOf(serverPort()));
    assert.deepEqual(both.outcome, [true, 'accepted']);
    const early = both.client.secrets.get('1 write');
    assert.ok(early);
    assert.deepEqual(early, both.server.secrets.get('1 read'));
    assert.equal(both.client.log.indexOf('secret 1 write'), 1);
    // RFC 9001 §4.6.2: the server knows before it answers.
    assert.ok(both.server.log.indexOf('secret 1 read') < both.server.log.indexOf('crypto 0'));
    assert.equal(both.client.tickets.length, 1);
  });

  it('works without early data where the client or the server does not want it', () => {
    const ticket = ticketOf(serverPort());
    assert.deepEqual(resume(serverPort(), ticket, { earlyData: false }).outcome, [true, 'none']);
    assert.deepEqual(resume(serverPort({ earlyData: false }), ticket).outcome, [true, 'rejected']);
    const plain = ticketOf(serverPort({ earlyData: false }));
    assert.deepEqual(resume(serverPort(), plain).outcome, [true, 'none']);
  });

  it('falls back to a full handshake with other keys, a damaged ticket or none', () => {
    const ticket = ticketOf(serverPort());
    assert.deepEqual(resume(serverPort({ ticketKeys: [ticketKey(2)] }), ticket).outcome, [false, 'rejected']);
    const random = createTlsServerPort({ identities: [edge], alpn: ['h3'], earlyData: true });
    assert.deepEqual(resume(random, ticket).outcome, [false, 'rejected']);
    assert.deepEqual(resume(serverPort(), Uint8Array.of(1, 2, 3)).outcome, [false, 'none']);
    assert.deepEqual(resume(serverPort(), ticket.subarray(0, 50)).outcome, [false, 'none']);
    assert.deepEqual(resume(serverPort(), new Uint8Array()).outcome, [false, 'none']);
  });

  it('keeps old tickets through a rotation, not through two', () => {
    const port = serverPort();
    const ticket = ticketOf(port);
    port.setTicketKeys([ticketKey(2), ticketKey(1)]);
    const both = resume(port, ticket);
    assert.deepEqual(both.outcome, [true, 'accepted']);
    port.setTicketKeys([ticketKey(3), ticketKey(2)]);
    assert.deepEqual(resume(port, ticket).outcome, [false, 'rejected']);
    assert.deepEqual(resume(port, both.client.tickets[0]!).outcome, [true, 'accepted']);
  });

  it('does not show a ticket to another server', () => {
    const ticket = ticketOf(serverPort());
    const both = resume(serverPort(), ticket, { serverName: 'other.test' });
    assert.deepEqual(both.outcome, [false, 'none']);
  });

  it('is refused where other clients are let in', () => {
    const strict = (anchors: string) => serverPort({ clientTrustAnchors: anchors });
    const ticket = ticketOf(strict(authority.pem));
    const again = resume(strict(authority.pem), ticket);
    assert.deepEqual(again.outcome, [true, 'accepted']);
    assert.ok(again.server.complete?.peerCertificate);
    assert.deepEqual(resume(serverPort(), ticket).outcome, [false, 'rejected']);
    const elsewhere = handshake(client, strict(stranger.pem), { ticket, earlyData: true });
    assert.equal(elsewhere.server.alert?.code, 48);
    // A ticket given without asking for a certificate opens no door that asks for one.
    const anonymous = createTlsClientPort({ trustAnchors: authority.pem });
    const open = handshake(anonymous, serverPort()).client.tickets[0]!;
    assert.equal(handshake(anonymous, strict(authority.pem), { ticket: open }).server.alert?.code, 116);
  });

  it('rejects early data when the server asks for another key share', () => {
    const ticket = ticketOf(serverPort());
    assert.deepEqual(resume(serverPort({ groups: 'P-256' }), ticket).outcome, [true, 'rejected']);
  });

  it('rejects early data for another protocol', () => {
    const port = () => serverPort({ alpn: ['h3', 'other'] });
    const ticket = ticketOf(port());
    const both = handshake(client, port(), { ticket, earlyData: true, alpn: ['other'] });
    assert.deepEqual(outcome(both.server).at(-1), outcome(both.client).at(-1));
    assert.notEqual(both.server.complete?.earlyData, 'accepted');
  });
});

describe('data in tickets', () => {
  const data = Uint8Array.of(1, 2, 3, 250);

  it('comes back when the session is resumed, sealed from the client', () => {
    const ticket = ticketOf(serverPort(), { ticketData: new Uint8Array(40).fill(0xab) });
    assert.equal(Buffer.from(ticket).includes(Buffer.alloc(40, 0xab)), false);
    const { server, client: resumed } = resume(serverPort(), ticket, { ticketData: data });
    assert.deepEqual(server.session.ticketData, new Uint8Array(40).fill(0xab));
    assert.deepEqual(resume(serverPort(), resumed.tickets[0]!).server.session.ticketData, data);
  });

  it('does not pass into the next ticket by itself', () => {
    const ticket = ticketOf(serverPort(), { ticketData: data });
    const next = resume(serverPort(), ticket).client.tickets[0]!;
    assert.deepEqual(resume(serverPort(), next).server.session.ticketData, new Uint8Array());
  });

  it('decides on early data', () => {
    const asked: Uint8Array[] = [];
    const port = (verdict: boolean) =>
      serverPort({
        acceptEarlyData: (ticketData) => {
          asked.push(ticketData);
          return verdict;
        },
      });
    const ticket = ticketOf(port(true), { ticketData: data });
    assert.deepEqual(asked, []);
    assert.deepEqual(resume(port(true), ticket).outcome, [true, 'accepted']);
    const refused = resume(port(false), ticket);
    assert.deepEqual(refused.outcome, [true, 'rejected']);
    assert.equal(refused.server.secrets.has('1 read'), false);
    assert.deepEqual(asked, [data, data]);
    assert.deepEqual(resume(port(true), ticketOf(port(true))).outcome, [true, 'accepted']);
    assert.deepEqual(asked.at(-1), new Uint8Array());
  });

  it('lets what the hook throws out of receive, refuses early data and goes on', () => {
    const port = serverPort({
      acceptEarlyData: () => {
        throw new Error('no policy');
      },
    });
    const ticket = ticketOf(port);
    const server = port.server({ transportParameters: new Uint8Array() });
    const started = client.client({
      serverName: 'edge.test',
      alpn: ['h3'],
      transportParameters: new Uint8Array(),
      ticket,
      earlyData: true,
    });
    const hello = started.next();
    assert.ok(hello?.type === 'crypto');
    assert.throws(() => server.receive(0, hello.data), /no policy/);
    server.receive(0, new Uint8Array());
    const types: string[] = [];
    for (let event = server.next(); event !== undefined; event = server.next()) {
      types.push(event.type === 'secret' ? `secret ${event.level} ${event.direction}` : event.type);
    }
    assert.ok(types.includes('secret 2 write') && !types.includes('secret 1 read') && !types.includes('alert'));
  });

  it('refuses a hook that uses its own session', () => {
    const refusals: unknown[] = [];
    const port = serverPort({
      acceptEarlyData: () => {
        for (const use of [() => server.close(), () => server.receive(0, new Uint8Array()), () => server.release()]) {
          try {
            use();
          } catch (error) {
            refusals.push((error as NodeJS.ErrnoException).code);
          }
        }
        return true;
      },
    });
    const ticket = ticketOf(port);
    const server = port.server({ transportParameters: new Uint8Array() });
    const started = client.client({
      serverName: 'edge.test',
      alpn: ['h3'],
      transportParameters: new Uint8Array(),
      ticket,
      earlyData: true,
    });
    const hello = started.next();
    assert.ok(hello?.type === 'crypto');
    server.receive(0, hello.data);
    assert.deepEqual(refusals, ['ERR_TLS_BUSY', 'ERR_TLS_BUSY', 'ERR_TLS_BUSY']);
  });

  it('has a limit', () => {
    const { session } = handshake(client, serverPort()).server;
    session.setTicketData(new Uint8Array(4096));
    assert.throws(() => session.setTicketData(new Uint8Array(4097)), RangeError);
  });
});

/** The ticket as if it had been had so many seconds earlier: OpenSSL's encoding has the time behind the tag 0xa1. */
const aged = (ticket: Uint8Array, seconds: number): Uint8Array => {
  const copy = Buffer.from(ticket);
  const at = copy.indexOf(Uint8Array.of(0xa1, 0x06, 0x02, 0x04)) + 4;
  assert.ok(at > 4 && Math.abs(copy.readUInt32BE(at) - Date.now() / 1000) < 10);
  copy.writeUInt32BE(copy.readUInt32BE(at) - seconds, at);
  return copy;
};

describe('early data that may be a copy', () => {
  it('is taken once for each ticket, and the session goes on without (RFC 8446 §8.1)', () => {
    const port = serverPort();
    const ticket = ticketOf(port);
    assert.deepEqual(resume(port, ticket).outcome, [true, 'accepted']);
    const again = resume(port, ticket);
    assert.deepEqual(again.outcome, [true, 'rejected']);
    assert.equal(port.refusedEarlyData.replayed, 1);
    // What came instead is as good as new.
    assert.deepEqual(resume(port, again.client.tickets[0]!).outcome, [true, 'accepted']);
    assert.deepEqual(resume(port, ticketOf(port)).outcome, [true, 'accepted']);
  });

  it('is refused when the client says that the ticket is older than it is (RFC 8446 §8.3)', () => {
    const port = serverPort();
    assert.deepEqual(resume(port, aged(ticketOf(port), 0)).outcome, [true, 'accepted']);
    assert.deepEqual(resume(port, aged(ticketOf(port), 60)).outcome, [true, 'rejected']);
    assert.equal(port.refusedEarlyData.replayed, 0);
  });
});

describe('a ticket of another scope', () => {
  const of = (version: number) => ({ ticketData: Uint8Array.of(0, 0, 0, version, 7), ticketScope: 4 });

  it('is none: the handshake is a full one (RFC 9369 §5)', () => {
    const port = serverPort();
    const ticket = ticketOf(port, of(1));
    assert.deepEqual(resume(port, ticket, of(2)).outcome, [false, 'rejected']);
    assert.deepEqual(resume(port, ticket, of(1)).outcome, [true, 'accepted']);
    assert.deepEqual(resume(port, ticketOf(port), of(1)).outcome, [false, 'rejected']);
    assert.throws(() => handshake(client, port, { ticketData: Uint8Array.of(1), ticketScope: 2 }), RangeError);
  });
});

describe('tickets on demand', () => {
  it('are issued after the handshake, with data known by then', () => {
    const port = serverPort({ tickets: 0 });
    const { client: one, server: other } = handshake(client, port);
    assert.equal(one.tickets.length, 0);
    other.session.setTicketData(Uint8Array.of(5));
    other.session.issueTicket();
    converse(one, other);
    assert.equal(one.tickets.length, 1);
    assert.deepEqual(other.log.slice(-2), ['complete', 'crypto 3']);
    assert.deepEqual(resume(port, one.tickets[0]!).server.session.ticketData, Uint8Array.of(5));
    other.session.release();
    assert.throws(() => other.session.issueTicket(), { code: 'ERR_TLS_STATE' });
  });

  it('are sent in the number asked for', () => {
    assert.equal(handshake(client, serverPort({ tickets: 3 })).client.tickets.length, 3);
  });
});
