import { AckReceiver } from './ack/receiver.ts';
import { minAckDelayUs, type QuicConfig } from './config.ts';
import { Space } from './recovery/recovery.ts';
import { type CryptoDeliver, CryptoStream } from './streams/crypto-stream.ts';

/** One packet number space (RFC 9000 §12.3): what arrived, what TLS sends and receives in it. Recovery keeps the rest. */
export class PacketSpace {
  readonly id: Space;
  readonly ack: AckReceiver;
  readonly crypto: CryptoStream;
  /** Largest packet number of ours that the peer acknowledged, -1 for none. */
  largestAcked = -1;
  /** Send PING: a probe, or a sign of life. */
  ping = false;
  /** Packets sent since the last ack-eliciting one: without any, the peer's ACKs of our ACKs would never come. */
  ackOnlySent = 0;

  constructor(id: Space, config: QuicConfig, deliver: CryptoDeliver) {
    this.id = id;
    this.crypto = new CryptoStream(deliver, config.cryptoBufferBytes);
    this.ack = new AckReceiver({
      immediate: id !== Space.application,
      maxAckDelayUs: config.maxAckDelayMs * 1000,
      minAckDelayUs: minAckDelayUs(config),
      ackDelayExponent: config.ackDelayExponent,
    });
  }
}
