import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Authority } from '#services/installation/authority.ts';
import type { Place } from './place.ts';

/** In certificates. */
const nameOf = (pop: string): string => `${pop}.mesh.cloudbridge.internal`;

/** PoPs whose workers reach each other, by their numbers in the mesh. */
const membersOf = (place: Place): readonly (readonly [member: number, pop: string, address: string])[] =>
  place.pops.flatMap((pop, i) => {
    const { mesh } = place.worker(pop);
    return mesh === undefined ? [] : [[i + 1, pop, mesh] as const];
  });

/** Makes the mesh's own authority, and a certificate of it for each worker. */
export const issueForMesh = async (place: Place, folder: string): Promise<void> => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const authority = await Authority.open(folder);
  for (const [, pop] of membersOf(place)) await authority.issue(pop, { names: [nameOf(pop)], usage: 'both' });
};

/** What a worker's file says of the others. */
export const meshSections = (place: Place, folder: string, pop: string): Readonly<Record<string, object>> => {
  const members = membersOf(place);
  const own = members.find(([, name]) => name === pop);
  if (own === undefined) return {};
  const [member, , address] = own;
  const peers = members
    .filter(([other]) => other !== member)
    .map(([other, name, at]) => ({ member: other, name: nameOf(name), address: at }));
  const files = { certificate: `${pop}.pem`, key: `${pop}.key`, authority: 'ca.pem' };
  const at = Object.fromEntries(Object.entries(files).map(([key, file]) => [key, path.join(folder, file)]));
  return { mesh: { member, listen: { address }, ...at, peers }, handoff: {} };
};
