import { Journey, runSteps, type StepOutcome, TEARDOWN } from '#lab/journey.ts';
import { LAB_STEPS, LOOPBACK_STEPS } from '#lab/steps/registry.ts';
import { DEFAULT_LAB_NAME, POP_NAMES } from '#lab/topology.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { meetsBar } from '#telemetry/measurement.ts';
import { isAllowedSkip } from '../allowed-skips.ts';
import { contextOf, removeLabContext, writeLabContext } from '../api/lab-context.ts';
import { defineCommand } from '../command.ts';
import { controllerFromEnvironment } from '../congestion-controller.ts';
import { FAILURE, SUCCESS } from '../failure.ts';
import type { Output } from '../output.ts';
import { reportCase, reportStep } from '../report.ts';

/** For the whole journey. */
const MOST_MS = 120_000;

/** The first SIGINT, SIGTERM or SIGHUP; npm and terminals send some of them twice, which changes nothing. */
const onStop = (): { readonly stopped: () => boolean; readonly whenStopped: Promise<void> } => {
  let stopped = false;
  const whenStopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        stopped = true;
        resolve();
      });
    }
  });
  return { stopped: () => stopped, whenStopped };
};

/** Lets the commands of the API find a lab that stays up. */
const leaveContext = (output: Output, { name, access }: Journey): void => {
  if (access === undefined) return;
  const { server, ca, issuer, project, keyFile, tokenService } = access;
  try {
    writeLabContext({ name: contextOf(name), server, ca, issuer, project, keyFile, tokenService });
  } catch (error) {
    output.remark(`There is no context \`${contextOf(name)}\` for the lab: ${(error as Error).message}`);
  }
};

const showEndpoints = (output: Output, journey: Journey): void => {
  if (output.isForPrograms) {
    output.line({ lab: journey.name, pops: journey.pops, endpoints: journey.endpoints });
    return;
  }
  output.print(`\nLab \`${journey.name}\` is up. Ctrl-C or \`cloudbridge down --name ${journey.name}\` ends it.`);
  for (const { label, value } of journey.endpoints) output.print(`  ${label}: ${value}`);
  output.print(`  the API from here: cloudbridge tenant list --context ${contextOf(journey.name)}`);
  if (journey.on === 'namespaces') output.print(`  a shell in a client: ip netns exec ${journey.name}-client1 bash`);
};

const announceFallback = (output: Output, asked: boolean): void => {
  if (asked) return;
  output.remark(
    'Without root there are no namespaces: the edge runs on addresses of the loopback, and devices are reached by SOCKS5 ' +
      'instead of a TUN. With namespaces: `sudo ./cloudbridge up`.',
  );
};

const announceStaticRoutes = (output: Output, { on, routing }: Journey): void => {
  if (on === 'loopback' || routing === 'bgp') return;
  output.remark(
    'There is no BIRD here: the lab lays routes to the PoPs itself, and nobody speaks BGP. `npm start` as root fetches it ' +
      'where there is apt-get.',
  );
};

const options = {
  quick: { type: 'boolean', help: 'only bring the edge up, without the part of the journey that shows what it does' },
  once: { type: 'boolean', help: 'run the journey, remove everything, end' },
  unprivileged: { type: 'boolean', help: 'no root, namespaces or TUN: over loopback and SOCKS5' },
  'static-routes': {
    type: 'boolean',
    help: 'without BIRD and BGP: for a machine so busy that BFD takes PoPs for dead',
  },
  pops: {
    type: 'integer',
    placeholder: 'N',
    least: 1,
    most: POP_NAMES.length,
    help: 'how many PoPs, 1 to 3 (default 3)',
  },
  name: {
    type: 'string',
    placeholder: 'LAB',
    help: `name of the lab (default ${DEFAULT_LAB_NAME}); several can be up`,
  },
} as const;

export const up = defineCommand({
  name: 'up',
  summary: 'bring the edge up on this machine and push traffic through it',
  description: [
    'Makes network namespaces for PoPs, an upstream router, an internet host, clients and the control plane,',
    'runs the journey (each step prints what it measured) and stays up until it is stopped. Without root the same runs on',
    'addresses of 127.66.0.0/16, with SOCKS5 proxies for devices; what takes namespaces is said to be skipped.',
    'CBR_CC=bbrv3, cubic or newreno picks the congestion controller of workers and devices.',
  ].join('\n'),
  options,
  examples: [
    { run: 'cloudbridge up', does: 'stay up; Ctrl-C removes everything' },
    { run: 'cloudbridge up --once --json', does: 'one journey, one JSON object a figure' },
    { run: 'cloudbridge up --once --unprivileged', does: 'the journey without root' },
    { run: 'cloudbridge up --name two --pops 1', does: 'a smaller lab beside the first' },
  ],
  run: async ({ options, output }) => {
    const suite = 'up';
    // Workers and devices take it from the environment that they inherit.
    controllerFromEnvironment();
    const { stopped, whenStopped } = onStop();
    const loopback = options.unprivileged === true || !isRoot;
    if (loopback) announceFallback(output, options.unprivileged === true);
    const name = options.name ?? DEFAULT_LAB_NAME;
    const journey = new Journey(
      name,
      options.pops ?? POP_NAMES.length,
      loopback ? 'loopback' : 'namespaces',
      options['static-routes'] === true,
    );
    if (options['static-routes'] !== true) announceStaticRoutes(output, journey);
    let unexpectedSkip = false;
    let failedSteps = 0;
    const tell = (outcome: StepOutcome) => {
      const { step, skipped, failure, missed } = outcome;
      if (failure !== undefined || missed !== undefined) failedSteps++;
      reportStep(output, suite, outcome);
      if (skipped !== undefined && !isAllowedSkip(suite, `${suite}/${step.name}`, skipped)) unexpectedSkip = true;
    };
    const start = performance.now();
    const all = loopback ? LOOPBACK_STEPS : LAB_STEPS;
    const steps = options.quick ? all.filter(({ essential }) => essential === true) : all;
    const tellTotal = (): boolean => {
      const total = {
        metric: 'duration',
        value: Math.round(performance.now() - start),
        unit: 'ms',
        bar: { atMost: MOST_MS },
      };
      const failed = { metric: 'failed_steps', value: failedSteps, unit: 'count', bar: { atMost: 0 } };
      reportCase(output, { suite, case: 'journey' }, [total, failed]);
      return meetsBar(total.value, total.bar);
    };
    try {
      const { completed, met } = await runSteps(steps, journey, tell, stopped);
      // A figure that missed its bar is told, and is no reason to take the edge away.
      if (completed && !options.once) {
        tellTotal();
        leaveContext(output, journey);
        showEndpoints(output, journey);
        await whenStopped;
        removeLabContext(contextOf(name));
      }
      const wasUp = journey.isUp;
      const clean = !wasUp || (await runSteps([TEARDOWN], journey, tell)).met;
      // What was refused before there was a lab is no journey with figures.
      const inTime = !options.once || (wasUp && tellTotal());
      if (unexpectedSkip) return FAILURE;
      const went = options.once ? completed && met && inTime : completed || stopped();
      return went && clean ? SUCCESS : FAILURE;
    } finally {
      // Also when nobody can be told.
      await journey.lower();
    }
  },
});
