import { ConfigKey } from '#model/names.ts';
import { canonicalNeighbor, unreachableNeighbor } from '#model/prefixes.ts';
import { type BgpNeighbor, BgpNeighborSchema } from '#proto/gen/cloudbridge/v1/routing_pb.ts';
import { badRequest } from '#services/api/errors.ts';
import type { Change } from '#services/store/commit.ts';
import type { Store } from '#services/store/store.ts';
import { afterLook, GuardKey } from './guard.ts';

const FIELD = 'neighbor.address';

/** @returns the address of a neighbour in its one form @throws InvalidArgument on what can be no router's */
export const neighborAddress = (text: string): string => {
  const address = canonicalNeighbor(text);
  if (address === undefined) {
    const description = 'must be an address such as 198.51.100.1 or 2001:db8::1, link-local as fe80::1%eth0';
    throw badRequest([{ field: FIELD, description }]);
  }
  const wrong = unreachableNeighbor(address);
  if (wrong !== undefined) throw badRequest([{ field: FIELD, description: wrong }]);
  return address;
};

/** None: all of the PoP. */
const shareWorker = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === 0 || other.length === 0 || one.some((worker) => other.includes(worker));

/**
 * A worker has one session with an address: it would refuse the second neighbour. One that is disabled is none.
 *
 * @returns to be committed with it @throws InvalidArgument
 */
export const lookForAddress = async (config: Store, neighbor: BgpNeighbor): Promise<Change> => {
  const { pop, id, address, workers } = neighbor;
  return afterLook(config, GuardKey.neighbors(pop), id, async () => {
    if (neighbor.disabled) return;
    for (const record of await config.list(ConfigKey.neighbor(pop, 'x').replace(/x$/, '*'))) {
      const other = config.tryRead(BgpNeighborSchema, record);
      if (other === undefined || other.id === id || other.address !== address || other.disabled) continue;
      if (!shareWorker(workers, other.workers)) continue;
      const description = `is that of neighbor ${JSON.stringify(other.id)} already, with a worker that both have`;
      throw badRequest([{ field: FIELD, description }]);
    }
  });
};
