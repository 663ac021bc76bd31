// Builds the packet engine with the C compiler of the machine. Plain JavaScript that works under any Node from 18.
// usage: node scripts/build-native.mjs [--sanitize] [--force]
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { cache } from './setup/paths.mjs';

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

/** @returns undefined when there is none */
const compilerVersion = (compiler) => {
  const { error, status, stdout } = spawnSync(compiler, ['--version'], { encoding: 'utf8' });
  return error === undefined && status === 0 ? stdout : undefined;
};

const noCompiler = (compiler) =>
  new Error(
    `The packet engine needs a C compiler and \`${compiler}\` does not run: install one with ` +
      '`apt-get install gcc libc6-dev` (Debian, Ubuntu) or `dnf install gcc` (Fedora), or name it in CC.',
  );

/** Engines that the cache keeps. */
const MOST_KEPT = 4;

const ownSources = () => filesIn(sourceFolder, /\.[ch]$/);

/**
 * Where the cache keeps an engine that was built from these very sources, for clones on a machine without a compiler.
 * Before npm has run there are no headers of Node, so its version stands for them.
 */
const keptEngine = () => {
  const { optionalDependencies } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const node = optionalDependencies[`node-linux-${os.arch()}`];
  const parts = [os.arch(), node, COMMON, VARIANTS.release.flags, LINK];
  return path.join(cache, `engine-${fingerprint(parts, ownSources()).slice(0, 16)}.node`);
};

/** Whether the engine can be had without a compiler. */
export const engineIsKept = () => fs.existsSync(keptEngine());

/** Puts a file into its place in one step, so that nobody sees half of it. */
const put = (from, to) => {
  fs.mkdirSync(path.dirname(to), { recursive: true });
  const draft = `${to}.${process.pid}`;
  fs.copyFileSync(from, draft);
  fs.renameSync(draft, to);
};

/** Leaves a copy in the cache, if we may write there, and the newest few of what earlier sources gave. */
const keep = (file) => {
  const kept = keptEngine();
  if (fs.existsSync(kept)) return;
  try {
    put(file, kept);
  } catch (error) {
    if (error.code !== 'EACCES' && error.code !== 'EROFS') throw error;
    return;
  }
  const byAge = filesIn(cache, /^engine-[0-9a-f]+\.node$/).sort(
    (a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs,
  );
  for (const old of byAge.slice(MOST_KEPT)) fs.rmSync(old, { force: true });
};

/** @returns {{ file: string, built: boolean }} */
const useKept = (file, compiler) => {
  const kept = keptEngine();
  if (!fs.existsSync(kept)) throw noCompiler(compiler);
  const built = !fs.existsSync(file) || !fs.readFileSync(file).equals(fs.readFileSync(kept));
  if (built) {
    fs.rmSync(`${file}.stamp`, { force: true });
    put(kept, file);
  }
  return { file, built };
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
 * Without a compiler one of the same sources is taken from the cache.
 *
 * @param {{ sanitize?: boolean, force?: boolean }} [options]
 * @returns {Promise<{ file: string, built: boolean }>}
 */
export const buildNative = async ({ sanitize = false, force = false } = {}) => {
  const { output, flags } = sanitize ? VARIANTS.sanitize : VARIANTS.release;
  const compiler = process.env.CC || 'gcc';
  const file = path.join(buildFolder, output);
  const version = compilerVersion(compiler);
  if (version === undefined) {
    if (sanitize) throw noCompiler(compiler);
    return useKept(file, compiler);
  }
  const headers = headerFolder();
  const sources = filesIn(sourceFolder, /\.c$/);
  const inputs = [...ownSources(), path.join(headers, 'node_version.h')];
  const stampFile = `${file}.stamp`;
  const compileFlags = [...COMMON, ...flags, '-isystem', headers];
  const stamp = fingerprint([os.arch(), version, compileFlags, LINK], inputs);
  const current = fs.existsSync(stampFile) ? fs.readFileSync(stampFile, 'utf8') : '';
  if (!force && fs.existsSync(file) && current === stamp) {
    if (!sanitize) keep(file);
    // `cloudbridge` tells by the time whether it is of these sources.
    fs.utimesSync(file, new Date(), new Date());
    return { file, built: false };
  }

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
    if (!sanitize) keep(file);
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
