import { isRoot } from '#scripts/setup/paths.mjs';
import { stormFigures } from '../storm/figures.ts';
import { raiseStorm } from '../storm/scene.ts';
import { Skip, type SuiteCase } from '../suite.ts';

/** Clients of the worker that is killed; `CBR_BENCH_CLIENTS` says otherwise. */
const CLIENTS = 5000;

const clientCount = (): number => {
  const text = process.env['CBR_BENCH_CLIENTS'];
  return text !== undefined && /^[1-9]\d{0,3}$/.test(text) ? Number(text) : CLIENTS;
};

export const cases: readonly SuiteCase[] = [
  {
    name: 'kill',
    summary: 'all clients of a worker that is killed come to another one, where somebody reads at 48 Mbit/s',
    run: async ({ remark }) => {
      if (!isRoot) throw new Skip('network namespaces need root');
      return stormFigures(
        await raiseStorm({ clients: clientCount(), remark, profile: process.env['CBR_BENCH_PROFILE'] }),
      );
    },
  },
];
