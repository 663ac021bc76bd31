/**
 * A worker's neighbour, in a process of its own: takes its orders by IPC, and prints at which moments the worker announces
 * and withdraws, one JSON object a line.
 */
import { u16At } from '#protocol/bgp/wire/bytes.ts';
import { HEADER_BYTES, MessageType } from '#protocol/bgp/wire/header.ts';
import { connecting, Neighbour } from './neighbour.ts';

/** What it does. */
export interface UpstreamOrder {
  /** Of IPv4, text. */
  readonly address: string;
  readonly as: number;
  readonly worker: string;
}

/** A line. */
export interface UpstreamNews {
  readonly type: 'announced' | 'withdrawn';
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

const PORT = 179;
const IDENTIFIER = 0xc000_02fe;

const run = async ({ address, as, worker }: UpstreamOrder): Promise<void> => {
  const tell = (buffer: Uint8Array, at: number, end: number): void => {
    const withdrawn = at + HEADER_BYTES;
    const attributes = withdrawn + 2 + u16At(buffer, withdrawn);
    const nlri = attributes + 2 + u16At(buffer, attributes);
    if (buffer[at + HEADER_BYTES - 1] !== MessageType.update) return;
    const news = (type: UpstreamNews['type']): void => {
      const atMs = Date.now();
      process.stdout.write(`${JSON.stringify({ type, atMs } satisfies UpstreamNews)}\n`);
    };
    if (attributes > withdrawn + 2) news('withdrawn');
    if (nlri < end) news('announced');
  };
  await new Neighbour(connecting(address, worker, PORT), as, IDENTIFIER, tell).established;
  process.send?.({ ready: true });
};

process.once('message', (order: UpstreamOrder) => {
  run(order).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  });
});
