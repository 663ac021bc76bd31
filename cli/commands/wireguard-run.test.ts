import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../failure.ts';
import { wireguardRun } from './wireguard-run.ts';

test('where figures cannot be served is said before anything is made', async () => {
  for (const metrics of ['nonsense', '127.0.0.1', ':9586', '127.0.0.1:65536', '']) {
    await assert.rejects(
      async () => wireguardRun.run({ options: { metrics, foreground: true }, words: ['cbnone'] } as never),
      (error: unknown) => error instanceof UsageError && error.message.includes(JSON.stringify(metrics)),
      metrics,
    );
  }
});
