import { Bbr } from './bbr/bbr.ts';
import type { CongestionController, ControllerOptions } from './controller.ts';
import { Cubic } from './cubic.ts';
import { NewReno } from './newreno.ts';

export type ControllerFactory = (options: ControllerOptions) => CongestionController;

/** Every congestion controller by its name. To add one is to add a file and a row. */
const CONTROLLERS: Readonly<Record<string, ControllerFactory>> = {
  bbrv3: (options) => new Bbr(options),
  cubic: (options) => new Cubic(options),
  newreno: (options) => new NewReno(options),
};

/** What a connection uses unless it is told otherwise (the owner of a process may pass on `CBR_CC`). */
export const DEFAULT_CONTROLLER = 'bbrv3';

/** Names that `controllerNamed` knows. */
export const controllerNames = (): string[] => Object.keys(CONTROLLERS);

/** @throws RangeError for a name that nothing is known by */
export function controllerNamed(name: string): ControllerFactory {
  const factory = Object.hasOwn(CONTROLLERS, name) ? CONTROLLERS[name] : undefined;
  if (factory === undefined) {
    throw new RangeError(`no congestion controller is called ${name}: ${controllerNames().join(', ')}`);
  }
  return factory;
}
