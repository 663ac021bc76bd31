// Peers that Cargo builds into the cache.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findCommand, requirements, root } from './paths.mjs';
import { fingerprint, isAtLeast, makeFolder, notHad, PeerMissing, peersFolder } from './peer-parts.mjs';
import { runLogged } from './run.mjs';

const { rust } = requirements.peers;
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
  const binary = path.join(peersFolder, fingerprint([version, os.arch(), name, ...rustSources(name)]), 'peer');
  if (fs.existsSync(binary)) return binary;
  const target = path.join(peersFolder, `cargo-${name}`);
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
  const target = path.join(peersFolder, fingerprint([version, os.arch(), 'boringtun', rust.boringtun]));
  if (!fs.existsSync(target)) {
    await makeFolder(target, async (scratch) => {
      const what = ['install', '--locked', '--quiet', `boringtun-cli@${rust.boringtun}`];
      try {
        await runLogged(command, [...what, '--root', scratch], {
          CARGO_TARGET_DIR: path.join(peersFolder, 'cargo-boringtun'),
        });
      } catch (error) {
        throw notHad('peer boringtun could not be built', error.message);
      }
    });
  }
  return path.join(target, 'bin', 'boringtun-cli');
};
