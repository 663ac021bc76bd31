import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { qlogFromEnvironment } from './environment.ts';

test('QLOGDIR says where, CBR_QLOG_FORMAT how', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'cloudbridge-qlog-'));
  t.after(() => rmSync(directory, { recursive: true }));
  assert.equal(qlogFromEnvironment({}), undefined);
  assert.equal(qlogFromEnvironment({ QLOGDIR: '' }), undefined);
  assert.equal(qlogFromEnvironment({ QLOGDIR: `${directory}/` })?.format, 'sequential');
  const settings = qlogFromEnvironment({ QLOGDIR: directory, CBR_QLOG_FORMAT: '0.3' });
  assert.deepEqual([settings?.directory, settings?.format], [directory, '0.3']);
  const fault = (env: Record<string, string>, message: RegExp): void => {
    assert.throws(() => qlogFromEnvironment(env), { name: 'QlogEnvironmentError', message });
  };
  fault({ QLOGDIR: directory, CBR_QLOG_FORMAT: '0.4' }, /^CBR_QLOG_FORMAT is one of sequential, 0.3, not `0.4`$/);
  fault({ QLOGDIR: join(directory, 'missing') }, /^nothing can be written to QLOGDIR, .*missing \(ENOENT\): name a/);
  writeFileSync(join(directory, 'file'), '');
  fault({ QLOGDIR: join(directory, 'file') }, /is no directory: name a directory that is there/);
});
