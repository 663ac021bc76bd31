// Builds the packet engine with the C compiler of the machine. Plain JavaScript that works under any Node from 18.
// usage: node scripts/build-native.mjs [--sanitize] [--force]
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const sourceFolder = path.join(root, 'pop-worker/native');
const buildFolder = path.join(sourceFolder, 'build');

const COMMON = ['-std=gnu11', '-D_GNU_SOURCE', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra', '-Werror'];
const VARIANTS = {
  release: { output: 'cloudbridge.node', flags: ['-O3'] },
  sanitize: {
    output: 'cloudbridge-asan.node',
    flags: ['-O1', '-g', '-fno-omit-frame-pointer', '-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'],
  },
};
// `now`: a symbol that this Node lacks is an error at load, not at the first call. `nodelete`: threads share the
// engine's static data, which must outlive the thread that loaded it first.
const LINK = ['-shared', '-Wl,-z,relro,-z,now,-z,nodelete', '-lm'];

const headerFolder = () => {
  const folder = path.join(root, `node_modules/node-linux-${os.arch()}/include/node`);
  if (fs.existsSync(path.join(folder, 'node_api.h'))) return folder;
  throw new Error(`The packet engine needs Node 24's headers in ${path.relative(root, folder)}: run \`npm install\`.`);
};

const filesIn = (folder, pattern) =>
  fs
    .readdirSync(folder)
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => path.join(folder, name));

const compilerVersion = (compiler) => {
  const { error, status, stdout } = spawnSync(compiler, ['--version'], { encoding: 'utf8' });
  if (error === undefined && status === 0) return stdout;
  throw new Error(
    `The packet engine needs a C compiler and \`${compiler}\` does not run: install one with ` +
      '`apt-get install gcc libc6-dev` (Debian, Ubuntu) or `dnf install gcc` (Fedora), or name it in CC.',
  );
};

const fingerprint = (parts, files) => {
  const hash = createHash('sha256').update(JSON.stringify(parts));
  for (const file of files) hash.update(`\0${path.basename(file)}\0`).update(fs.readFileSync(file));
  return hash.digest('hex');
};

const run = (command, args) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} failed:\n${output}`))));
  });

const compileAll = async (sources, compile) => {
  const waiting = [...sources];
  const worker = async () => {
    for (let source = waiting.shift(); source !== undefined; source = waiting.shift()) await compile(source);
  };
  await Promise.all(Array.from({ length: Math.max(1, os.cpus().length) }, worker));
};

/**
 * Builds the engine unless what is there was made from the same sources, headers, flags, compiler and Node version.
 *
 * @param {{ sanitize?: boolean, force?: boolean }} [options]
 * @returns {Promise<{ file: string, built: boolean }>}
 */
export const buildNative = async ({ sanitize = false, force = false } = {}) => {
  const { output, flags } = sanitize ? VARIANTS.sanitize : VARIANTS.release;
  const compiler = process.env.CC || 'gcc';
  const headers = headerFolder();
  const sources = filesIn(sourceFolder, /\.c$/);
  const inputs = [...sources, ...filesIn(sourceFolder, /\.h$/), path.join(headers, 'node_version.h')];
  const file = path.join(buildFolder, output);
  const stampFile = `${file}.stamp`;
  const compileFlags = [...COMMON, ...flags, '-isystem', headers];
  const stamp = fingerprint([os.arch(), compilerVersion(compiler), compileFlags, LINK], inputs);
  const current = fs.existsSync(stampFile) ? fs.readFileSync(stampFile, 'utf8') : '';
  if (!force && fs.existsSync(file) && current === stamp) return { file, built: false };

  // Built aside and renamed into place: two builds at once, or a process that has the old file loaded, come to no harm.
  fs.mkdirSync(buildFolder, { recursive: true });
  const scratch = fs.mkdtempSync(path.join(buildFolder, 'tmp-'));
  try {
    const objectOf = (source) => path.join(scratch, `${path.basename(source, '.c')}.o`);
    await compileAll(sources, (source) => run(compiler, [...compileFlags, '-c', source, '-o', objectOf(source)]));
    const linked = path.join(scratch, output);
    await run(compiler, [...flags, ...sources.map(objectOf), ...LINK, '-o', linked]);
    fs.rmSync(stampFile, { force: true });
    fs.renameSync(linked, file);
    fs.writeFileSync(stampFile, stamp);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
  return { file, built: true };
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  const start = Date.now();
  try {
    const { file, built } = await buildNative({
      sanitize: process.argv.includes('--sanitize'),
      force: process.argv.includes('--force'),
    });
    console.log(`${path.relative(root, file)} ${built ? `built in ${Date.now() - start} ms` : 'is up to date'}`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
