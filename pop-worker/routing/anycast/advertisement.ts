import { type Announcement, FULL_PREFERENCE } from '#protocol/anycast/announcer.ts';

/** How the prefixes are told one neighbour. */
export interface Advertisement {
  /** MULTI_EXIT_DISC; the lower one is preferred, between paths of one neighbouring AS (RFC 4271 §5.1.4). */
  readonly med: number;
  /** How often our AS number stands there besides the first time. */
  readonly prepend: number;
  /** Besides those of the prefix. */
  readonly communities: readonly string[];
}

/** GRACEFUL_SHUTDOWN: who knows it prefers every other path (RFC 8326 §4.2). */
const GRACEFUL_SHUTDOWN = '65535:0';
/** Added for each tenth of the preference that is missing. */
const MED_STEP = 100;
/** Once more our AS number for so many missing tenths: who compares no MED compares lengths. */
const TENTHS_A_PREPEND = 4;
const MAX_MED = 0xff_ff_ff_ff;

/**
 * What a neighbour with these settings of its own is told at this preference.
 *
 * @returns with what is added to a MULTI_EXIT_DISC that its policy sets
 */
export const advertisementTo = (
  { prepend, med, communities }: Advertisement,
  { preference, isLeaving }: Announcement,
): Advertisement & { readonly medAdded: number } => {
  const missing = FULL_PREFERENCE - preference;
  const medAdded = missing * MED_STEP;
  return {
    med: Math.min(med + medAdded, MAX_MED),
    medAdded,
    prepend: prepend + Math.ceil(missing / TENTHS_A_PREPEND),
    communities: isLeaving ? [...communities, GRACEFUL_SHUTDOWN] : communities,
  };
};
