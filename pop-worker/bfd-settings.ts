import { z } from 'zod';
import { systemHash } from '#host/hash/hash.ts';
import { systemRandom } from '#host/random/random.ts';
import { addressOf } from '#host/udp/address.ts';
import type { BfdSessionConfig } from '#pop-worker/routing/bfd/setup.ts';
import { addressFamily } from '#protocol/address.ts';
import { AUTHENTICATION_TYPES, createAuthentication, MOST_KEYS } from '#protocol/bfd/authentication/table.ts';
import { checkSession, HOP_LIMIT, MOST_SESSIONS } from '#protocol/bfd/options.ts';
import { readSecretFile } from '#settings/key-files.ts';
import { ConfigError } from '#settings/toml-file.ts';

const familyOf = (text: string): number | undefined => {
  try {
    return addressFamily(addressOf(text));
  } catch {
    return undefined;
  }
};

const address = z
  .string()
  .refine((text) => familyOf(text) !== undefined, 'must be an IP address; a link-local one as fe80::1%2');

const neighbour = z
  .strictObject({
    /** That the neighbour sends to. */
    local: address,
    remote: address,
    /** The interface that leads to it; without one, whichever has the address. Not with `multi_hop`. */
    device: z.string().min(1).max(15).optional(),
    interval_ms: z.int().min(10).max(60_000).default(50),
    multiplier: z.int().min(1).max(255).default(3),
    /** Through routers, to port 4784. */
    multi_hop: z.boolean().default(false),
    /** What must be left of a hop limit of 255; only with `multi_hop`. */
    least_hop_limit: z.int().min(1).max(HOP_LIMIT).optional(),
    authentication: z
      .strictObject({
        type: z.enum(AUTHENTICATION_TYPES),
        /** The first one is sent with; each file holds the bytes of a secret. */
        keys: z
          .array(z.strictObject({ id: z.int().min(0).max(255), file: z.string() }))
          .min(1)
          .max(MOST_KEYS),
      })
      .optional(),
  })
  .refine(({ local, remote }) => familyOf(local) === familyOf(remote), 'local and remote must be of one family')
  .refine(({ multi_hop, device }) => !multi_hop || device === undefined, 'device goes with one hop only')
  .refine(
    ({ multi_hop, least_hop_limit }) => multi_hop || least_hop_limit === undefined,
    'least_hop_limit goes with multi_hop only',
  );

/** `[bfd]` of a worker's file. */
export const BfdSection = z.strictObject({
  /** Of the thread, before all ordinary ones (SCHED_RR); 0: it is an ordinary one. */
  priority: z.int().min(0).max(99).default(10),
  neighbours: z.array(neighbour).max(MOST_SESSIONS).default([]),
});
export type BfdSettings = z.infer<typeof BfdSection>;

/** @param at makes a path of the file's an absolute one */
export const withBfdPaths = (settings: BfdSettings, at: (path: string) => string): BfdSettings => ({
  ...settings,
  neighbours: settings.neighbours.map(({ authentication, ...rest }) => ({
    ...rest,
    ...(authentication && {
      authentication: { ...authentication, keys: authentication.keys.map(({ id, file }) => ({ id, file: at(file) })) },
    }),
  })),
});

const secretIn = (file: string): Uint8Array => {
  const text = readSecretFile(file, 'the key of BFD');
  // An editor's end of line is nobody's secret.
  const end = text.at(-1) === 0x0a ? text.length - 1 : text.length;
  return Uint8Array.from(text.subarray(0, end));
};

const sessionOf = (settings: BfdSettings['neighbours'][number]): BfdSessionConfig => {
  const { local, remote, device, interval_ms, multiplier, multi_hop, least_hop_limit, authentication } = settings;
  const session = {
    ...{ local, remote, device, multiHop: multi_hop, detectMult: multiplier },
    ...(least_hop_limit !== undefined && { leastHopLimit: least_hop_limit }),
    desiredMinTxUs: interval_ms * 1000,
    requiredMinRxUs: interval_ms * 1000,
    authentication: authentication && {
      type: authentication.type,
      keys: authentication.keys.map(({ id, file }) => ({ id, secret: secretIn(file) })),
    },
  };
  checkSession({ ...session, binding: 0, remote: addressOf(remote) });
  if (session.authentication !== undefined) createAuthentication(session.authentication, systemHash, systemRandom);
  return session;
};

/** The sessions that neighbours are to have, with their secrets. @throws ConfigError with the neighbour and what is wrong */
export const readBfdSessions = ({ neighbours }: BfdSettings): BfdSessionConfig[] =>
  neighbours.map((settings) => {
    try {
      return sessionOf(settings);
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      throw new ConfigError(`[[bfd.neighbours]] ${settings.remote}: ${(error as Error).message}`);
    }
  });
