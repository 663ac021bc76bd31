import { z } from 'zod';
import { DnsDefenceFile } from '#settings/dns-file.ts';
import { hostPort } from '#settings/fields.ts';

/** `[dns]` of a worker's file: it answers for the zones of the API. */
export const DnsSection = z.strictObject({
  /** Where queries are taken, by UDP and TCP. */
  listen: z.array(hostPort).min(1).max(16),
  ...DnsDefenceFile,
});
export type DnsSettings = z.infer<typeof DnsSection>;

/** @param at makes a path of the file's an absolute one */
export const withDnsPaths = (settings: DnsSettings, at: (path: string) => string): DnsSettings => ({
  ...settings,
  ...(settings.cookie_secret !== undefined && { cookie_secret: at(settings.cookie_secret) }),
});
