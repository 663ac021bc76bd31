import { Burst, D_ECN, D_LENGTH, D_LOCAL, D_OFFSET, D_REMOTE, D_SEGMENT, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import { addressOf, formatAddress } from '../address.ts';
import type { UdpSocket } from '../socket.ts';

export interface Datagram {
  readonly data: Uint8Array;
  readonly ecn: number;
  readonly remote: string;
  readonly local: string;
}

const NOWHERE = addressOf('0.0.0.0');

/** Bytes that differ from datagram to datagram and along each. */
export const pattern = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + seed * 131 + (i >>> 8)) & 0xff);

/** Appends one datagram to a burst. */
export const put = (
  burst: Burst,
  data: Uint8Array,
  remote: Int32Array,
  { ecn = 0, local = NOWHERE }: { ecn?: number; local?: Int32Array } = {},
): void => {
  burst.buffer.set(data, burst.used);
  burst.commit(data.length, ecn, remote, 0, local, 0);
};

/** Every datagram of a burst, copied. */
export const datagramsOf = (burst: Burst): Datagram[] => {
  const datagrams: Datagram[] = [];
  for (let at = 0; at < burst.count * DESCRIPTOR_WORDS; at += DESCRIPTOR_WORDS) {
    const word = (index: number): number => burst.words[at + index] as number;
    const end = word(D_OFFSET) + word(D_LENGTH);
    const common = {
      ecn: word(D_ECN),
      remote: formatAddress(burst.words, at + D_REMOTE),
      local: formatAddress(burst.words, at + D_LOCAL),
    };
    let start = word(D_OFFSET);
    do {
      const next = Math.min(start + word(D_SEGMENT), end);
      datagrams.push({ data: burst.buffer.slice(start, next), ...common });
      start = next;
    } while (start < end);
  }
  return datagrams;
};

/** Resolves with the next `count` datagrams that arrive; rejects when they have not within ten seconds. */
export const receiveDatagrams = (socket: UdpSocket, count: number): Promise<Datagram[]> => {
  const { promise, resolve, reject } = Promise.withResolvers<Datagram[]>();
  const burst = new Burst(16 * 65_536, 16);
  const arrived: Datagram[] = [];
  const deadline = setTimeout(() => reject(new Error(`${arrived.length} of ${count} datagrams arrived`)), 10_000);
  socket.onReadable(() => {
    try {
      burst.clear();
      socket.receive(burst);
      arrived.push(...datagramsOf(burst));
      if (arrived.length < count) return;
      clearTimeout(deadline);
      socket.onReadable(undefined);
      resolve(arrived);
    } catch (error) {
      reject(error);
    }
  });
  return promise;
};
