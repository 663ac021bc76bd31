import type { Measurement } from '#telemetry/measurement.ts';
import type { DeviceName } from '../edge.ts';
import { LabError } from '../errors.ts';
import type { Journey, Step } from '../journey.ts';
import { ATTEMPTS, type Forbidden } from '../reach/reach.ts';

/** Tries all of these in vain. @returns how many refusals the device's PoP counted meanwhile, for each reason */
const inVain = async (
  { edge: { reach } }: Journey,
  name: DeviceName,
  forbidden: readonly Forbidden[],
): Promise<Measurement[]> => {
  if (!(await reach.answers(name))) throw new LabError(`${name} reaches nobody at all, so this shows nothing.`);
  const pop = reach.popOf(name);
  const reasons = [...new Set(forbidden.map(({ reason }) => reason))];
  const count = (): Promise<number[]> => Promise.all(reasons.map((reason) => reach.refusals(pop, reason)));
  const before = await count();
  await reach.unanswered(
    name,
    forbidden.map(({ address }) => address),
  );
  const after = await count();
  return reasons.map((reason, i) => ({
    metric: `dropped_${reason}`,
    value: (after[i] as number) - (before[i] as number),
    unit: 'count',
    bar: { atLeast: ATTEMPTS * forbidden.filter((each) => each.reason === reason).length },
  }));
};

/**
 * A device of the other tenant is unreachable: what is sent to it is dropped and counted under its reason, and none of it
 * comes to the other end, where a counter that hears a neighbour hears nothing.
 */
export const isolation: Step = {
  name: 'isolation',
  title: 'a device of the other tenant reaches nobody: dropped, counted, and not heard where a neighbour is',
  run: async (journey) => {
    const ear = await journey.edge.reach.listenAt('phone');
    try {
      const dropped = await inVain(journey, 'camera', ear.addresses);
      const strangers = await ear.heard();
      const asked = await ear.askAsNeighbour();
      const neighbours = (await ear.heard()) - strangers;
      return [
        ...dropped,
        { metric: 'heard_stranger', value: strangers, unit: 'count', bar: { atMost: 0 } },
        { metric: 'heard_neighbour', value: neighbours, unit: 'count', bar: { atLeast: asked } },
      ];
    } finally {
      await ear.close();
    }
  },
};

/** What `[config] refused` names, and a signed revision brings to the workers, is no destination of any tunnel. */
export const refused: Step = {
  name: 'refused',
  title: 'the control plane is no destination for devices, as its own configuration says',
  run: async (journey) => {
    const reason = journey.edge.reach.operatorReason;
    const addresses = journey.lab.place.control.prefixes.map((prefix) => prefix.slice(0, prefix.indexOf('/')));
    return inVain(
      journey,
      'laptop',
      addresses.map((address) => ({ address, reason })),
    );
  },
};
