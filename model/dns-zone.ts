/** What of a zone only all of it together shows; pure, so that services and workers decide alike. */
import { parseAddressRecord } from './dns.ts';

export interface ZoneFault {
  /** As `proto/` has it, with the place in a list. */
  readonly field: string;
  readonly description: string;
}

interface ZoneParts {
  readonly domain: string;
  readonly nameServers: readonly string[];
  readonly services: readonly string[];
  readonly records: readonly string[];
}

const MOST_NAME_CHARACTERS = 253;

/** Whether a name is the domain or below it, without regard to case. */
const isInside = (name: string, domain: string): boolean => {
  const [lower, of] = [name.toLowerCase(), domain.toLowerCase()];
  return lower === of || lower.endsWith(`.${of}`);
};

export const zoneFaults = ({ domain, nameServers, services, records }: ZoneParts): ZoneFault[] => {
  const faults: ZoneFault[] = [];
  const hosts = new Set<string>();
  for (const [i, text] of records.entries()) {
    const field = `records[${i}]`;
    const record = parseAddressRecord(text);
    if (record === undefined) {
      faults.push({ field, description: 'must be NAME A IPV4-ADDRESS or NAME AAAA IPV6-ADDRESS' });
    } else if (!isInside(record.name, domain) || record.name.length > MOST_NAME_CHARACTERS) {
      faults.push({ field, description: `${JSON.stringify(record.name)} is not in ${domain}` });
    } else hosts.add(record.name.toLowerCase());
  }
  for (const [i, name] of services.entries()) {
    const field = `services[${i}]`;
    if (!isInside(name, domain)) faults.push({ field, description: `is not in ${domain}` });
    if (hosts.has(name.toLowerCase()))
      faults.push({ field, description: 'has addresses of its own among the records' });
  }
  for (const [i, name] of nameServers.entries()) {
    if (!isInside(name, domain) || hosts.has(name.toLowerCase())) continue;
    const description = `is in ${domain} and has no address: add a record such as "${name} A 192.0.2.53"`;
    faults.push({ field: `name_servers[${i}]`, description });
  }
  return faults;
};
