import { InstallationError } from '#services/installation/errors.ts';
import { CommandError } from './failure.ts';

/** Errors whose message is for people; by name, since their modules are heavy. */
const FOR_PEOPLE = new Set([InstallationError.name, 'InstallationKeyError', 'ConfigError', 'AdminError']);

/** Does work on an installation. @throws CommandError where it tells people what to do */
export const work = async <T>(doing: () => Promise<T>): Promise<T> => {
  try {
    return await doing();
  } catch (error) {
    if (error instanceof Error && FOR_PEOPLE.has(error.name)) throw new CommandError(`${error.message}.`);
    throw error;
  }
};

export const DIR = { name: 'DIR', help: 'folder of the installation' } as const;

/** What has to follow when who may connect to NATS changed. */
export const TELL_NATS =
  'Copy accounts.conf from nats/*/ to each NATS server and reload it (SIGHUP): NATS goes by the old one until then.';
