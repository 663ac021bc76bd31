/**
 * Sends datagrams from many addresses that are its network namespace's own: one order over IPC, and one message back, of how
 * many datagrams went and what came in answer.
 */
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { Burst, D_LENGTH, D_LOCAL, D_OFFSET, D_REMOTE, D_SEGMENT, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import { FIRST_SPOOFED, type SpoofedOrder, type SpoofedTold } from './spoofed-order.ts';

const FIRST_WORD = 2;
/** A loopback between namespaces takes them in no time; who receives them needs some. */
const EVERY_MS = 5;
const BURST = 64;
const LINGER_MS = 300;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const run = async ({ address, port, messages, count, sources }: SpoofedOrder): Promise<SpoofedTold> => {
  const socket = UdpSocket.open({ address: '0.0.0.0', port: 0, gro: false, dontFragment: false });
  const answers: Record<number, number> = {};
  const received = new Burst(8 * 65_536, 8);
  socket.onReadable(() => {
    for (received.clear(); socket.receive(received) > 0; received.clear()) {
      for (let base = 0; base < received.count * DESCRIPTOR_WORDS; base += DESCRIPTOR_WORDS) {
        const type = received.buffer[received.words[base + D_OFFSET] as number] as number;
        answers[type] = (answers[type] ?? 0) + (received.words[base + D_LENGTH] as number);
      }
    }
  });
  const parts = messages.map((text) => Buffer.from(text, 'base64'));
  const offsets = parts.map((_, i) => parts.slice(0, i).reduce((sum, { length }) => sum + length, 0));
  const burst = new Burst(0, BURST, Uint8Array.from(Buffer.concat(parts)));
  const { words } = burst;
  const view = new DataView(words.buffer);
  const first = new DataView(addressOf(FIRST_SPOOFED).buffer).getUint32(4 * FIRST_WORD);
  let sent = 0;
  while (sent < count) {
    burst.count = Math.min(BURST, count - sent);
    for (let i = 0; i < burst.count; i++) {
      const base = i * DESCRIPTOR_WORDS;
      const which = (sent + i) % parts.length;
      words[base + D_OFFSET] = offsets[which] as number;
      words[base + D_LENGTH] = (parts[which] as Buffer).length;
      words[base + D_SEGMENT] = (parts[which] as Buffer).length;
      words.set(addressOf(address, port), base + D_REMOTE);
      words.set(addressOf(FIRST_SPOOFED), base + D_LOCAL);
      view.setUint32(4 * (base + D_LOCAL + FIRST_WORD), first + ((sent + i) % sources));
    }
    sent += socket.send(burst);
    await pause(EVERY_MS);
  }
  await pause(LINGER_MS);
  socket.close();
  return { sent, answers };
};

process.once('message', async (order: SpoofedOrder) => {
  const told = await run(order);
  process.send?.(told, undefined, undefined, () => process.disconnect());
});
