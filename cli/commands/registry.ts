import type { Command } from '../command.ts';
import { defineCommand } from '../command.ts';
import { candidates } from '../completion.ts';
import { SUCCESS } from '../failure.ts';
import { RESOURCE_COMMANDS } from '../resources/commands.ts';
import { bench } from './bench.ts';
import { bgpDump } from './bgp-dump.ts';
import { bgpRetry } from './bgp-retry.ts';
import { bgpRouteExplain } from './bgp-route-explain.ts';
import { bgpRouteList } from './bgp-route-list.ts';
import { bgpRun } from './bgp-run.ts';
import { bgpStatus } from './bgp-status.ts';
import { completion } from './completion.ts';
import { connect } from './connect.ts';
import { contextDelete, contextList, contextShow, contextUse } from './context.ts';
import { deviceConfig } from './device-config.ts';
import { deviceToken } from './device-token.ts';
import { dnsRun } from './dns-run.ts';
import { dnsStatus } from './dns-status.ts';
import { doctor } from './doctor.ts';
import { down } from './down.ts';
import { popDrain, popUndrain, workerDrain, workerUndrain } from './drain.ts';
import { eventTail } from './event-tail.ts';
import { installationAddAccount } from './installation-add-account.ts';
import { installationAddIntegrator } from './installation-add-integrator.ts';
import { installationAddWorker } from './installation-add-worker.ts';
import { installationCreate } from './installation-create.ts';
import { installationRemoveIntegrator, installationRemoveWorker } from './installation-remove.ts';
import { installationRenew } from './installation-renew.ts';
import { interop } from './interop.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { quicPerfClient, quicPerfServer } from './quic-perf.ts';
import { serveAuth, serveConfig, serveEdge, serveToken } from './serve.ts';
import { sim } from './sim.ts';
import { status } from './status.ts';
import { up } from './up.ts';
import { version } from './version.ts';
import { whoami } from './whoami.ts';
import { wireguardRotation } from './wireguard-rotation.ts';
import { wireguardRun } from './wireguard-run.ts';
import { workerQlog } from './worker-qlog.ts';
import { workerRoutes } from './worker-routes.ts';
import { workerRun } from './worker-run.ts';
import { workerStatus } from './worker-status.ts';
import { workerWireguard } from './worker-wireguard.ts';
import { workerWithdraw } from './worker-withdraw.ts';
import { xdpRun } from './xdp-run.ts';
import { xdpStatus } from './xdp-status.ts';

/** Every command that `--help` lists. A new command is a file here and a row. */
export const VISIBLE: readonly Command[] = [
  up,
  down,
  status,
  connect,
  doctor,
  login,
  logout,
  whoami,
  contextList,
  contextUse,
  contextShow,
  contextDelete,
  ...RESOURCE_COMMANDS,
  deviceToken,
  deviceConfig,
  popDrain,
  popUndrain,
  eventTail,
  bench,
  quicPerfServer,
  quicPerfClient,
  interop,
  installationCreate,
  installationAddWorker,
  installationRemoveWorker,
  installationAddIntegrator,
  installationRemoveIntegrator,
  installationAddAccount,
  installationRenew,
  sim,
  serveAuth,
  serveToken,
  serveConfig,
  serveEdge,
  bgpRun,
  bgpStatus,
  bgpRouteList,
  bgpRouteExplain,
  bgpRetry,
  bgpDump,
  dnsRun,
  dnsStatus,
  wireguardRotation,
  xdpRun,
  xdpStatus,
  wireguardRun,
  workerRun,
  workerStatus,
  workerDrain,
  workerUndrain,
  workerWithdraw,
  workerQlog,
  workerRoutes,
  workerWireguard,
  completion,
  version,
];

/** Asked by the completion scripts. */
const complete = defineCommand({
  name: 'complete',
  summary: 'what may stand at the last of the words given',
  positionals: [{ name: 'WORD', help: 'the words so far', optional: true, repeated: true }],
  options: {},
  examples: [{ run: "cloudbridge complete -- up ''", does: 'what may follow `up`' }],
  run: async ({ words, output }) => {
    for (const candidate of candidates(VISIBLE, words)) output.print(candidate);
    return SUCCESS;
  },
});

export const COMMANDS: readonly Command[] = [...VISIBLE, complete];
