import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Skip, type SuiteCase } from '#bench/suite.ts';
import { cases } from './masque.ts';

/** Runs a case as `cloudbridge interop masque` does, and wants every proof of it. */
const proves = async (t: TestContext, name: string): Promise<void> => {
  const said: string[] = [];
  const one = cases.find((found) => found.name === name) as SuiteCase;
  const context = { peers: true, run: 0, remark: (text: string) => void said.push(text), skipPeer: () => {} };
  try {
    const lines = await one.run(context);
    const completed = lines.map(({ metric, value }) => [metric, value]);
    assert.deepEqual(
      completed,
      [
        ['completed_as_client', 1],
        ['completed_as_server', 1],
      ],
      said.join('\n'),
    );
  } catch (error) {
    if (!(error instanceof Skip)) throw error;
    t.skip(error.message);
  }
};

test('connect-ip-go: full-size packets of both families through a tunnel, we as client and as proxy', (t) =>
  proves(t, 'connect-ip'));

test('quic-go: datagrams through CONNECT-UDP, we as client and as proxy', (t) => proves(t, 'connect-udp'));
