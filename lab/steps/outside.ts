import path from 'node:path';
import { root } from '#scripts/setup/paths.mjs';
import { runCommand } from '../command.ts';
import { OPERATOR } from '../edge.ts';
import { LabError } from '../errors.ts';
import type { Journey, Step } from '../journey.ts';
import { type OutsideAccess, openLab, writeAccess } from '../outside.ts';
import type { OutsideOrder, OutsideReport } from '../probes/outside.ts';

const TENANT = 'acme';

const show = ({ endpoints }: Journey, access: OutsideAccess): void => {
  endpoints.push(
    { label: 'API at the edge', value: `${access.server}/openapi.json` },
    { label: 'API of the services, gRPC too', value: access.services },
    { label: 'identity provider', value: access.issuer },
    { label: 'tokens for devices', value: access.tokenService },
    { label: 'NATS', value: access.nats },
    ...Object.entries(access.metrics).map(([pop, value]) => ({ label: `metrics of ${pop}`, value })),
    { label: 'certificates to trust', value: access.ca },
    { label: 'key of an operator', value: access.keyFile },
    { label: `NATS credentials for the events of ${access.integrator.tenant}`, value: access.integrator.credentials },
  );
};

/** What the edge offers is reached from the machine, by names and certificates that hold inside and outside. */
export const outside: Step = {
  name: 'outside',
  title: 'programs of the machine reach the API, the identity provider, NATS and metrics',
  essential: true,
  run: async (journey) => {
    const { edge, lab } = journey;
    await openLab(lab);
    const access = await writeAccess(edge, OPERATOR, TENANT);
    journey.access = access;
    show(journey, access);
    const order: OutsideOrder = { ...access, operator: await edge.control.account(OPERATOR) };
    const args = [`NODE_EXTRA_CA_CERTS=${access.ca}`, process.execPath, path.join(root, 'lab/probes/outside.ts')];
    const output = await runCommand('env', args, { input: JSON.stringify(order) });
    const { reached, eventMs, othersRefused } = JSON.parse(output) as OutsideReport;
    if (!othersRefused) throw new LabError(`NATS lets ${TENANT} read the events of other tenants.`);
    return [
      { metric: 'reached', value: reached.length, unit: 'count', bar: { atLeast: 5 + lab.place.pops.length } },
      { metric: 'event', value: eventMs, unit: 'ms', bar: { atMost: 1000 } },
    ];
  },
};
