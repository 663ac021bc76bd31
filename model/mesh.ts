/** The mesh of workers: what a revision says of who is in it. */

import type { MeshConfig } from '#proto/gen/cloudbridge/v1/revision_pb.ts';

export const DEFAULT_MESH_PORT = 4443;

/** The name in a worker's certificate of the mesh, as a DNS name. */
export const meshName = (pop: string, worker: string): string => `${worker}.${pop}.mesh`;

/** The PoP in a name that `meshName` made; undefined: another one made it, as a worker's own file may. */
export const popOfMeshName = (name: string): string | undefined => /^[^.]+\.([^.]+)\.mesh$/.exec(name)?.[1];

/** A worker in the mesh. */
export interface MeshPlace {
  /** 1 to 65,535. */
  readonly member: number;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** SHA-256 of its key (SubjectPublicKeyInfo), where that is pinned. */
  readonly pin?: Uint8Array;
}

/** Who is in the mesh, as one worker sees it. */
export interface MeshMembers {
  /** Its own number; undefined: it is no member. */
  readonly own: number | undefined;
  /** All others, by their numbers. */
  readonly others: readonly MeshPlace[];
}

/** @returns undefined when nothing is said of it, as by a revision from before there was a mesh */
export const membersOf = (config: MeshConfig | undefined, pop: string, worker: string): MeshMembers | undefined => {
  if (config === undefined) return undefined;
  const isOwn = (member: { readonly pop: string; readonly worker: string }): boolean =>
    member.pop === pop && member.worker === worker;
  return {
    own: config.members.find(isOwn)?.number,
    others: config.members
      .filter((member) => !isOwn(member))
      .map(({ number: member, pop: of, worker: id, address, port, pin }) => ({
        ...{ member, name: meshName(of, id), address, port, ...(pin.length > 0 && { pin }) },
      })),
  };
};
