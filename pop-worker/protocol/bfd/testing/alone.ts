import { ControlPacket, writePacket } from '../packet.ts';
import { State } from '../state.ts';
import { addressOf, FAST, Pair } from './pair.ts';

/** A packet as a peer may send it: Down at first, unless its fields say something else. */
export const packetOf = (fields: Partial<ControlPacket>): Uint8Array => {
  const bytes = new Uint8Array(24);
  const all = {
    state: State.down,
    detectMult: 3,
    length: 24,
    myDiscriminator: 77,
    desiredMinTxUs: 1_000_000,
    requiredMinRxUs: 50_000,
  };
  writePacket(Object.assign(new ControlPacket(), all, fields), bytes, 0);
  return bytes;
};

/** One end alone, which is told packets by hand. */
export const alone = (options: Partial<typeof FAST> = {}) => {
  const pair = new Pair();
  const session = pair.a.bfd.open({ ...FAST, ...options }, pair.now);
  const tell = (fields: Partial<ControlPacket>, hopLimit?: number): void =>
    pair.a.take(
      packetOf({ yourDiscriminator: session.discriminator, ...fields }),
      addressOf(2, 50_000),
      pair.now,
      hopLimit,
    );
  pair.passes = () => false;
  return { pair, session, tell };
};
