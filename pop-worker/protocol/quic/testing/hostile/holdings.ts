import assert from 'node:assert/strict';
import { TransportError } from '../../errors.ts';
import { BLOCK_BYTES } from '../../streams/reassembly.ts';
import type { Scene } from './scene.ts';

const CODES: ReadonlySet<number> = new Set(Object.values(TransportError).filter((code) => code < 0x100));

/** Datagrams for each that came: PATH_RESPONSE and CONNECTION_CLOSE go alone; besides, what time brings about. */
const ANSWERS = 12;
const AT_ANY_TIME = 200;

/** What must hold of the one who is attacked, whatever was done to it: `SPEC-limits.md`. */
export const check = ({ victim, told, sent, injected }: Scene, asked: number): void => {
  const { config, streams, localCids, peerCids, paths, recovery, datagrams, counters } = victim.parts;
  assert.ok(told.closes.length <= 1, 'it ended twice');
  const [info] = told.closes;
  if (info?.by === 'local' && !info.application) {
    assert.ok(CODES.has(info.code) || (info.code >= 0x100 && info.code < 0x200), `code ${info.code}`);
    const isOurFault = info.code === TransportError.internalError && counters.exceededGaps === 0;
    assert.ok(!isOurFault, `INTERNAL_ERROR: ${info.reason}`);
  }
  const open = streams.size;
  assert.ok(open <= 2 * (config.initialMaxStreamsBidi + config.initialMaxStreamsUni), `${open} streams`);
  assert.ok(streams.earlyBlocks * BLOCK_BYTES <= config.maxConnectionWindow + 2 * BLOCK_BYTES * open, 'early data');
  assert.ok(localCids.count <= 8, `${localCids.count} connection IDs`);
  assert.ok(peerCids.available <= config.activeConnectionIdLimit, `${peerCids.available} connection IDs of the peer`);
  assert.ok(paths.count <= 4, `${paths.count} paths`);
  assert.ok(datagrams.count <= config.datagramQueueCount, 'datagrams');
  assert.ok(paths.active.budget >= 0, `${-paths.active.budget} bytes more than three times what came`);
  assert.ok(sent <= AT_ANY_TIME + ANSWERS * injected + asked, `${sent} datagrams for ${injected}`);
  for (const [what, value] of Object.entries({
    inFlight: recovery.bytesInFlight,
    window: recovery.controller.congestionWindow,
    rtt: recovery.rtt.smoothedUs,
    pto: recovery.ptoUs(2),
  })) {
    assert.ok(Number.isFinite(value) && value >= 0, `${what} ${value}`);
  }
  assert.ok(!Number.isNaN(victim.deadline()), 'no deadline');
};
