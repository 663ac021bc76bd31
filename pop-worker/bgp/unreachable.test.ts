import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { closePeers, until } from './testing/raw-peer.ts';
import { freePort, RunningSpeaker } from './testing/running.ts';

afterEach(closePeers);

/** Attempts each second. */
const WANTED = { as: 64_500, passive: false, connect_retry_seconds: 1 };
const FAILED = 'cloudbridge_bgp_failed_attempts_total';

test('why a neighbour cannot be connected to: in its status, one line of the log, and counted', async (t) => {
  const port = await freePort();
  const speaker = await RunningSpeaker.start(t, [
    { ...WANTED, name: 'closed', address: '127.0.0.2', port },
    { ...WANTED, name: 'from-elsewhere', address: '127.0.0.3', local_address: '192.0.2.77', port },
  ]);
  await until('attempts', async () => (await speaker.metric(FAILED)) >= 6);
  const reasons = {
    closed: /^it cannot be reached: .*ECONNREFUSED/,
    'from-elsewhere': /^it cannot be connected to: .*EADDRNOTAVAIL/,
  };
  for (const [name, reason] of Object.entries(reasons)) {
    assert.match((await speaker.status(name)).lastError ?? '', reason);
    const lines = speaker.lines
      .split('\n')
      .filter((line) => line.includes(`"neighbor":"${name}"`))
      .map((line) => JSON.parse(line) as { level: string; message: string; reason: string });
    assert.equal(lines.length, 1, 'not for each attempt');
    assert.match(lines[0]?.reason ?? '', reason);
  }
  speaker.end();
  await until('its end', () => speaker.hasEnded);
  assert.doesNotMatch(speaker.lines, /connection ended/, 'there was none');
});
