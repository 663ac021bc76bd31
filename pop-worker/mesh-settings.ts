import { z } from 'zod';
import { DEFAULT_MESH_PORT } from '#model/mesh.ts';
import type { MeshPeer, MeshThreadSetup } from '#pop-worker/mesh/setup.ts';
import { MOST_MEMBERS } from '#protocol/mesh/wire/vector.ts';
import { ipAddress } from '#settings/fields.ts';
import { readCertificate, readTlsPair } from '#settings/key-files.ts';
import { tryMeshTls } from './mesh-certificate.ts';

const member = z.int().min(1).max(0xffff);
const port = z.int().min(1).max(65_535);

const peer = z.strictObject({
  member,
  /** In its certificate, as a DNS name. */
  name: z.string().min(1).max(253),
  address: ipAddress,
  port: port.default(DEFAULT_MESH_PORT),
  /** SHA-256 of its key (SubjectPublicKeyInfo) in hexadecimal: where one wants to go by more than the authority's word. */
  pin: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits')
    .optional(),
});

/** `[mesh]` of a worker's file. */
export const MeshSection = z
  .strictObject({
    /** Number of this worker, which no other has; without it the control plane says which. */
    member: member.optional(),
    listen: z.strictObject({ address: ipAddress, port: port.default(DEFAULT_MESH_PORT) }),
    /** PEM files; certificates of both sides are signed by the authority, which signs nothing else. */
    certificate: z.string(),
    key: z.string(),
    authority: z.string(),
    /** Besides those of the control plane, and in place of these where the numbers are the same. */
    peers: z
      .array(peer)
      .max(MOST_MEMBERS - 1)
      .default([]),
  })
  .refine(
    ({ member: own, peers }) => new Set([own, ...peers.map((one) => one.member)]).size === peers.length + 1,
    'every worker must have a number of its own',
  )
  .refine(
    ({ peers }) => new Set(peers.map(({ name }) => name)).size === peers.length,
    'every worker must have a name of its own',
  );
export type MeshSettings = z.infer<typeof MeshSection>;

/** @param at makes a path of the file's an absolute one */
export const withMeshPaths = (settings: MeshSettings, at: (path: string) => string): MeshSettings => ({
  ...settings,
  certificate: at(settings.certificate),
  key: at(settings.key),
  authority: at(settings.authority),
});

/** What the mesh thread needs of the settings, with the contents of their files. */
export type MeshConfig = Pick<MeshThreadSetup, 'member' | 'listen' | 'tls' | 'peers'>;

/** Reads certificate, key and authority. @throws ConfigError or StartError with what is wrong */
export const readMeshTls = ({ certificate, key, authority }: MeshSettings): MeshConfig['tls'] => {
  const tls = {
    ...readTlsPair({ certificate, key }, new Date()),
    authority: readCertificate(authority, 'the authority of the mesh'),
  };
  tryMeshTls(tls);
  return tls;
};

/** With the contents of its files. @throws ConfigError or StartError with what is wrong */
export const readMesh = (settings: MeshSettings, own: number): MeshConfig => ({
  ...{ member: own, listen: settings.listen },
  tls: readMeshTls(settings),
  peers: settings.peers.map(
    ({ pin, ...rest }): MeshPeer => ({ ...rest, ...(pin && { pin: Uint8Array.from(Buffer.from(pin, 'hex')) }) }),
  ),
});
