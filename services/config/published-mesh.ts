import { create } from '@bufbuild/protobuf';
import { DEFAULT_MESH_PORT } from '#model/mesh.ts';
import { WorkerSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import {
  type MeshConfig,
  MeshConfigSchema,
  type MeshMember,
  MeshMemberSchema,
} from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import type { Store } from '#services/store/store.ts';
import { ALL_WORKERS } from './members.ts';
import { readAll } from './published-routing.ts';

/**
 * Who is in the mesh of workers, as it goes into a revision: those that have an address for it.
 *
 * @param published of the revision before: a worker whose record cannot be read stays what it was there
 * @returns undefined when nobody is
 */
export const readMesh = async (
  config: Store,
  published: () => Promise<MeshConfig | undefined>,
): Promise<MeshConfig | undefined> => {
  const { found, damaged } = await readAll(config, WorkerSchema, ALL_WORKERS);
  const members = found
    .filter(({ meshAddress, member }) => meshAddress !== '' && member !== 0)
    .map(({ pop, id: worker, meshAddress: address, meshPort, meshPin, member: number }) =>
      create(MeshMemberSchema, {
        ...{ number, pop, worker, address, port: meshPort || DEFAULT_MESH_PORT, pin: fromHex(meshPin) },
      }),
    );
  if (damaged.size > 0) {
    const isDamaged = ({ pop, worker }: MeshMember): boolean => damaged.has(`${pop}.${worker}`);
    members.push(...((await published())?.members.filter(isDamaged) ?? []));
  }
  if (members.length === 0) return undefined;
  return create(MeshConfigSchema, { members: members.sort((a, b) => a.number - b.number) });
};

const fromHex = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
