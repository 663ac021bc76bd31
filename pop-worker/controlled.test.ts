import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startHub } from './testing/control-plane.ts';
import { needsNamespaces, World } from './testing/world.ts';

test('a worker with a control plane: whose order holds, what SIGHUP does, and what is seen of all that', {
  skip: needsNamespaces,
}, async (t) => {
  const world = new World(t);
  await world.network();
  await world.configure();
  const { send, ...hub } = await startHub(t, world);
  await send('POST', '/v1/tenants', { id: 'red' });
  await send('POST', '/v1/tenants/red/networks', { id: 'n', ipv4Pool: '10.64.0.0/24' });
  await send('POST', '/v1/pops', { id: 'test' });
  await send('POST', '/v1/pops/test/workers', { id: 'w1' });
  world.control(hub);
  await world.startWorker();

  const status = async () => JSON.parse(await world.command('status', '--json'));
  const until = (state: string) => world.until(`it is ${state}`, async () => (await status()).state === state);
  const reported = async () => {
    const { json } = await send('GET', '/v1/pops/test/workers/w1');
    return (json as { status?: Record<string, unknown> }).status ?? {};
  };
  const worker = '/v1/pops/test/workers/w1';

  await until('ready');
  const { control } = await status();
  assert.ok(Number(control.revision) >= 1 && control.connected === true && control.reconnects === 0);

  await t.test('the end of the API’s drain does not end an operator’s withdraw', async () => {
    assert.match(await world.command('withdraw'), /The worker is withdrawn/);
    await send('POST', `${worker}/drain`, {});
    await until('draining');
    assert.deepEqual((await status()).orders, { controlPlane: 'drain', local: 'withdraw' });
    await send('POST', `${worker}/undrain`, {});
    await until('withdrawn');
    await world.until('the API knows', async () => (await reported())['health'] === 'HEALTH_WITHDRAWN');
    assert.equal((await reported())['localOrder'], 'LOCAL_ORDER_WITHDRAW');
  });

  await t.test('an operator’s undrain does not end the API’s drain, and says so', async () => {
    await send('POST', `${worker}/drain`, {});
    await until('draining');
    await assert.rejects(world.command('undrain'), /is draining still: the control plane asks for it and is reached/);
    assert.match(await world.command('status'), /orders +drain by the control plane\n/);
    await send('POST', `${worker}/undrain`, {});
    await until('ready');
  });

  await t.test('SIGHUP connects anew', async () => {
    world.log.length = 0;
    world.worker?.kill('SIGHUP');
    await world.until('it says so', () => world.log.join('').includes('read again'));
    assert.match(world.log.join(''), /"files":\["certificate and key","credentials and CA of the control plane"\]/);
    await world.until('it is connected again', async () => {
      const { control: now } = await status();
      return now.connected === true && now.reconnects === 1;
    });
  });

  await t.test('without its control plane it says since when, and what it goes on with', async () => {
    await send('NATS', 'kill');
    await world.until('it notices', async () => (await status()).control.connected === false);
    const text = await world.command('status');
    assert.match(text, /control plane +not connected for \d+ s\n/);
    assert.match(text, /membership +as of \d+ s ago\n/);
    assert.match(text, /revision +\d+, runs out in \d+ d\n/);
    assert.equal(await world.metric('cloudbridge_control_state_count{state="disconnected"}'), 1);
    await send('NATS', 'start');
    await world.until('it is back', async () => (await status()).control.connected === true);
  });

  await t.test(
    'an order at the machine survives a restart without the control plane, which then has its say',
    async () => {
      await send('NATS', 'kill');
      await world.until('it notices', async () => (await status()).control.connected === false);
      assert.match(await world.command('drain'), /The worker is draining\.\n/);
      await world.endWorker('SIGKILL');
      await world.startWorker();
      await until('draining');
      assert.deepEqual((await status()).orders, { controlPlane: 'serve', local: 'drain' });
      await send('NATS', 'start');
      await until('ready');
      assert.deepEqual((await status()).orders, { controlPlane: 'serve', local: 'serve' });
      // What is ordered while it runs holds beside what the control plane says.
      await world.command('withdraw');
      await send('POST', `${worker}/drain`, {});
      await send('POST', `${worker}/undrain`, {});
      await until('withdrawn');
      await world.command('undrain');
      await until('ready');
    },
  );

  await t.test(
    'what the API drained is undrained at its machine while NATS is gone, until it is drained anew',
    async () => {
      await send('POST', '/v1/pops/test/drain', {});
      await until('draining');
      await send('NATS', 'kill');
      await world.until('it notices', async () => (await status()).control.connected === false);
      assert.match(await world.command('undrain'), /The worker is ready against the control plane's drain/);
      await world.endWorker('SIGKILL');
      await world.startWorker();
      await until('ready');
      assert.match(
        await world.command('status'),
        /orders +undrained at this machine against the control plane's drain\n/,
      );
      assert.equal(await world.metric('cloudbridge_worker_local_order_count{order="undrain"}'), 1);
      await send('NATS', 'start');
      await world.until('the API knows', async () => (await reported())['localOrder'] === 'LOCAL_ORDER_UNDRAIN');
      assert.deepEqual((await status()).orders, { controlPlane: 'drain', local: 'undrain' });
      await send('POST', `${worker}/drain`, {});
      await until('draining');
      assert.deepEqual((await status()).orders, { controlPlane: 'drain', local: 'serve' });
      await send('POST', `${worker}/undrain`, {});
      await send('POST', '/v1/pops/test/undrain', {});
      await until('ready');
    },
  );

  await t.test('a PoP drains with all its workers', async () => {
    await send('POST', '/v1/pops/test/drain', {});
    await until('draining');
    await send('POST', '/v1/pops/test/undrain', {});
    await until('ready');
  });

  await t.test('a stop in good order is told', async () => {
    assert.equal(await world.endWorker('SIGTERM'), 0);
    const { health, connected } = await reported();
    assert.deepEqual([health, connected], ['HEALTH_STOPPED', undefined]);
  });
});
