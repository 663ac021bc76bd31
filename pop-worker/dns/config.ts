import { DEFAULT_TTL_SECONDS, type DnsConfig } from '#model/dns.ts';
import { zoneFaults } from '#model/dns-zone.ts';
import { NameError } from '#protocol/dns/name.ts';
import { compileZone, ZoneError } from '#protocol/dns/zone.ts';
import type { DnsFile } from '#settings/dns-file.ts';
import { ConfigError } from '#settings/toml-file.ts';
import { descriptionsOf } from './descriptions.ts';

const MS_A_SECOND = 1000;

/** @param nowMs the serial follows the time, as nobody counts */
export const configOf = (file: DnsFile, nowMs: number): DnsConfig => ({
  serial: Math.floor(nowMs / MS_A_SECOND),
  pops: Object.entries(file.pops).map(([id, { addresses, latitude, longitude }]) => ({
    ...{ id, addresses, latitude, longitude },
  })),
  zones: file.zone.map((zone) => ({
    domain: zone.domain,
    mailbox: zone.mailbox ?? `hostmaster.${zone.domain}`,
    nameServers: zone.name_servers,
    services: zone.services,
    records: zone.records,
    ttlSeconds: zone.ttl_seconds ?? DEFAULT_TTL_SECONDS,
  })),
  places: file.place.map(({ prefixes, pops, latitude = 0, longitude = 0 }) => ({
    ...{ prefixes, pops, latitude, longitude },
  })),
});

/** What the protocol core has against zones. */
const compilerFaults = ({ pop }: DnsFile, config: DnsConfig): string[] => {
  const faults: string[] = [];
  for (const [i, description] of descriptionsOf(config, { pop, rttMs: new Map() }).entries()) {
    try {
      compileZone(description);
    } catch (error) {
      if (!(error instanceof ZoneError || error instanceof NameError)) throw error;
      faults.push(`zone.${i}: ${error.message}`);
    }
  }
  return faults;
};

/** Whatever only all of it together shows. @param path of the file, for messages @throws ConfigError */
export const checkConfig = (file: DnsFile, config: DnsConfig, path: string): void => {
  const wrong: string[] = [];
  const known = new Set(config.pops.map(({ id }) => id));
  if (file.pop !== undefined && !known.has(file.pop)) wrong.push(`pop: there is no [pops.${file.pop}]`);
  for (const [i, { pops }] of file.place.entries()) {
    for (const pop of pops) if (!known.has(pop)) wrong.push(`place.${i}.pops: there is no [pops.${pop}]`);
  }
  const domains = config.zones.map(({ domain }) => domain.toLowerCase());
  for (const [i, zone] of config.zones.entries()) {
    for (const { field, description } of zoneFaults(zone)) wrong.push(`zone.${i}.${field}: ${description}`);
    const domain = domains[i] as string;
    if (domains.indexOf(domain) < i) wrong.push(`zone.${i}: there is another zone ${domain}`);
  }
  if (wrong.length === 0) wrong.push(...compilerFaults(file, config));
  if (wrong.length > 0) throw new ConfigError(wrong.map((line) => `${path}: ${line}`).join('\n'));
};
