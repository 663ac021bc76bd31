import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConnectFailure } from './failure.ts';
import { OAuthFailure } from './oauth.ts';
import { type FakeLink, jwt, obliging, server, settle, VirtualWorld } from './testing/virtual-world.ts';
import { NoNewerToken } from './token-source.ts';

const MS = 1000;
const SECOND = 1_000_000;

const kinds = (world: VirtualWorld): string[] => world.events.map(({ type }) => type);
const failureOf = (world: VirtualWorld): ConnectFailure => {
  assert.ok(world.ended instanceof ConnectFailure, `${world.ended}`);
  return world.ended;
};

/** Up, and alive for a while. */
const up = async (options: ConstructorParameters<typeof VirtualWorld>[0] = {}): Promise<VirtualWorld> => {
  const world = new VirtualWorld({ onDial: obliging, ...options });
  await world.start();
  await world.pass(0);
  return world;
};

/** Packets keep coming while time passes. */
const liveFor = async (world: VirtualWorld, us: number): Promise<void> => {
  for (let passed = 0; passed < us; passed += 500_000) {
    world.last.received++;
    await world.pass(500_000);
  }
};

test('resolve, connect, open the tunnel, say so; stop ends all of it', async () => {
  const world = await up();
  assert.deepEqual(world.states, ['up 192.0.2.1:443']);
  assert.deepEqual(kinds(world), ['connecting', 'connected']);
  assert.deepEqual(world.last.tokens, ['token']);
  world.session.stop();
  await settle();
  assert.equal(world.ended, undefined);
  assert.ok(world.last.isClosed);
  assert.equal(world.pending, 0);
});

test('addresses are raced: a silent one does not hold up the next, and the losers are closed', async () => {
  const world = new VirtualWorld({ names: { 'edge.test': ['2001:db8::1', '2001:db8::2', '192.0.2.1', '192.0.2.2'] } });
  world.onDial = (link) => {
    if (link.target.address === '192.0.2.1') obliging(link);
  };
  await world.start();
  await world.pass(SECOND);
  assert.deepEqual(
    world.links.map(({ target }) => target.address),
    ['2001:db8::1', '192.0.2.1'],
  );
  assert.deepEqual(
    world.links.map(({ isClosed }) => isClosed),
    [true, false],
  );
});

test('who has answered and then says nothing is not waited for alone: its address is tried once more besides', async () => {
  const world = new VirtualWorld();
  await world.start();
  await world.pass(700 * MS);
  assert.equal(world.links.length, 1, 'who has said nothing at all is asked again by QUIC itself');
  world.last.received = 1;
  await world.pass(500 * MS);
  assert.equal(world.links.length, 1);
  await world.pass(500 * MS);
  assert.equal(world.links.length, 2);
  const [first, second] = world.links as [FakeLink, FakeLink];
  assert.deepEqual([second.target.address, first.isClosed], [first.target.address, false]);
  second.received = 1;
  await world.pass(1000 * MS);
  assert.equal(world.links.length, 2);
  second.sink.ready(true);
  await settle();
  assert.equal(first.isClosed, true);
  second.sink.opened();
  await settle();
  assert.equal(world.session.link, second);
});

test('an attempt that fails at once makes room for the next at once', async () => {
  const world = new VirtualWorld({ names: { 'edge.test': ['192.0.2.1', '192.0.2.2'] } });
  world.onDial = (link) => {
    if (link.target.address === '192.0.2.2') obliging(link);
    else link.sink.lost(new ConnectFailure('refused'));
  };
  await world.start();
  await world.pass(0);
  assert.deepEqual(world.states, ['up 192.0.2.2:443']);
});

test('servers are tried in their order, each round from the first', async () => {
  const servers = [server('one.test'), server('two.test')];
  const world = new VirtualWorld({ servers, names: { 'one.test': ['192.0.2.1'], 'two.test': ['192.0.2.2'] } });
  world.onDial = (link) => void (link.target.address === '192.0.2.2' && obliging(link));
  await world.start();
  await world.pass(4 * SECOND);
  assert.deepEqual(world.states, ['up 192.0.2.2:443']);
  world.onDial = obliging;
  await liveFor(world, 6 * SECOND);
  world.last.sink.lost(new ConnectFailure('reset'));
  await world.pass(0);
  assert.deepEqual(world.states, ['up 192.0.2.2:443', 'down', 'up 192.0.2.1:443']);
});

