import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { TcpListener } from '#host/tcp/listener.ts';
import { TcpStream } from '#host/tcp/stream.ts';
import { inNamespace, needsRoot } from '#host/testing/namespace.ts';
import { addressOf } from '#host/udp/address.ts';
import { VIEWS } from '#protocol/bmp/feed.ts';
import { Station } from '#protocol/bmp/testing/station.ts';
import { slotOf } from '#telemetry/slots.ts';
import type { BmpStationConfig } from '../bmp/setup.ts';
import { type LinkEnd, testLink } from './testing/link.ts';
import { BgpSide, until } from './testing/side.ts';

const root = { skip: needsRoot };
const PORT = 11_019;

/** A station with real sockets at an end of a link. */
class StationServer {
  /** What came over each connection. */
  readonly heard: Buffer[] = [];
  readonly #listener: TcpListener;
  readonly #streams: TcpStream[] = [];

  constructor(t: TestContext, { path, address4 }: LinkEnd) {
    this.#listener = inNamespace(path, () => {
      return new TcpListener(addressOf(address4, PORT), '', (descriptor) => {
        const at = this.heard.push(Buffer.alloc(0)) - 1;
        const stream = new TcpStream(descriptor, {
          received: (bytes, length) => {
            this.heard[at] = Buffer.concat([this.heard[at]!, bytes.subarray(0, length)]);
          },
          drained: () => {},
          ended: () => {},
        });
        this.#streams.push(stream);
      });
    });
    t.after(() => this.close());
  }

  /** What the last connection told. */
  get station(): Station {
    const bytes = this.heard.at(-1) ?? Buffer.alloc(0);
    let end = 0;
    while (end + 6 <= bytes.length && end + bytes.readUInt32BE(end + 1) <= bytes.length)
      end += bytes.readUInt32BE(end + 1);
    return new Station().take(bytes.subarray(0, end));
  }

  drop(): void {
    for (const stream of this.#streams) stream.reset();
  }

  close(): void {
    this.#listener.close();
    this.drop();
  }
}

const configOf = ({ address4 }: LinkEnd): BmpStationConfig => ({
  ...{ name: 'station', address: address4, port: PORT, tcp: { hopLimit: 64, leastHopLimit: 0 } },
  ...{ views: VIEWS, sysName: 'edge', sysDescr: 'x', retryS: 1, statisticsS: 1, mostBytes: 1 << 20 },
});

test('a station is told of neighbours and tables, loses the connection, and is told anew', root, async (t) => {
  const [a, b] = testLink(t);
  const server = new StationServer(t, b);
  const one = new BgpSide(t, a, 64_500, { bmp: [configOf(b)], originate: [{ prefix: '203.0.113.0/24' }] });
  const other = new BgpSide(t, b, 64_501, { originate: [{ prefix: '198.51.100.0/24' }] });
  const id = one.add(other);
  other.add(one);
  await Promise.all([one.up(), other.up()]);
  const tables = [`${b.address4} pre`, `${b.address4} post`, `${b.address4} out`, 'loc'];
  const view = () => tables.map((table) => server.station.table(table).join());
  const whole = ['198.51.100.0/24: 64501', '198.51.100.0/24: 64501', '203.0.113.0/24: 64500'];
  const isWhole = () => view().join(' ') === [...whole, '198.51.100.0/24: 64501,203.0.113.0/24: '].join(' ');
  await until('all tables', isWhole);
  assert.ok(server.station.lines.includes(`peer up ${b.address4}`));
  await until('statistics', () => server.station.lines.includes(`statistics ${b.address4} 11`));
  server.drop();
  await until('another connection, with all again', () => server.heard.length === 2 && isWhole());
  one.thread.post({ type: 'stop', id, text: 'enough' });
  await until('the neighbour is gone', () => server.station.lines.includes(`peer down ${b.address4} 1`));
  assert.deepEqual(view(), ['', '', '', '203.0.113.0/24: ']);
  const [status] = (await one.thread.beside()).bmp;
  assert.deepEqual([status?.state, status?.sessions], ['up', 2]);
  const { slots } = one.thread;
  assert.equal(slots[slotOf('cloudbridge_bmp_stations_count', { state: 'up' })], 1);
  assert.equal(slots[slotOf('cloudbridge_bmp_ended_connections_total', { cause: 'connection' })], 1);
  assert.ok((slots[slotOf('cloudbridge_bmp_sent_bytes_total', {})] as number) > 1000);
  one.thread.post({ type: 'bmp', stations: [] });
  await until('it is told that this is the end', () => server.station.lines.at(-1) === 'termination');
  assert.equal(slots[slotOf('cloudbridge_bmp_ended_connections_total', { cause: 'stopped' })], 1);
});

test('a station that is not there is tried again; BGP goes on', root, async (t) => {
  const [a, b] = testLink(t);
  const one = new BgpSide(t, a, 64_500, { bmp: [configOf(b)] });
  await until('trouble', () => one.notices.some((notice) => notice.type === 'beside_trouble'));
  assert.match((await one.thread.beside()).bmp[0]?.lastError ?? '', /it cannot be reached: .*ECONNREFUSED/);
  const server = new StationServer(t, b);
  await until('it is told', () => server.station.lines[0] === 'initiation');
});
