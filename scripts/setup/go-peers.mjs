// Peers that Go builds into the cache.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findCommand, requirements, root } from './paths.mjs';
import { fingerprint, isAtLeast, makeFolder, notHad, PeerMissing, peersFolder } from './peer-parts.mjs';
import { runLogged } from './run.mjs';

const { go } = requirements.peers;
const goSource = path.join(root, go.source);

/** `go1.26.8` of `go version`, without the letters. */
const goVersion = (command) => {
  const { stdout } = spawnSync(command, ['env', 'GOVERSION'], { encoding: 'utf8', env: goEnvironment() });
  return /^go(\d+\.\d+(?:\.\d+)?)/.exec(stdout ?? '')?.[1];
};

// No other toolchain is fetched, and the clone's own state does not go into the binary.
const goEnvironment = () => ({ ...process.env, GOTOOLCHAIN: 'local', CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' });

/** @throws PeerMissing */
export const findGo = () => {
  const command = findCommand(['go']);
  if (command === undefined) throw new PeerMissing(`Go is missing: install Go ${go.minimum} or newer.`);
  const version = goVersion(command);
  if (version === undefined || !isAtLeast(version, go.minimum)) {
    throw new PeerMissing(`Go ${version ?? 'of unknown version'} is too old: install Go ${go.minimum} or newer.`);
  }
  return { command, version };
};

const goSources = (source) =>
  fs
    .readdirSync(source)
    .sort()
    .flatMap((name) => [name, fs.readFileSync(path.join(source, name))]);

/** Where the binary with the peers on quic-go is, once that Go has built it. */
export const goBinary = (version) => {
  const sources = goSources(goSource);
  return path.join(peersFolder, fingerprint([version, os.arch(), ...sources]), 'peer');
};

/** The binary with the peers on quic-go, built if it has to be. @throws PeerMissing */
export const goPeers = async () => {
  const { command, version } = findGo();
  const binary = goBinary(version);
  if (fs.existsSync(binary)) return binary;
  const args = ['build', '-C', goSource, '-trimpath', '-mod=readonly', '-o'];
  await makeFolder(path.dirname(binary), async (scratch) => {
    try {
      await runLogged(command, [...args, path.join(scratch, 'peer'), '.'], goEnvironment());
    } catch (error) {
      throw notHad('peers on quic-go could not be built', error.message);
    }
  });
  return binary;
};

const gobgpSource = path.join(root, go.gobgp);

/** GoBGP's daemon and its client, built if they have to be: for minutes. @throws PeerMissing */
export const gobgpPeers = async () => {
  const { command, version } = findGo();
  const target = path.join(peersFolder, fingerprint([version, os.arch(), ...goSources(gobgpSource)]));
  if (!fs.existsSync(target)) {
    const packages = ['gobgp', 'gobgpd'].map((name) => `github.com/osrg/gobgp/v4/cmd/${name}`);
    await makeFolder(target, async (scratch) => {
      const args = ['build', '-C', gobgpSource, '-trimpath', '-mod=readonly', '-o', `${scratch}/`, ...packages];
      try {
        await runLogged(command, args, goEnvironment());
      } catch (error) {
        throw notHad('peer GoBGP could not be built', error.message);
      }
    });
  }
  return { gobgp: path.join(target, 'gobgp'), gobgpd: path.join(target, 'gobgpd') };
};

const wireguardSource = path.join(root, go.wireguard);

/** wireguard-go, or what WIREGUARD_GO names in its place, built if it has to be: for seconds. @throws PeerMissing */
export const wireguardGoPeer = async () => {
  const { WIREGUARD_GO: given } = process.env;
  if (given) return given;
  const { command, version } = findGo();
  const binary = path.join(
    peersFolder,
    fingerprint([version, os.arch(), ...goSources(wireguardSource)]),
    'wireguard-go',
  );
  if (fs.existsSync(binary)) return binary;
  await makeFolder(path.dirname(binary), async (scratch) => {
    const args = ['build', '-C', wireguardSource, '-trimpath', '-mod=readonly', '-o'];
    try {
      await runLogged(
        command,
        [...args, path.join(scratch, 'wireguard-go'), 'golang.zx2c4.com/wireguard'],
        goEnvironment(),
      );
    } catch (error) {
      throw notHad('peer wireguard-go could not be built', error.message);
    }
  });
  return binary;
};