test('a server that was lost is not waited for before another one is tried', async () => {
  const servers = [server('one.test'), server('two.test')];
  const world = new VirtualWorld({ servers, names: { 'one.test': ['192.0.2.1'], 'two.test': ['192.0.2.2'] } });
  world.onDial = obliging;
  await world.start();
  await liveFor(world, 6 * SECOND);
  world.onDial = (link) => void (link.target.address === '192.0.2.2' && obliging(link));
  world.last.sink.lost(new ConnectFailure('does not answer any more'));
  await world.pass(0);
  assert.deepEqual(world.states, ['up 192.0.2.1:443', 'down', 'up 192.0.2.2:443']);
});

test('pauses double up to a cap, and every second round is cautious about size', async () => {
  const world = new VirtualWorld({ onDial: (link) => link.sink.lost(new ConnectFailure('no')) });
  await world.start();
  await world.pass(120 * SECOND);
  const pauses = world.events.flatMap((event) => (event.type === 'retrying' ? [event.inMs] : []));
  assert.deepEqual(pauses.slice(0, 9), [200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000]);
  assert.deepEqual(
    world.links.slice(0, 4).map(({ target }) => target.cautious),
    [false, true, false, true],
  );
  assert.equal(world.ended, 'running');
});

test('after a good connection the first attempt comes at once, resumed; a bad one waits', async () => {
  const world = await up();
  world.last.sink.ticket(Uint8Array.of(7));
  await liveFor(world, 10 * SECOND);
  world.last.sink.lost(new ConnectFailure('reset'));
  await world.pass(0);
  assert.equal(world.links.length, 2);
  assert.deepEqual(world.last.target.ticket, Uint8Array.of(7));
  assert.deepEqual(world.events.at(-1), {
    type: 'connected',
    server: 'edge.test',
    address: '192.0.2.1:443',
    carrier: 'quic',
    resumed: true,
  });
  // That one did not live long.
  world.last.sink.lost(new ConnectFailure('reset'));
  await world.pass(0);
  assert.equal(world.links.length, 2);
  assert.equal(kinds(world).at(-1), 'retrying');
});

test('an edge that goes out of service is left only once there is another connection', async () => {
  const world = await up();
  const [first] = world.links;
  await liveFor(world, 6 * SECOND);
  world.onDial = (link) => link.sink.lost(new ConnectFailure('draining'));
  first?.sink.leaving();
  await world.pass(SECOND);
  assert.deepEqual(world.states, ['up 192.0.2.1:443'], 'it goes on while no other is to be had');
  assert.equal(first?.isClosed, false);
  world.onDial = obliging;
  first?.sink.leaving();
  await world.pass(200_000);
  assert.deepEqual(world.states, ['up 192.0.2.1:443', 'up 192.0.2.1:443']);
  assert.equal(first?.isClosed, false, 'what is under way comes in yet');
  await world.pass(300_000);
  assert.equal(first?.isClosed, true);
  assert.equal(kinds(world).includes('disconnected'), false);
  world.session.stop();
  await settle();
  assert.ok(world.last.isClosed);
  assert.equal(world.pending, 0);
});

test('an edge that goes out of service and refuses QUIC is not left by TCP, unless that goes on for long', async () => {
  const world = await up({ carrier: 'auto' });
  const [first] = world.links;
  world.onDial = (link) => {
    if (link.target.carrier === 'tcp') obliging(link);
    else link.sink.lost(new ConnectFailure('draining'));
  };
  first?.sink.leaving();
  await world.pass(SECOND);
  assert.deepEqual(new Set(world.links.map(({ target }) => target.carrier)), new Set(['quic']));
  assert.equal(first?.isClosed, false);
  await world.pass(2 * SECOND);
  assert.equal(world.session.link?.target.carrier, 'tcp');
  world.session.stop();
});

