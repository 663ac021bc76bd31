import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { COMPILE_SOON } from './compile-soon.ts';

/** Whether a function is compiled by V8's best compiler after so many calls, in a process of its own. */
const isCompiled = (calls: number, before: string): boolean => {
  const source = `
    ${before}
    const add = (a, b) => a + b;
    for (let i = 0; i < ${calls}; i++) add(i, 1);
    // Compiled beside, and taken up by a call.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    for (let i = 0; i < 60; i++) add(i, 1);
    // 0x20 of %GetOptimizationStatus: optimized, by whichever compiler.
    console.log((%GetOptimizationStatus(add) & 0x20) !== 0);`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--allow-natives-syntax', '--input-type=module', '-e', source],
    {
      encoding: 'utf8',
    },
  );
  assert.match(stdout, /^(true|false)\n$/, stderr);
  return stdout === 'true\n';
};

test('V8 knows each of the flags', () => {
  for (const flag of COMPILE_SOON) assert.equal(spawnSync(process.execPath, [flag, '-e', '']).status, 0, flag);
});

test('a function is compiled after hundreds of calls, not thousands', () => {
  const soon = `(await import(${JSON.stringify(new URL('./compile-soon.ts', import.meta.url).href)})).compileSoon();`;
  assert.equal(isCompiled(300, soon), true);
  assert.equal(isCompiled(300, ''), false);
});
