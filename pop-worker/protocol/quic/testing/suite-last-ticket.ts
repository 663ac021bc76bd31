import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MOST_TICKET_DATA_BYTES } from '../early-limits.ts';
import { Pair, type PairOptions, type Ports } from './pair.ts';
import { pattern, RecordingSink } from './sinks.ts';

const DATA = Uint8Array.of(1, 2, 3, 0xc1);

/** Tickets that a server gives once it knows what to put into them. @param ports of a server that takes early data */
export const lastTicketSuite = (name: string, ports: () => Ports): void => {
  /** A connection whose server says what goes into its last ticket, and how many tickets came. */
  const first = (data: Uint8Array | undefined, options: PairOptions = {}) => {
    const pair = new Pair({ server: { keepsTls: true }, ports: ports(), ...options });
    const connection = pair.connect();
    assert.ok(pair.run(() => pair.clientSink.confirmed && pair.clientSink.tickets.length === 1));
    pair.accepted.lastTicket(data);
    // A second one counts for nothing.
    pair.accepted.lastTicket(pattern(3));
    const echoed = connection.openStream(true);
    connection.write(echoed, pattern(10), true);
    assert.ok(pair.run(() => pair.serverSink.finished.has(echoed)));
    return { pair, connection, tickets: pair.clientSink.tickets, remembered: connection.parts.handshake.peer };
  };
  /** Resumes with early data. @returns what the server heard of it, and what became of early data */
  const again = ({ pair, tickets, remembered }: ReturnType<typeof first>, ticket = tickets.at(-1) as Uint8Array) => {
    const sink = new RecordingSink();
    const known = pair.serverSinks.length;
    const whom = { remote: pair.serverAddress, serverName: 'localhost', alpn: ['test'], sink };
    const connection = pair.client.connect({ ...whom, ticket, remembered }, pair.now);
    connection.write(connection.openStream(true), pattern(100), true);
    assert.ok(pair.run(() => sink.confirmed && pair.serverSinks[known]?.finished.has(0) === true));
    const { resumed, earlyData, ticketData } = pair.serverSinks[known]?.handshake ?? {};
    return { resumed, earlyData, ticketData };
  };

  describe(`last ticket, ${name}`, () => {
    it('carries what the server said to whoever resumes by it', () => {
      const before = first(DATA);
      assert.equal(before.tickets.length, 2);
      assert.deepEqual(again(before), { resumed: true, earlyData: 'accepted', ticketData: DATA });
      const [plain] = before.tickets;
      assert.deepEqual(again(before, plain), { resumed: true, earlyData: 'accepted', ticketData: new Uint8Array() });
    });

    it('is not given where there is nothing to say, nor where TLS was not kept', () => {
      assert.equal(first(undefined).tickets.length, 1);
      assert.equal(first(DATA, { server: {} }).tickets.length, 1);
    });

    it('says by what is in it whether early data is welcome', () => {
      const asked: Uint8Array[] = [];
      const welcomesEarlyData = (data: Uint8Array): boolean => {
        asked.push(data.slice());
        return data.length === 0;
      };
      const before = first(DATA, { welcomesEarlyData });
      assert.deepEqual(again(before), { resumed: true, earlyData: 'rejected', ticketData: DATA });
      assert.equal(again(before, before.tickets[0]).earlyData, 'accepted');
      assert.deepEqual(asked, [DATA, new Uint8Array()]);
    });

    it('has a limit, and is nothing that a client gives or a connection that is over', () => {
      const most = first(pattern(MOST_TICKET_DATA_BYTES));
      assert.deepEqual(again(most).ticketData, pattern(MOST_TICKET_DATA_BYTES));
      most.connection.lastTicket(DATA);
      most.connection.close(0, '');
      most.pair.accepted.lastTicket(DATA);
      const pair = new Pair({ server: { keepsTls: true }, ports: ports() });
      pair.connect();
      assert.ok(pair.run(() => pair.clientSink.confirmed));
      assert.throws(() => pair.accepted.lastTicket(new Uint8Array(MOST_TICKET_DATA_BYTES + 1)), RangeError);
    });
  });
};
