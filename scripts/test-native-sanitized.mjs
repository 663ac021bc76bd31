// Runs the host tests with the packet engine built under AddressSanitizer and UndefinedBehaviorSanitizer.
// usage: node scripts/test-native-sanitized.mjs [test files or patterns…]
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative } from './build-native.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const node = path.join(root, `node_modules/node-linux-${os.arch()}/bin/node`);
const patterns = process.argv.slice(2);

/** The runtime that the compiler links against; the sanitizer must come before everything that Node has loaded. */
const runtimeLibrary = () => {
  const { stdout } = spawnSync(process.env.CC || 'gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' });
  const file = stdout.trim();
  if (path.isAbsolute(file)) return fs.realpathSync(file);
  throw new Error('The compiler has no AddressSanitizer runtime: install libasan (Debian: it comes with gcc).');
};

await buildNative({ sanitize: true });
const { status } = spawnSync(
  node,
  ['--test', '--test-timeout=120000', ...(patterns.length > 0 ? patterns : ['pop-worker/host/**/*.test.ts'])],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      CBR_NATIVE: 'asan',
      LD_PRELOAD: runtimeLibrary(),
      // Leaks: V8 never frees all of its own. The stack check knows nothing of V8's own stacks.
      // Little of what was freed is kept back: tests watch the resident memory.
      ASAN_OPTIONS:
        'quarantine_size_mb=16:detect_leaks=0:detect_stack_use_after_return=0:halt_on_error=1:abort_on_error=1',
      UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1:abort_on_error=1',
    },
  },
);
process.exitCode = status ?? 1;