test('an edge that goes out of service and is gone before there is another is lost like any', async () => {
  const world = await up();
  await liveFor(world, 6 * SECOND);
  world.onDial = (link) => link.sink.lost(new ConnectFailure('draining'));
  world.links[0]?.sink.leaving();
  await world.pass(100_000);
  world.links[0]?.sink.lost(new ConnectFailure('gone'));
  await world.pass(200_000);
  assert.deepEqual(world.states, ['up 192.0.2.1:443', 'down']);
  world.onDial = obliging;
  await world.pass(SECOND);
  assert.deepEqual(world.states, ['up 192.0.2.1:443', 'down', 'up 192.0.2.1:443']);
});

test('a server that says nothing though it is asked is dead within three seconds', async () => {
  const world = await up();
  await liveFor(world, 20 * SECOND);
  const [link] = world.links as [FakeLink];
  link.probes = 3;
  // Half a second has passed since the last packet.
  await world.pass(1_500_000);
  assert.equal(link.isClosed, false);
  await world.pass(1_000_000);
  assert.equal(link.isClosed, true);
  assert.equal(world.links.length, 2);
});

test('silence is no death while nothing is owed', async () => {
  const world = await up();
  await world.pass(60 * SECOND);
  assert.deepEqual(world.states, ['up 192.0.2.1:443']);
});

test('the network changes: an address that is gone ends the connection, another one makes suspicious', async () => {
  const world = await up();
  await liveFor(world, 6 * SECOND);
  const [link] = world.links as [FakeLink];
  link.local = '10.0.0.5';
  link.probes = 2;
  world.session.networkChanged((address) => address === '10.0.0.5');
  await world.pass(400_000);
  assert.equal(link.isClosed, false);
  await world.pass(600_000);
  assert.equal(link.isClosed, true);
  world.last.local = '10.0.0.5';
  world.session.networkChanged(() => false);
  await settle();
  assert.equal(world.links[1]?.isClosed, true);
});

test('the network changes: a pause ends', async () => {
  const world = new VirtualWorld({ onDial: (link) => link.sink.lost(new ConnectFailure('no')) });
  await world.start();
  await world.pass(30 * SECOND);
  const before = world.links.length;
  world.session.networkChanged(() => true);
  await world.pass(0);
  assert.equal(world.links.length, before + 1);
});

test('names that cannot be resolved any more keep the addresses they had', async () => {
  const world = await up();
  await liveFor(world, 6 * SECOND);
  world.names = {};
  world.last.sink.lost(new ConnectFailure('reset'));
  await world.pass(0);
  assert.deepEqual(world.states, ['up 192.0.2.1:443', 'down', 'up 192.0.2.1:443']);
});

test('a name is looked up again when a connection is lost: it may lead to another place by then', async () => {
  const world = await up();
  await liveFor(world, 6 * SECOND);
  world.names = { 'edge.test': ['192.0.2.2'] };
  world.last.sink.lost(new ConnectFailure('silent'));
  await world.pass(0);
  assert.deepEqual(world.states, ['up 192.0.2.1:443', 'down', 'up 192.0.2.2:443']);
});

test('what cannot get better ends the session: table', async () => {
  const refusing =
    (status: number, detail = '') =>
    (link: FakeLink) => {
      link.sink.ready(false);
      link.openTunnel = () => link.sink.refused(status, detail, undefined);
    };
  const table: readonly (readonly [ConstructorParameters<typeof VirtualWorld>[0], RegExp])[] = [
    [{ onDial: refusing(401, 'who are you') }, /refuses the token: who are you/],
    [{ onDial: refusing(403, 'revoked') }, /refuses this device: revoked/],
    [{ onDial: refusing(501, 'no TUN') }, /takes no IP tunnels \(no TUN\): use --socks/],
    [{ servers: [server('nowhere.test')] }, /nobody knows nowhere\.test/],
    [{ onDial: (link) => link.sink.lost(new ConnectFailure('certificate', 'fatal-at-first')) }, /certificate/],
    [{ tokens: { token: async () => jwt(0, 0.5) } }, /the token expired 1 s ago/],
    [{ tokens: { token: () => Promise.reject(new ConnectFailure('no file', 'fatal-at-first')) } }, /no file/],
  ];
  for (const [options, pattern] of table) {
    const world = new VirtualWorld(options);
    if (options?.tokens !== undefined && !('onDial' in options)) world.onDial = obliging;
    await world.start();
    await world.pass(10 * SECOND);
    assert.match(failureOf(world).message, pattern);
    assert.equal(world.pending, 0, `${pattern}`);
  }
});

