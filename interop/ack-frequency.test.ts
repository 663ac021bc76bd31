import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countAcks } from './ack-frequency.ts';

const record = (name: string, ...types: readonly (string | number)[]): string =>
  JSON.stringify({
    name: `quic:packet_${name}`,
    data: {
      frames: types.map((type) =>
        typeof type === 'number'
          ? { frame_type: 'ack_frequency', ack_eliciting_threshold: type }
          : { frame_type: type },
      ),
    },
  });

test('packets of data and ACKs of them count from the first wish of their sender on', () => {
  const log = [
    JSON.stringify({ file_schema: 'the head' }),
    record('sent', 'stream'),
    record('received', 'ack'),
    record('sent', 9, 'stream'),
    ...Array.from({ length: 7 }, () => record('sent', 'ack', 'stream')),
    record('sent', 'ping'),
    record('received', 'ack', 'max_data'),
    record('received', 'max_data'),
    // The other side's wishes are about what we acknowledge.
    record('received', 3),
  ];
  assert.deepEqual(countAcks(log, true), { wishes: [10], every: 8 });
  assert.deepEqual(countAcks([...log, record('received', 'stream')], false).wishes, [4]);
  assert.deepEqual(countAcks(log.slice(0, 3), true), { wishes: [], every: Number.NaN });
});
