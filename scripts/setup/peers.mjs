// Other implementations that interop and bench run beside ours, built or unpacked into the cache; nothing is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { cache, findCommand, requirements, root } from './paths.mjs';
import { runLogged } from './run.mjs';

const folder = path.join(cache, 'peers');
const { router, wireguardClient } = requirements;
const { go, rust, debian, dns, frr, guest, python, wireguard } = requirements.peers;
const goSource = path.join(root, go.source);

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

const isAtLeast = (version, minimum) => {
  const [a, b] = [version, minimum].map((text) => text.split('.').map(Number));
  return a[0] !== b[0] ? a[0] > b[0] : a[1] >= b[1];
};

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

const goBinary = (version) => {
  const sources = goSources(goSource);
  return path.join(folder, fingerprint([version, os.arch(), ...sources]), 'peer');
};

/** Makes a folder whole or not at all: a cut-off attempt leaves nothing that a later one would take for whole. */
const makeFolder = async (target, make) => {
  fs.mkdirSync(folder, { recursive: true });
  const scratch = fs.mkdtempSync(path.join(folder, 'tmp-'));
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
  const target = path.join(folder, fingerprint([version, os.arch(), ...goSources(gobgpSource)]));
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
  const binary = path.join(folder, fingerprint([version, os.arch(), ...goSources(wireguardSource)]), 'wireguard-go');
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

const rustSource = path.join(root, rust.source);

/** A Cargo that is new enough for the program on that library. @throws PeerMissing */
const findCargo = (name) => {
  const minimum = rust.minimum[name];
  const wanted = `install Rust ${minimum} or newer, with Cargo.`;
  const command = findCommand(['cargo']);
  if (command === undefined) throw new PeerMissing(`Rust is missing: ${wanted}`);
  // In the program's folder, if it has one: rustup chooses a toolchain by it.
  const own = path.join(rustSource, name);
  const cwd = fs.existsSync(own) ? own : rustSource;
  const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8', cwd });
  const version = /^cargo (\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1];
  if (version === undefined || !isAtLeast(version, minimum)) {
    throw new PeerMissing(`Rust ${version ?? 'of-unknown-version'} is too old: ${wanted}`);
  }
  return { command, version };
};

/** The program's own files and those that it shares, with what is in them. */
const rustSources = (name) =>
  [`${name}/Cargo.toml`, `${name}/src`, 'shared'].flatMap((part) => {
    const whole = path.join(rustSource, part);
    const files = fs.statSync(whole).isDirectory() ? fs.readdirSync(whole).sort() : [''];
    return files.flatMap((file) => [`${part}/${file}`, fs.readFileSync(path.join(whole, file))]);
  });

/** The binary with the program on quinn or s2n-quic, built if it has to be: for minutes. @throws PeerMissing */
export const rustPeers = async (name) => {
  const { command, version } = findCargo(name);
  const binary = path.join(folder, fingerprint([version, os.arch(), name, ...rustSources(name)]), 'peer');
  if (fs.existsSync(binary)) return binary;
  const target = path.join(folder, `cargo-${name}`);
  const args = ['build', '--release', '--manifest-path', path.join(rustSource, name, 'Cargo.toml')];
  await makeFolder(path.dirname(binary), async (scratch) => {
    try {
      await runLogged(command, args, { CARGO_TARGET_DIR: target });
    } catch (error) {
      throw notHad(`peer on ${name} could not be built`, error.message);
    }
    fs.copyFileSync(path.join(target, 'release', `${name}-perf`), path.join(scratch, 'peer'));
  });
  return binary;
};

/** boringtun-cli, or what BORINGTUN names in its place, built if it has to be: for a minute. @throws PeerMissing */
export const boringtunPeer = async () => {
  const { BORINGTUN: given } = process.env;
  if (given) return given;
  const { command, version } = findCargo('boringtun');
  const target = path.join(folder, fingerprint([version, os.arch(), 'boringtun', rust.boringtun]));
  if (!fs.existsSync(target)) {
    await makeFolder(target, async (scratch) => {
      const what = ['install', '--locked', '--quiet', `boringtun-cli@${rust.boringtun}`];
      try {
        await runLogged(command, [...what, '--root', scratch], {
          CARGO_TARGET_DIR: path.join(folder, 'cargo-boringtun'),
        });
      } catch (error) {
        throw notHad('peer boringtun could not be built', error.message);
      }
    });
  }
  return path.join(target, 'bin', 'boringtun-cli');
};

const folderOf = (packages) => path.join(folder, `debian-${fingerprint([os.arch(), ...packages])}`);

const canUnpack = () => findCommand(['apt-get']) !== undefined && findCommand(['dpkg']) !== undefined;

/** Unpacks Debian packages into a folder. @param {() => Promise<string[]>} list their names, asked once lists are there */
const unpackDebian = async (target, what, list) => {
  if (!canUnpack()) {
    throw new PeerMissing(`${what} come from Debian packages, and this machine has no apt-get.`);
  }
  await makeFolder(target, async (scratch) => {
    const download = async () => runLogged('env', ['-C', scratch, 'apt-get', '-qq', 'download', ...(await list())]);
    try {
      await download();
    } catch {
      // Package lists are absent on a new image, or name versions that are gone.
      let updated = '';
      try {
        // Without a network it warns and ends with 0.
        updated = await runLogged('apt-get', ['update', '-qq']);
        await download();
      } catch (error) {
        throw notHad(`Debian packages of ${what} could not be fetched`, error.message, updated);
      }
    }
    const archives = fs.readdirSync(scratch).filter((name) => name.endsWith('.deb'));
    for (const name of archives) await runLogged('dpkg', ['-x', path.join(scratch, name), scratch]);
    for (const name of archives) fs.rmSync(path.join(scratch, name));
  });
};

const librariesOf = (target) =>
  ['usr/lib', 'lib']
    .map((name) => path.join(target, name))
    .filter((base) => fs.existsSync(base))
    .flatMap((base) =>
      fs
        .readdirSync(base)
        .filter((name) => name.endsWith('-linux-gnu'))
        .map((name) => path.join(base, name)),
    );

const lacks = (file, libraries) => {
  const env = { ...process.env, LD_LIBRARY_PATH: libraries };
  const { stdout = '' } = spawnSync('ldd', [file], { encoding: 'utf8', env });
  return [...stdout.matchAll(/^\s*(\S+) => not found/gm)].map(([, name]) => name);
};

/** Programs out of Debian packages that are unpacked already. @throws PeerMissing */
const programsIn = ({ packages, programs: files, private: own }) => {
  const target = folderOf(packages);
  const folders = librariesOf(target);
  const libraries = [...folders, ...(own === undefined ? [] : folders.map((name) => path.join(name, own)))].join(':');
  const programs = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, path.join(target, file)]));
  for (const [name, file] of Object.entries(programs)) {
    const lacking = lacks(file, libraries);
    if (lacking.length > 0) throw new PeerMissing(`Debian's ${name} needs ${lacking.join(', ')}, which is not here.`);
  }
  return { programs, libraries };
};

