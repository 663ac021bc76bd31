// Unpacks Debian packages into the cache, and finds programs and libraries in them.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findCommand } from './paths.mjs';
import { fingerprint, makeFolder, notHad, PeerMissing, peersFolder } from './peer-parts.mjs';
import { runLogged } from './run.mjs';

/** Where these packages are unpacked to. */
export const folderOf = (packages) => path.join(peersFolder, `debian-${fingerprint([os.arch(), ...packages])}`);

const canUnpack = () => findCommand(['apt-get']) !== undefined && findCommand(['dpkg']) !== undefined;

/** Unpacks Debian packages into a folder. @param {() => Promise<string[]>} list their names, asked once lists are there */
export const unpackDebian = async (target, what, list) => {
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

/** These and what they need that is not installed, of those that this machine's Debian has; themselves in any case. */
export const missingPackages = async (names) => {
  const said = await runLogged('apt-get', ['install', '-s', '--no-install-recommends', ...names]);
  return [...new Set([...names, ...[...said.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name)])];
};

/** Folders of libraries in what is unpacked there. */
export const librariesOf = (target) =>
  ['usr/lib', 'lib']
    .map((name) => path.join(target, name))
    .filter((base) => fs.existsSync(base))
    .flatMap((base) =>
      fs
        .readdirSync(base)
        .filter((name) => name.endsWith('-linux-gnu'))
        .map((name) => path.join(base, name)),
    );

/** Libraries that a program wants and that are neither installed nor in these folders. */
export const lacks = (file, libraries) => {
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

/** Are they not here, though this machine could unpack them? */
export const isLeftToUnpack = (debs) => canUnpack() && !isUnpacked(debs);

/** Programs, unpacked if they have to be. @param list what to unpack, if more than is named @throws PeerMissing */
export const unpacked = async (what, debs, list = async () => debs.packages) => {
  if (!isUnpacked(debs)) await unpackDebian(folderOf(debs.packages), what, list);
  return programsIn(debs);
};

/** Programs that are unpacked and lack nothing; undefined: they are not here. */
export const asLeft = (debs) => {
  try {
    return isUnpacked(debs) ? programsIn(debs) : undefined;
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error;
    return undefined;
  }
};
