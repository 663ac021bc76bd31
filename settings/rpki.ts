/** RPKI caches in a configuration file (RFC 8210). */
import { z } from 'zod';
import { ipAddress } from './fields.ts';

const seconds = (least: number, most: number) => z.int().min(least).max(most);

const Cache = z.strictObject({
  /** For people; the address when it is absent. */
  name: z.string().min(1).max(64).optional(),
  address: ipAddress,
  port: z.int().min(1).max(65_535).default(323),
  /** The address that we connect from. */
  local_address: ipAddress.optional(),
  /** The lower, the more preferred. */
  preference: z.int().min(0).max(255).default(1),
  /** A file with the key of TCP MD5, that nobody else may read. */
  md5_key_file: z.string().optional(),
  /** Until the cache says others (RFC 8210 §6). */
  refresh_seconds: seconds(1, 86_400).default(3600),
  retry_seconds: seconds(1, 7200).default(600),
  expire_seconds: seconds(600, 172_800).default(7200),
});

/** More than anybody has; each may hold 2,000,000 records. */
const MOST_CACHES = 8;

export const RpkiFile = z
  .strictObject({ caches: z.array(Cache).max(MOST_CACHES).default([]) })
  .superRefine(({ caches }, context) => {
    for (const [i, { expire_seconds: expire, refresh_seconds: refresh, retry_seconds: retry }] of caches.entries()) {
      // RFC 8210 §6: it must be longer than either of the others.
      const message = 'must be more than refresh_seconds and retry_seconds';
      if (expire <= Math.max(refresh, retry))
        context.addIssue({ code: 'custom', path: ['caches', i, 'expire_seconds'], message });
    }
  });
export type RpkiFile = z.infer<typeof RpkiFile>;