const isUnpacked = ({ packages }) => fs.existsSync(folderOf(packages));

const unpacked = async (what, debs) => {
  if (!isUnpacked(debs)) await unpackDebian(folderOf(debs.packages), what, async () => debs.packages);
  return programsIn(debs);
};

/** ngtcp2 and iperf3, unpacked if they have to be. @throws PeerMissing */
export const debianPeers = () => unpacked('ngtcp2 and iperf3', debian);

/** BIRD, unpacked if it has to be. @throws PeerMissing */
export const birdPeer = () => unpacked('BIRD', router.debian);

/** `wg`, `wg-quick` and `ethtool`, unpacked if they have to be. @throws PeerMissing */
export const wireguardTools = () => unpacked('wireguard-tools and ethtool', wireguard);

/** FRR's daemons, unpacked if they have to be. @throws PeerMissing */
export const frrPeer = () => unpacked('FRR', frr);

/** wireguard-go, `wg` and `wg-quick` as Debian has them, unpacked if they have to be. @throws PeerMissing */
export const wireguardClientPeer = () => unpacked('wireguard-go and wireguard-tools', wireguardClient.debian);

const asLeft = (debs) => {
  try {
    return isUnpacked(debs) ? programsIn(debs) : undefined;
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error;
    return undefined;
  }
};

