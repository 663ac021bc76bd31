import { createClient } from './client.ts';
import { whoMayDoWhat } from './suite/access.ts';
import { badFields, etagsAndMasks, keysOfRequests, pages } from './suite/calls.ts';
import type { ApiUnderTest, Case } from './suite/case.ts';
import { heldIds, lifeAndEnd, manyAtOnce, revocation } from './suite/devices.ts';
import { badNames, names } from './suite/names.ts';
import { popsAndWorkers } from './suite/pops.ts';
import { badPolicies, deepPolicies, routePolicies } from './suite/route-policies.ts';
import { badRouting, routing } from './suite/routing.ts';
import { wireguard } from './suite/wireguard.ts';

const CASES: Readonly<Record<string, (run: Case) => Promise<void>>> = {
  'a tenant, its network and a device live and end': lifeAndEnd,
  'a deleted device leaves its id and address to nobody for a while': heldIds,
  'changes ask for the etag, name what is fixed, and change only what they name': etagsAndMasks,
  'a request with a key is carried out once and answered the same': keysOfRequests,
  'lists come in pages with tokens that belong to them': pages,
  'PoPs, workers and draining': popsAndWorkers,
  'prefixes, neighbours and uplinks': routing,
  'what routing does not take': badRouting,
  'route policies, and neighbours that have them': routePolicies,
  'what is no route policy': badPolicies,
  'route policies that are inside of each other too deep': deepPolicies,
  'zones, places and addresses of PoPs': names,
  'what names do not take': badNames,
  'devices that come by WireGuard': wireguard,
  'who may do what': whoMayDoWhat,
  'bad fields are named, all at once': badFields,
  'twenty devices made at once have addresses of their own': manyAtOnce,
  'a revoked device is shown as one': revocation,
};

/** What the API does for its callers, as named functions that reject when it does not. */
export const apiSuite = (api: ApiUnderTest): readonly { readonly name: string; run(): Promise<void> }[] => {
  const id = (name: string): string => `${api.prefix}${name}`;
  return Object.entries(CASES).map(([name, run]) => ({
    name,
    run: async () => run({ api, id, send: createClient(api.fetch, await api.token('operator')) }),
  }));
};