test('what is temporary is tried again: 503 with its own pause, and a bad certificate once it had been good', async () => {
  const world = await up();
  await liveFor(world, 6 * SECOND);
  world.onDial = (link) => {
    link.sink.ready(false);
    link.openTunnel = () => link.sink.refused(503, 'draining', 20_000);
  };
  world.last.sink.lost(new ConnectFailure('reset'));
  await world.pass(0);
  assert.deepEqual(world.events.at(-1), {
    type: 'retrying',
    reason: 'the edge cannot take this device now (503: draining)',
    inMs: 20_000,
  });
  world.onDial = (link) => link.sink.lost(new ConnectFailure('certificate', 'fatal-at-first'));
  await world.pass(60 * SECOND);
  assert.equal(world.ended, 'running');
  world.onDial = obliging;
  await world.pass(30 * SECOND);
  assert.equal(world.states.at(-1), 'up 192.0.2.1:443');
});

test('a token is renewed before it ends, on the same connection; until then the old one goes on', async () => {
  let token = jwt(1, 601, 'a');
  const world = await up({ tokens: { token: async () => token } });
  await liveFor(world, 545 * SECOND);
  assert.deepEqual(world.last.tokens, [token]);
  const next = jwt(545, 1200, 'b');
  token = next;
  await liveFor(world, 10 * SECOND);
  assert.deepEqual(world.last.tokens.slice(1), [next]);
  assert.equal(world.session.token, next);
  assert.equal(world.links.length, 1);
  assert.equal(kinds(world).at(-1), 'token-renewed');
});

const notRenewed = (world: VirtualWorld): string[] =>
  world.events.flatMap((event) => (event.type === 'token-not-renewed' ? [event.reason] : []));

test('a token that is not renewed: each reason is told once, and again after one was', async () => {
  const first = jwt(1, 601, 'a');
  const second = jwt(600, 1200, 'b');
  let source = async (): Promise<string> => first;
  const gone = (reason: string) => () => Promise.reject(new ConnectFailure(reason, 'fatal'));
  const asked: (string | undefined)[] = [];
  const token = (old: string | undefined) => {
    asked.push(old);
    return source();
  };
  const world = await up({ tokens: { token } });
  await liveFor(world, 530 * SECOND);
  assert.deepEqual(notRenewed(world), []);
  source = gone('the file is gone');
  await liveFor(world, 25 * SECOND);
  assert.deepEqual(notRenewed(world), ['the file is gone']);
  assert.ok(asked.filter((old) => old === first).length >= 2, 'it tries again');
  source = gone('garbage');
  await liveFor(world, 6 * SECOND);
  source = gone('the file is gone');
  await liveFor(world, 6 * SECOND);
  source = async () => first;
  await liveFor(world, 12 * SECOND);
  assert.deepEqual(notRenewed(world), ['the file is gone', 'garbage', 'there is no newer one yet']);
  source = async () => second;
  await liveFor(world, 6 * SECOND);
  assert.equal(kinds(world).at(-1), 'token-renewed');
  source = gone('garbage');
  await liveFor(world, 560 * SECOND);
  assert.deepEqual(notRenewed(world).slice(3), ['garbage']);
  assert.equal(world.links.length, 1);
  assert.equal(kinds(world).includes('disconnected'), false);
});

/** The edge takes none but `new`. */
const picky = (link: FakeLink): void => {
  link.sink.ready(false);
  link.openTunnel = (token) => (token === 'new' ? link.sink.opened() : link.sink.refused(401, 'too old', undefined));
};

test('after a refusal, a source that fails is told as itself, and tried again when that may help', async () => {
  let next = (): Promise<string> => Promise.reject(new Error('the issuer does not answer'));
  const token = (old: string | undefined) => (old === undefined ? Promise.resolve('old') : next());
  const world = new VirtualWorld({ onDial: picky, tokens: { token } });
  await world.start();
  await world.pass(SECOND);
  assert.equal(world.ended, 'running');
  const reasons = world.events.flatMap((event) => (event.type === 'retrying' ? [event.reason] : []));
  assert.deepEqual([...new Set(reasons)], ['the issuer does not answer']);
  next = async () => 'new';
  await world.pass(15 * SECOND);
  assert.deepEqual(world.states, ['up 192.0.2.1:443']);
});

