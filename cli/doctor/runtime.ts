import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findNatsServer } from '#scripts/setup/nats-server.mjs';
import { findCommand, root } from '#scripts/setup/paths.mjs';
import { attempt, type Check, firstLine, limited, missing, ok } from './check.ts';

const LEAST_NODE = 24;
const LEAST_KERNEL = [5, 10] as const;
/** The first with SSL_set_quic_tls_cbs. */
const LEAST_OPENSSL = [3, 5] as const;
const ENGINE = path.join(root, 'pop-worker/native/build/cloudbridge.node');

/** @param version beginning with two numbers, `major.minor` */
const isAtLeast = (version: string, [leastMajor, leastMinor]: readonly [number, number]): boolean => {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
};

const node: Check = {
  feature: 'Node',
  neededBy: 'up',
  probe: () => {
    const { node: version } = process.versions;
    const enough = Number(version.split('.')[0]) >= LEAST_NODE;
    return enough ? ok(version) : missing(version, `run \`npm start\`: it brings Node ${LEAST_NODE}`);
  },
};

const openssl: Check = {
  feature: 'OpenSSL',
  neededBy: 'up',
  probe: () => {
    const version = process.versions.openssl ?? 'none';
    if (isAtLeast(version, LEAST_OPENSSL)) return ok(`${version}, in Node`);
    return missing(
      `${version}, older than ${LEAST_OPENSSL.join('.')}`,
      'run `npm start`: it brings a Node that has it',
    );
  },
};

const kernel: Check = {
  feature: 'Linux kernel',
  neededBy: 'up',
  probe: () => {
    const enough = isAtLeast(os.release(), LEAST_KERNEL);
    return enough ? ok(os.release()) : missing(os.release(), `use Linux ${LEAST_KERNEL.join('.')} or newer`);
  },
};

const compiler: Check = {
  feature: 'C compiler',
  neededBy: 'up',
  probe: () => {
    const gcc = findCommand(['gcc']);
    if (gcc) return ok(firstLine(attempt(gcc, ['--version']).stdout));
    const mend = 'apt-get install gcc libc6-dev';
    return existsSync(ENGINE) ? limited('none; the engine is built already', mend) : missing('none', mend);
  },
};

const engine: Check = {
  feature: 'packet engine loads',
  neededBy: 'up',
  probe: () => {
    if (!existsSync(ENGINE)) return missing('not built', 'npm start');
    // In a process of its own: an engine made for another Node could take this one down.
    const program = `console.log(Object.keys(require(${JSON.stringify(ENGINE)})).length)`;
    const tried = attempt(process.execPath, ['--eval', program]);
    if (tried.succeeded) return ok(`${tried.stdout.trim()} functions`);
    return missing(firstLine(tried.stderr) || 'the process died', 'node scripts/build-native.mjs --force');
  },
};

const natsServer: Check = {
  feature: 'NATS server',
  neededBy: 'up',
  probe: () => {
    const found = findNatsServer();
    return found
      ? ok(`${found.version}, from ${found.from}`)
      : missing('none of 2.12 or newer', 'npm start fetches it');
  },
};

const workerd: Check = {
  feature: 'workerd',
  neededBy: 'up',
  probe: () =>
    existsSync(path.join(root, 'node_modules/workerd/bin/workerd'))
      ? ok('in node_modules')
      : missing('not in node_modules', 'npm ci'),
};

export const RUNTIME_CHECKS: readonly Check[] = [node, openssl, kernel, compiler, engine, natsServer, workerd];
