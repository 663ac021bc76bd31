import { create } from '@bufbuild/protobuf';
import { StatusKey } from '#model/names.ts';
import { DeviceSchema, DeviceState, type DeviceWireguard } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import type { Presence } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import {
  type WireguardEdge,
  WireguardKeyUse,
  type WireguardRotation,
  type WireguardRotationDevice,
  WireguardRotationDeviceSchema,
  WireguardRotationSchema,
} from '#proto/gen/cloudbridge/v1/wireguard_pb.ts';
import type { Store } from '#services/store/store.ts';
import type { Stores } from './stores.ts';
import { presenceIn, readWorkers, type Workers } from './whereabouts.ts';

/** Devices that one answer lists. */
const MOST = 10_000;

/** By TENANT/DEVICE, where each is whose worker is heard. */
const readPresent = async (status: Store, workers: Workers): Promise<ReadonlyMap<string, readonly Presence[]>> => {
  const records = await status.list(StatusKey.presence('*', '*', '*', '*'));
  const present = presenceIn(status, records, workers).filter(({ workerSilent }) => !workerSilent);
  return Map.groupBy(present, ({ tenant, device }) => `${tenant}/${device}`);
};

/** @returns undefined: it comes by the present key everywhere, and needs no other */
const rotationOf = (
  publicKey: string,
  { presharedKeySealedTo, hasPresharedKey }: DeviceWireguard,
  present: readonly Presence[],
): Pick<WireguardRotationDevice, 'pop' | 'worker' | 'comesBy' | 'sealedToPreviousKey'> | undefined => {
  const sealedToPreviousKey = hasPresharedKey && presharedKeySealedTo !== publicKey;
  // Where it is otherwise than it should goes first.
  const found = present.find(({ edgeKey }) => edgeKey !== publicKey) ?? present[0];
  const { pop = '', worker = '', edgeKey = '' } = found ?? {};
  const { UNSPECIFIED, PREVIOUS, PRESENT } = WireguardKeyUse;
  const comesBy = edgeKey === publicKey ? PRESENT : edgeKey === '' ? UNSPECIFIED : PREVIOUS;
  if (comesBy === PRESENT && !sealedToPreviousKey) return undefined;
  return { pop, worker, comesBy, sealedToPreviousKey };
};

/** Who of all devices may need the key of the edge before the present one. */
export const readRotation = async (
  { config, status }: Stores,
  { publicKey, previousPublicKey }: WireguardEdge,
): Promise<WireguardRotation> => {
  const rotation = create(WireguardRotationSchema, { publicKey, previousPublicKey });
  if (previousPublicKey === '') return rotation;
  const workers = await readWorkers(status);
  rotation.silentWorkers = [...workers].flatMap(([name, worker]) =>
    worker.isSilent && !worker.isStopped ? [name] : [],
  );
  const present = await readPresent(status, workers);
  for (const record of await config.list('*.device.*')) {
    const { tenant = '', id: device = '', state, wireguard } = config.tryRead(DeviceSchema, record) ?? {};
    if (wireguard === undefined || state === DeviceState.REVOKED) continue;
    const found = rotationOf(publicKey, wireguard, present.get(`${tenant}/${device}`) ?? []);
    if (found === undefined) continue;
    if (rotation.devices.length === MOST) rotation.leftOut++;
    else rotation.devices.push(create(WireguardRotationDeviceSchema, { tenant, device, ...found }));
  }
  return rotation;
};
