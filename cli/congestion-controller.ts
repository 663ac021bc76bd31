import { controllerNames } from '#protocol/congestion/registry.ts';
import { UsageError } from './failure.ts';

/**
 * The congestion controller that `CBR_CC` asks for.
 *
 * @returns undefined when it is not set or empty
 * @throws UsageError when nothing is known by that name
 */
export const controllerFromEnvironment = (
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined => {
  const name = env['CBR_CC'];
  if (!name) return undefined;
  const names = controllerNames();
  if (names.includes(name)) return name;
  throw new UsageError(`CBR_CC takes the name of a congestion controller, ${names.join(', ')}, not \`${name}\`.`);
};
