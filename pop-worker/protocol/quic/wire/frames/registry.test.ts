import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacketType } from '../packet/packet-type.ts';
import { FRAMES, frameAllowed, frameContent, PacketContent, parserOf, TYPE_END } from './registry.ts';

/** RFC 9000 §12.4 table 3, copied: type, packets, spec. */
const TABLE_3 = `
  00 IH01 NP PADDING
  01 IH01 - PING
  02 IH_1 NC ACK
  03 IH_1 NC ACK
  04 __01 - RESET_STREAM
  05 __01 - STOP_SENDING
  06 IH_1 - CRYPTO
  07 ___1 - NEW_TOKEN
  08 __01 F STREAM
  09 __01 F STREAM
  0a __01 F STREAM
  0b __01 F STREAM
  0c __01 F STREAM
  0d __01 F STREAM
  0e __01 F STREAM
  0f __01 F STREAM
  10 __01 - MAX_DATA
  11 __01 - MAX_STREAM_DATA
  12 __01 - MAX_STREAMS
  13 __01 - MAX_STREAMS
  14 __01 - DATA_BLOCKED
  15 __01 - STREAM_DATA_BLOCKED
  16 __01 - STREAMS_BLOCKED
  17 __01 - STREAMS_BLOCKED
  18 __01 P NEW_CONNECTION_ID
  19 ___1 - RETIRE_CONNECTION_ID
  1a __01 P PATH_CHALLENGE
  1b ___1 P PATH_RESPONSE
  1c IH01 N CONNECTION_CLOSE
  1d __01 N CONNECTION_CLOSE
  1e ___1 - HANDSHAKE_DONE
  1f ___1 - IMMEDIATE_ACK
  30 __01 - DATAGRAM
  31 __01 - DATAGRAM
  af ___1 - ACK_FREQUENCY
`;

const rows = TABLE_3.trim()
  .split('\n')
  .map((line) => line.trim().split(' ') as [string, string, string, string])
  .map(([type, packets, spec, name]) => ({ type: Number.parseInt(type, 16), packets, spec, name }));

test('each frame is allowed exactly where table 3 and §12.5 say', () => {
  for (const { type, packets, name } of rows) {
    assert.equal(frameAllowed(type, PacketType.initial), packets[0] === 'I', name);
    assert.equal(frameAllowed(type, PacketType.handshake), packets[1] === 'H', name);
    assert.equal(frameAllowed(type, PacketType.zeroRtt), packets[2] === '0', name);
    assert.equal(frameAllowed(type, PacketType.oneRtt), packets[3] === '1', name);
    assert.equal(frameAllowed(type, PacketType.retry), false);
    assert.equal(frameAllowed(type, PacketType.versionNegotiation), false);
  }
});

test('each frame counts as table 3 says', () => {
  for (const { type, spec, name } of rows) {
    const content = frameContent(type);
    assert.equal((content & PacketContent.ackEliciting) === 0, spec.includes('N'), name);
    assert.equal((content & PacketContent.nonProbing) === 0, spec.includes('P'), name);
    assert.equal((content & PacketContent.inFlight) === 0, spec.includes('C'), name);
  }
});

test('names', () => {
  for (const { type, name } of rows) {
    assert.equal(FRAMES.find(({ first, last }) => type >= first && type <= last)?.name, name);
  }
});

test('nothing else is known', () => {
  const known = new Set(rows.map(({ type }) => type));
  for (let type = 0; type < TYPE_END + 10; type++) {
    assert.equal(parserOf(type) !== undefined, known.has(type));
    assert.equal(frameContent(type) !== 0, known.has(type));
    assert.equal(frameAllowed(type, PacketType.oneRtt), known.has(type));
    if (!known.has(type)) assert.equal(frameAllowed(type, PacketType.initial), false);
  }
  assert.equal(
    FRAMES.reduce((sum, { first, last }) => sum + last - first + 1, 0),
    rows.length,
  );
});
