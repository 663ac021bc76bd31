import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import type { Prefix } from '#protocol/ip/text.ts';
import { NEVER_DESTINATIONS, prefixContains } from '#protocol/masque/target-policy.ts';
import type { RefusedTables } from './forward/policy.ts';

/** What is refused after exceptions: those that an exception covers are not among them. */
export const refusedPrefixes = (refused: readonly Prefix[], allowed: readonly Prefix[]): Prefix[] =>
  [...NEVER_DESTINATIONS, ...refused].filter(
    (prefix) =>
      !allowed.some((exception) => exception.length <= prefix.length && prefixContains(exception, prefix.address)),
  );

/** @param refused besides what is never a destination @param allowed exceptions, which go before everything */
export const refusedTables = (refused: readonly Prefix[], allowed: readonly Prefix[]): RefusedTables => {
  const refused4 = new PrefixTable(4);
  const refused6 = new PrefixTable(16);
  const put = ({ address, length }: Prefix, value: number): void =>
    (address.length === 4 ? refused4 : refused6).set(address, length, value);
  for (const prefix of refusedPrefixes(refused, allowed)) put(prefix, 1);
  for (const prefix of allowed) put(prefix, 0);
  return { refused4, refused6 };
};
