import type { Reader } from '../reader.ts';
import type { FrameSink } from './sink.ts';

/** ACK_FREQUENCY (draft-ietf-quic-ack-frequency §4). */
export const parseAckFrequency = (reader: Reader, _type: number, sink: FrameSink): void => {
  const sequence = reader.varint();
  const threshold = reader.varint();
  const maxDelayUs = reader.varint();
  sink.ackFrequency(sequence, threshold, maxDelayUs, reader.varint());
};
