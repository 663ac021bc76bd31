import type { MrtStatus } from '#pop-worker/routing/mrt/setup.ts';

/** How the MRT files of a speaker are, for people. */
export const mrtText = ({ directory, table, dropped, lastError }: MrtStatus): string =>
  [
    directory === '' ? 'written by `bgp dump` alone' : directory,
    ...(table === undefined ? [] : [`last table of ${table.records} records`]),
    ...(dropped === 0 ? [] : [`${dropped} records dropped`]),
    ...(lastError === undefined ? [] : [`last: ${lastError}`]),
  ].join(', ');
