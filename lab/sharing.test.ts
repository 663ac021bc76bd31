import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const GROUP = '/proc/self/autogroup';

test('a program in a session of its own shares CPUs with others as whoever started it', {
  skip: fs.existsSync(GROUP) ? false : 'the kernel has no groups of sessions',
}, async () => {
  const module = path.join(import.meta.dirname, 'sharing.ts');
  // In a session of its own, whose weight may be lowered without a privilege.
  const script = `
    const fs = require('node:fs');
    const { spawn } = require('node:child_process');
    fs.writeFileSync('${GROUP}', '7');
    import(${JSON.stringify(module)}).then(({ shareAsWeDo }) => {
      const child = spawn('sleep', ['60'], { detached: true });
      for (const nicer of [0, 4, 99]) {
        shareAsWeDo(child.pid, nicer);
        console.log(fs.readFileSync('/proc/' + child.pid + '/autogroup', 'utf8'));
      }
      child.kill();
    });`;
  const outer = spawn('setsid', ['--wait', process.execPath, '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  outer.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  await once(outer, 'close');
  assert.match(text, / nice 7\n.* nice 11\n.* nice 19\n/s);
});
