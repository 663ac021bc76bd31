// A peer whose libraries pip fetches into the cache.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findCommand, requirements, root } from './paths.mjs';
import { fingerprint, isAtLeast, makeFolder, notHad, PeerMissing, peersFolder } from './peer-parts.mjs';
import { runLogged } from './run.mjs';

const { python } = requirements.peers;
const pythonSource = path.join(root, python.source);

/** `3.11` of a Python that is new enough. @throws PeerMissing */
const findPython = () => {
  const command = findCommand(['python3']);
  const wanted = `install Python ${python.minimum} or newer, with pip.`;
  if (command === undefined) throw new PeerMissing(`Python is missing: ${wanted}`);
  const ask = 'import sys; print("%d.%d" % sys.version_info[:2])';
  const version = (spawnSync(command, ['-c', ask], { encoding: 'utf8' }).stdout ?? '').trim();
  if (!/^\d+\.\d+$/.test(version) || !isAtLeast(version, python.minimum)) {
    throw new PeerMissing(`Python ${version || 'of unknown version'} is too old: ${wanted}`);
  }
  return { command, version };
};

/** The interpreter, the program on aioquic and what it imports, fetched if it has to be. @throws PeerMissing */
export const pythonPeers = async () => {
  const { command, version } = findPython();
  const wanted = path.join(pythonSource, 'requirements.txt');
  const libraries = path.join(peersFolder, `python-${fingerprint([version, os.arch(), fs.readFileSync(wanted)])}`);
  if (!fs.existsSync(libraries)) {
    const how = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--require-hashes'];
    await makeFolder(libraries, async (scratch) => {
      try {
        await runLogged(command, ['-m', 'pip', 'install', ...how, '--target', scratch, '--requirement', wanted]);
      } catch (error) {
        throw notHad('peer on aioquic could not be fetched', error.message);
      }
    });
  }
  return { python: command, script: path.join(pythonSource, 'peer.py'), libraries };
};
