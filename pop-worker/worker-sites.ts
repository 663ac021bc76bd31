import type { Notice } from '#dataplane/commands.ts';
import type { Logger } from '#telemetry/logger.ts';

type SiteNotice = Extract<Notice, { readonly type: 'site' }>;

const IN_WORDS: Readonly<Record<SiteNotice['state'], string>> = {
  reached: 'a site is reached by a device',
  lost: 'a site is not reached by a device any more',
  held: 'a site is reached by a device that came and went, and is the last choice for a while',
};

/** Says that a site is reached by a device otherwise than before. */
export const logSite = (log: Logger, { type: _type, rank: _rank, ...fields }: SiteNotice): void => {
  const { state, before } = fields;
  if (state !== before) log[state === 'reached' ? 'info' : 'warn'](IN_WORDS[state], fields);
};
