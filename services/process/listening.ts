import { splitHostPort } from '#settings/fields.ts';
import { ConfigError } from '#settings/toml-file.ts';
import { isListenFault, listenFault } from '#telemetry/listen-fault.ts';

/**
 * What listens where, said with the setting that names it.
 *
 * @param settings what is to be changed, for people, with its `host:port`
 * @throws ConfigError
 */
export const listening = async <T>(settings: Readonly<Record<string, string>>, opening: Promise<T>): Promise<T> => {
  try {
    return await opening;
  } catch (error) {
    if (!isListenFault(error)) throw error;
    const { port } = error as { port?: number };
    const entries = Object.entries(settings);
    const [setting, where] = entries.find(([, place]) => splitHostPort(place).port === port) ?? entries[0]!;
    throw new ConfigError(listenFault(where, error, setting));
  }
};
