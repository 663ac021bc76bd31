import { Journey, TEARDOWN } from '#lab/journey.ts';
import { internetHost } from '#lab/steps/internet-host.ts';
import { namespaces } from '#lab/steps/namespaces.ts';
import { plainPing } from '#lab/steps/plain-ping.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { Skip, type SuiteCase } from '../suite.ts';

/** Does `work` in a lab of its own, so that one that is up is not disturbed. */
const inLab = async <T>(work: (journey: Journey) => Promise<T>): Promise<T> => {
  if (!isRoot) throw new Skip('network namespaces need root');
  const journey = new Journey('bench', 3);
  try {
    return await work(journey);
  } finally {
    await journey.lower();
  }
};

export const cases: readonly SuiteCase[] = [
  {
    name: 'lifecycle',
    summary: 'time to make and to remove the namespaces',
    run: () => inLab(async (journey) => [...(await namespaces.run(journey)), ...(await TEARDOWN.run(journey))]),
  },
  {
    name: 'plain',
    summary: 'round trips and TCP through veth links and kernel routing',
    run: () =>
      inLab(async (journey) => {
        await namespaces.run(journey);
        return [...(await plainPing.run(journey)), ...(await internetHost.run(journey))];
      }),
  },
];
