import {
  WireguardKeyUse,
  type WireguardRotation,
  type WireguardRotationDevice,
} from '#proto/gen/cloudbridge/v1/wireguard_pb.ts';
import { TARGET_OPTIONS } from '../api/options.ts';
import { defineCommand } from '../command.ts';
import { FAILURE, SUCCESS } from '../failure.ts';
import type { Output } from '../output.ts';
import { methodNamed } from '../resources/methods.ts';

interface Row {
  readonly device: string;
  /** POP/WORKER; null: it is at no worker that is heard. */
  readonly worker: string | null;
  /** Null: it is at no worker, or at one that has not said yet. */
  readonly comesBy: 'previous' | 'present' | null;
  readonly sealedTo: 'previous' | null;
}

const COMES_BY: Readonly<Partial<Record<WireguardKeyUse, Row['comesBy']>>> = {
  [WireguardKeyUse.PREVIOUS]: 'previous',
  [WireguardKeyUse.PRESENT]: 'present',
};

const rowOf = ({ tenant, device, pop, worker, comesBy, sealedToPreviousKey }: WireguardRotationDevice): Row => ({
  device: `${tenant}/${device}`,
  worker: pop === '' ? null : `${pop}/${worker}`,
  comesBy: COMES_BY[comesBy] ?? null,
  sealedTo: sealedToPreviousKey ? 'previous' : null,
});

const remarks = (output: Output, { devices, leftOut, silentWorkers, previousPublicKey }: WireguardRotation): void => {
  if (previousPublicKey === '') output.remark('The edge has no key before the present one: nobody needs another.');
  else if (devices.length === 0) output.remark('Every device has come by the present key.');
  if (leftOut > 0) output.remark(`${leftOut} more are not shown.`);
  for (const worker of silentWorkers)
    output.remark(`Nothing is heard of worker ${worker}: by which key devices are there is not known.`);
};

export const wireguardRotation = defineCommand({
  name: 'wireguard rotation',
  summary: 'which devices of the fleet may still need the key of WireGuard before the present one',
  description: [
    'Of all workers: a device that comes by that key has a configuration from before; one whose preshared key is sealed to it',
    'would be refused without it. A device that is at no worker is shown as well, for nobody knows what it will come by. Workers',
    'say by which key who has come within 10 seconds. Exit code 1 while there are any of the first two kinds.',
  ].join('\n'),
  options: TARGET_OPTIONS,
  examples: [
    { run: 'cloudbridge wireguard rotation', does: 'a table' },
    { run: 'cloudbridge wireguard rotation --json', does: 'an object a device, for scripts' },
  ],
  run: async ({ options, output }) => {
    const { withApi } = await import('../api/client.ts');
    const { rpc } = methodNamed('wireguard', 'rotation');
    const rotation = (await withApi(options, (api) => api.call(rpc, {}))) as unknown as WireguardRotation;
    const rows = rotation.devices.map(rowOf);
    output.list<Row>(
      [
        { heading: 'device', cell: ({ device }) => device },
        { heading: 'worker', cell: ({ worker }) => worker ?? '-' },
        { heading: 'comes by', cell: ({ comesBy }) => (comesBy === null ? 'not known' : `${comesBy} key`) },
        { heading: 'preshared key sealed to', cell: ({ sealedTo }) => (sealedTo === null ? '-' : 'previous key') },
      ],
      rows,
    );
    remarks(output, rotation);
    const isNeeded = rotation.leftOut > 0 || rows.some((row) => row.comesBy === 'previous' || row.sealedTo !== null);
    return isNeeded ? FAILURE : SUCCESS;
  },
});
