/** BMP stations in a configuration file (RFC 7854). */
import { z } from 'zod';
import { ipAddress } from './fields.ts';

const Station = z.strictObject({
  /** For people; the address when it is absent. */
  name: z.string().min(1).max(64).optional(),
  address: ipAddress,
  port: z.int().min(1).max(65_535),
  /** The address that we connect from. */
  local_address: ipAddress.optional(),
  /** A file with the key of TCP MD5, that nobody else may read. */
  md5_key_file: z.string().optional(),
  /** Which tables it is told. */
  views: z
    .array(z.enum(['adj-rib-in-pre', 'adj-rib-in-post', 'loc-rib', 'adj-rib-out-post']))
    .min(1)
    .default(['adj-rib-in-pre', 'loc-rib']),
  /** Until it is tried again, doubled each time that fails. */
  retry_seconds: z.int().min(1).max(3600).default(30),
  /** Between reports of statistics; 0: none. */
  statistics_seconds: z.int().min(0).max(86_400).default(60),
  /** That may wait for it; more end the session. */
  most_buffer_megabytes: z.int().min(1).max(1024).default(16),
});

const MOST_STATIONS = 8;

export const BmpFile = z.strictObject({
  /** Who stations are told that we are; the host's name when it is absent. */
  sys_name: z.string().min(1).max(255).optional(),
  sys_descr: z.string().min(1).max(255).default('CloudBridge BGP speaker'),
  stations: z.array(Station).max(MOST_STATIONS).default([]),
});