/** BIRD as set-up left it; undefined: it is not here. */
export const findBird = () => asLeft(router.debian);

/** The lab's WireGuard client as set-up left it; undefined: it is not here. */
export const findWireguardClient = () => asLeft(wireguardClient.debian);

/** NSD, dnsperf and dig, with what they need that is not installed, unpacked if they have to be. @throws PeerMissing */
export const dnsPeers = async () => {
  const list = () => missingPackages(dns.packages);
  if (!isUnpacked(dns)) await unpackDebian(folderOf(dns.packages), 'NSD, dnsperf and dig', list);
  return programsIn(dns);
};

/** QEMU and a kernel of Debian's with its modules, 500 MB, unpacked if they have to be. @throws PeerMissing */
export const guestParts = async () => {
  if (os.arch() !== 'x64') throw new PeerMissing('The guest is an x86-64 machine, and this is another one.');
  const target = folderOf(guest.packages);
  const list = () => missingPackages(guest.packages);
  if (!isUnpacked(guest)) await unpackDebian(target, 'QEMU and its guest', list);
  const { programs, libraries } = programsIn(guest);
  const release = fs.readdirSync(path.join(target, 'lib/modules'))[0] ?? '';
  return {
    ...{ ...programs, libraries },
    kernel: path.join(target, `boot/vmlinuz-${release}`),
    modules: path.join(target, 'lib/modules', release),
    firmware: guest.firmware.map((name) => path.join(target, name)),
  };
};

const CHROMIUM = 'usr/lib/chromium/chromium';

/** These and what they need that is not installed, of those that this machine's Debian has; themselves in any case. */
const missingPackages = async (names) => {
  const said = await runLogged('apt-get', ['install', '-s', '--no-install-recommends', ...names]);
  return [...new Set([...names, ...[...said.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name)])];
};

/** The browser that is installed, or one unpacked from Debian packages, 400 MB. @throws PeerMissing */
export const chromiumPeer = async () => {
  const installed = findCommand(['chromium', 'google-chrome', 'chromium-browser']);
  if (installed !== undefined) return { program: installed, libraries: '' };
  const target = path.join(folder, `chromium-${os.arch()}`);
  if (!fs.existsSync(target))
    await unpackDebian(target, 'Chromium and its libraries', () => missingPackages(['chromium']));
  const libraries = librariesOf(target)
    .flatMap((name) => [name, path.join(name, 'pulseaudio')])
    .join(':');
  const program = path.join(target, CHROMIUM);
  const lacking = fs.existsSync(program) ? lacks(program, libraries) : ['a package'];
  if (lacking.length > 0)
    throw new PeerMissing(`Chromium needs ${lacking.join(', ')}, which this machine has no apt-get package of.`);
  return { program, libraries };
};

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
  const libraries = path.join(folder, `python-${fingerprint([version, os.arch(), fs.readFileSync(wanted)])}`);
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

/** Is there something that set-up could make here, and has not? */
export const peersAreMissing = () => {
  try {
    if (!fs.existsSync(goBinary(findGo().version))) return true;
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error;
  }
  return canUnpack() && !isUnpacked(debian);
};

/** Is the router not here, though set-up could bring it? */
export const birdIsMissing = () => canUnpack() && !isUnpacked(router.debian);

/** Is the lab's WireGuard client not here, though set-up could bring it? */
export const wireguardClientIsMissing = () => canUnpack() && !isUnpacked(wireguardClient.debian);

const tryAll = async (makes) => {
  for (const make of makes) {
    try {
      await make();
    } catch (error) {
      if (!(error instanceof PeerMissing)) throw error;
      process.stderr.write(`  ${error.message}\n`);
    }
  }
};

/** Makes what can be made; what cannot is told, and skipped with the same sentence when it is wanted. */
export const fetchPeers = () => tryAll([goPeers, debianPeers]);

/** …and what cannot be had the lab does without. */
export const fetchBird = () => tryAll([birdPeer]);

export const fetchWireguardClient = () => tryAll([wireguardClientPeer]);
