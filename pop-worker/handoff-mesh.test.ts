import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from '#dataplane/commands.ts';
import { MeshHandoff } from './handoff-mesh.ts';

const peerOf = (worker: number, staticKey?: Uint8Array) => ({
  ...{ worker, address: '10.9.0.2', port: 7443, threads: 1, mtu: 1500 },
  ...{ staticKey, resetKey: new Uint8Array(32), answers: false },
});

const peerAt = ({ member, address }: { readonly member: number; readonly address: string }) => ({
  ...peerOf(member),
  address,
});

const SECRET = new Uint8Array(32).fill(3);
const placeOf = (member: number, port = 7443) => ({
  ...({ type: 'handoff', member, address: '10.9.0.2', port, threads: 1 } as const),
  ...{ keyId: 99, secret: SECRET },
});

test('keys of links go to the data plane; where a worker is, only when that is news', () => {
  const posted: Command[] = [];
  const handoff = new MeshHandoff(
    [peerOf(2), peerOf(3, new Uint8Array(32))],
    (command) => posted.push(command),
    peerAt,
  );
  handoff.place(placeOf(2));
  assert.deepEqual(posted.splice(0), [{ type: 'handoff-key', worker: 2, keyId: 99, secret: SECRET }]);
  handoff.place(placeOf(2, 7500));
  assert.deepEqual(posted.splice(0), [
    { type: 'handoff-peer', peer: { ...peerOf(2), port: 7500 } },
    { type: 'handoff-key', worker: 2, keyId: 99, secret: SECRET },
  ]);
  handoff.place(placeOf(2, 7500));
  assert.equal(posted.splice(0).length, 1);
  handoff.place({ ...placeOf(2, 7500), answers: true });
  assert.deepEqual(posted.splice(0)[0], { type: 'handoff-peer', peer: { ...peerOf(2), port: 7500, answers: true } });
  handoff.place(placeOf(3));
  handoff.place(placeOf(4));
  assert.deepEqual(posted, [], 'configured keys stay; who is no peer gets none');
});

test('links and verdicts make a worker alive, suspected or dead', () => {
  const posted: Command[] = [];
  const handoff = new MeshHandoff([peerOf(2)], (command) => posted.push(command), peerAt);
  const liveness = (): unknown[] =>
    posted.splice(0).map((command) => (command.type === 'handoff-liveness' ? command.liveness : command));
  handoff.linked(2, true);
  handoff.linked(2, false);
  handoff.verdict(2, true);
  handoff.linked(2, true);
  handoff.verdict(2, false);
  assert.deepEqual(liveness(), ['alive', 'suspected', 'dead', 'dead', 'alive']);
  handoff.majority(true);
  assert.deepEqual(posted, [{ type: 'handoff-majority', holds: true }]);
});

test('a member that joins can be handed packets, one that leaves cannot; who is configured with a key stays', () => {
  const posted: Command[] = [];
  const handoff = new MeshHandoff(
    [peerOf(2), peerOf(3, new Uint8Array(32))],
    (command) => posted.push(command),
    peerAt,
  );
  const member = (number: number) => ({ member: number, name: `w${number}`, address: `10.9.0.${number}`, port: 4443 });
  handoff.setPeers([member(4), member(2)]);
  assert.deepEqual(posted.splice(0), [{ type: 'handoff-peer', peer: { ...peerOf(4), address: '10.9.0.4' } }]);
  handoff.place(placeOf(4));
  assert.equal(posted.splice(0).at(-1)?.type, 'handoff-key');
  handoff.setPeers([member(4)]);
  assert.deepEqual(posted.splice(0), [{ type: 'handoff-peer-gone', worker: 2 }]);
  handoff.setPeers([]);
  assert.deepEqual(posted.splice(0), [{ type: 'handoff-peer-gone', worker: 4 }]);
});
