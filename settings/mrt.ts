/** MRT files in a configuration file (RFC 6396). */
import { z } from 'zod';

export const MrtSettings = z.strictObject({
  /** A folder that is there; paths are from the configuration file's. */
  directory: z.string().min(1),
  /** Between tables; 0: none. */
  table_seconds: z.union([z.literal(0), z.int().min(60).max(604_800)]).default(7200),
  /** UPDATEs that come, and changes of sessions' states. */
  updates: z.boolean().default(true),
  rotate_seconds: z.int().min(10).max(86_400).default(900),
  /** Of a file of UPDATEs; another one follows. */
  most_megabytes: z.int().min(1).max(4096).default(256),
  /** Files of each kind that stay. */
  keep: z.int().min(1).max(100_000).default(96),
});
