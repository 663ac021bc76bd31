// What makers of peers share, whether they build, fetch or unpack them; nothing is installed.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { cache } from './paths.mjs';

/** Where peers are kept. */
export const peersFolder = path.join(cache, 'peers');

/** Why a peer cannot be had on this machine: the reason of a skip. */
export class PeerMissing extends Error {
  constructor(message) {
    super(message);
    this.name = 'PeerMissing';
  }
}

// What Go's client, Cargo and apt-get say when they reach nobody, rather than that somebody says no.
const OFFLINE =
  /dial tcp|no such host|i\/o timeout|TLS handshake timeout|Could not resolve|Temporary failure resolving|Could not connect|Failed to connect|Unable to connect|Network is unreachable|Connection timed out/;

/**
 * @param {string} what that could not be had
 * @param {string} cause what the program said that was to get it
 * @param {string} said by others before, which tells too whether anybody is reached
 */
export const notHad = (what, cause, said = '') =>
  new PeerMissing(`${OFFLINE.test(`${said} ${cause}`) ? 'The network is not reached: t' : 'T'}he ${what}: ${cause}`);

/** @returns {string} a short name for exactly these parts */
export const fingerprint = (parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)} `).update(part);
  return hash.digest('hex').slice(0, 16);
};

/** Compares major and minor. */
export const isAtLeast = (version, minimum) => {
  const [a, b] = [version, minimum].map((text) => text.split('.').map(Number));
  return a[0] !== b[0] ? a[0] > b[0] : a[1] >= b[1];
};

/** Makes a folder whole or not at all: a cut-off attempt leaves nothing that a later one would take for whole. */
export const makeFolder = async (target, make) => {
  fs.mkdirSync(peersFolder, { recursive: true });
  const scratch = fs.mkdtempSync(path.join(peersFolder, 'tmp-'));
  try {
    await make(scratch);
    try {
      fs.renameSync(scratch, target);
    } catch (error) {
      // Another process may have been quicker; what it made is the same.
      if (!fs.existsSync(target)) throw error;
    }
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
};
