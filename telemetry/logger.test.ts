import assert from 'node:assert/strict';
import test from 'node:test';
import { createLogger, type Level, levelFrom } from './logger.ts';

const collect = (level: Level) => {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  return { lines, logger: createLogger({ level, write, now: () => new Date(0) }) };
};

test('a line is one object with time, level, message and fields', () => {
  const { lines, logger } = collect('info');
  logger.with({ worker: 'w1' }).info('started', { port: 443, big: 2n ** 60n });
  assert.deepEqual(lines, [
    {
      time: '1970-01-01T00:00:00.000Z',
      level: 'info',
      message: 'started',
      worker: 'w1',
      port: 443,
      big: '1152921504606846976',
    },
  ]);
});

test('what is less grave than the level is left out', () => {
  const { lines, logger } = collect('warn');
  logger.info('no');
  logger.debug('no');
  logger.warn('yes');
  logger.error('yes');
  assert.equal(lines.length, 2);
  assert.equal(levelFrom('debug'), 'debug');
  assert.equal(levelFrom('loud'), 'info');
});

test('no secret is shown, however deep', () => {
  const { lines, logger } = collect('info');
  logger.info('login', {
    joinToken: 'abc',
    nested: { password: 'abc', privateKey: 'abc', Authorization: 'abc', kept: 1 },
  });
  assert.doesNotMatch(JSON.stringify(lines), /abc/);
  assert.deepEqual((lines[0]!['nested'] as { kept: number }).kept, 1);
});

test('an error is told with its message', () => {
  const { lines, logger } = collect('info');
  logger.error('failed', { cause: new RangeError('too far') });
  assert.equal((lines[0]!['cause'] as { message: string }).message, 'too far');
});
