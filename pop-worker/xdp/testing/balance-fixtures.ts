import { echoes } from './balance/echoes.ts';
import { mixed, tcpIn4, traffic, v4In4 } from './balance/encapsulation.ts';
import { errors } from './balance/errors.ts';
import type { BalanceFixture } from './balance/fixture.ts';
import { neighbours, tags } from './balance/links.ts';
import { fragments, lookups } from './balance/lookups.ts';
import { sizes } from './balance/sizes.ts';

/** By group, for the services of `balance/services.ts`. */
export const BALANCE_FIXTURES: Readonly<Record<string, readonly BalanceFixture[]>> = {
  'IPv4 in IPv4': v4In4,
  'TCP in IPv4': tcpIn4,
  'either family in either': mixed,
  'classes of traffic': traffic,
  neighbours,
  tags,
  fragments,
  lookups,
  echo: echoes,
  'ICMP errors': errors,
  sizes,
};
