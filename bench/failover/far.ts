/** Where the clients' streams and TCP connections lead: receives, sends where it was asked to, gives lines back. */
import { createSocket, type Socket } from 'node:dgram';
import net from 'node:net';
import { ArrivalLog } from './gaps.ts';
import { EVERY_MS, type FarOrder, nowMs, PACKET_BYTES, PORT, type Seen } from './order.ts';
import { Ticker } from './ticker.ts';

interface Stream {
  readonly arrivals: ArrivalLog;
  /** From where it came last: that is where answers go. */
  from: { readonly socket: Socket; readonly address: string; readonly port: number };
  wantsAnswers: boolean;
}

process.once('message', ({ listen }: FarOrder) => {
  const streams = new Map<number, Stream>();
  const packet = new Uint8Array(PACKET_BYTES);
  let bound = 0;
  const serves = (): void => {
    if (++bound === 2 * listen.length) process.send?.({ ready: listen.length });
  };
  for (const address of listen) {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.on('error', () => {});
    socket.on('message', (bytes, from) => {
      const id = bytes.readUInt32BE(0);
      let stream = streams.get(id);
      const at = { socket, address: from.address, port: from.port };
      if (stream === undefined) {
        stream = { arrivals: new ArrivalLog(), from: at, wantsAnswers: bytes[4] === 1 };
        streams.set(id, stream);
      }
      stream.from = at;
      stream.arrivals.take(nowMs());
    });
    socket.bind(PORT, address, serves);
    const server = net.createServer({ noDelay: true }, (tcp) => {
      tcp.on('error', () => tcp.destroy());
      tcp.pipe(tcp);
    });
    server.listen(PORT, address, serves);
  }
  const ticker = new Ticker(EVERY_MS, () => {
    for (const { from, wantsAnswers } of streams.values())
      if (wantsAnswers) from.socket.send(packet, from.port, from.address, () => {});
  });
  process.once('SIGTERM', () => {
    const arrivals = Object.fromEntries([...streams].map(([id, stream]) => [id, stream.arrivals]));
    const seen: Seen = { arrivals, connections: {}, ownStallMs: ticker.longestStallMs };
    process.send?.({ result: seen }, () => process.exit());
  });
});