test('a source that fails for a moment at the start is asked again, one that fails for good ends it', async () => {
  let tries = 0;
  const away = async (): Promise<string> => {
    if (++tries <= 3) throw new OAuthFailure('the issuer is away', true);
    return 'token';
  };
  const patient = await up({ tokens: { token: away } });
  await patient.pass(5 * SECOND);
  assert.deepEqual(patient.states, ['up 192.0.2.1:443']);
  const world = await up({ tokens: { token: async () => Promise.reject(new OAuthFailure('sign in again', false)) } });
  assert.equal(failureOf(world).message, 'sign in again');
  assert.equal(world.links.length, 0, 'nobody is bothered');
});

test('after a refusal, what the source says decides how it ends', async () => {
  const table: readonly (readonly [Error, string])[] = [
    [new OAuthFailure('the sign-in was refused', false), 'the sign-in was refused'],
    [new ConnectFailure('no file', 'fatal-at-first'), 'no file'],
    [new NoNewerToken('the file'), 'the edge refuses the token: too old'],
  ];
  for (const [failure, message] of table) {
    const token = async (old: string | undefined): Promise<string> => {
      if (old === undefined) return 'old';
      throw failure;
    };
    const world = new VirtualWorld({ onDial: picky, tokens: { token } });
    await world.start();
    await world.pass(SECOND);
    assert.equal(failureOf(world).message, message);
  }
});

test('a token that is refused may have a successor, once', async () => {
  const asked: (string | undefined)[] = [];
  const world = new VirtualWorld({
    tokens: {
      token: async (refused) => {
        asked.push(refused);
        return refused === undefined ? 'old' : 'new';
      },
    },
  });
  world.onDial = (link) => {
    link.sink.ready(false);
    link.openTunnel = (token) => (token === 'new' ? link.sink.opened() : link.sink.refused(401, '', undefined));
  };
  await world.start();
  await world.pass(SECOND);
  assert.deepEqual(asked, [undefined, undefined, 'old']);
  assert.deepEqual(world.states, ['up 192.0.2.1:443']);
});

test('without a tunnel the session is up when the edge is ready', async () => {
  const world = await up({ tunnel: false });
  assert.deepEqual(world.states, ['up 192.0.2.1:443']);
  assert.deepEqual(world.last.tokens, []);
  assert.equal(world.session.token, 'token');
});

test('whatever links do, the session never throws, has one link up at most, and stops', async () => {
  const action = fc.constantFrom(
    'ready',
    'opened',
    'refuse401',
    'refuse503',
    'lost',
    'silent',
    'network',
    'time',
    'ticket',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(action, fc.nat(3)), { maxLength: 40 }), async (actions) => {
      const world = new VirtualWorld({ names: { 'edge.test': ['192.0.2.1', '2001:db8::1'] } });
      await world.start();
      for (const [what, which] of actions) {
        await world.pass(which * 300_000);
        const link = world.links.at(-1 - which);
        // A closed link says nothing any more.
        if (link === undefined || link.isClosed) continue;
        if (what === 'ready') link.sink.ready(false);
        else if (what === 'opened' && link.tokens.length > 0) link.sink.opened();
        else if (what === 'refuse401' && link.tokens.length > 0) link.sink.refused(401, '', undefined);
        else if (what === 'refuse503' && link.tokens.length > 0) link.sink.refused(503, '', 100);
        else if (what === 'lost') {
          link.isClosed = true;
          link.sink.lost(new ConnectFailure('lost'));
        } else if (what === 'silent') link.probes = 5;
        else if (what === 'network') world.session.networkChanged(() => which === 0);
        else if (what === 'ticket') link.sink.ticket(Uint8Array.of(which));
      }
      await settle();
      for (const [i, state] of world.states.entries()) assert.equal(state === 'down', i % 2 === 1);
      world.session.stop();
      await settle();
      assert.notEqual(world.ended, 'running');
      assert.ok(world.links.every((link) => link.isClosed));
      assert.equal(world.pending - world.links.length <= 0, true);
    }),
    {
      numRuns: 60,
      examples: [
        [
          [
            ['ready', 1],
            ['opened', 1],
            ['opened', 1],
          ],
        ],
      ],
    },
  );
});
