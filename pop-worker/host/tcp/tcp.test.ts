import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { native } from '../native.ts';
import { inNamespace, ip, needsRoot, testNamespace } from '../testing/namespace.ts';
import { addressOf, formatHost } from '../udp/address.ts';
import { TcpAttempt } from './connect.ts';
import { TcpListener } from './listener.ts';
import type { TcpAuthentication, TcpOptions } from './options.ts';
import { TcpStream } from './stream.ts';

const PORT = 179;
/** A fresh link may lose the first packets. */
const LONG_MS = 5000;
const SHORT_MS = 500;
const PLAIN: TcpOptions = { hopLimit: 255, leastHopLimit: 0 };
const root = { skip: needsRoot };
const HERE = 'veth-tcp';

/** A link between two namespaces, both families. @returns their paths */
const linked = (t: TestContext): readonly [string, string] => {
  const ends = [testNamespace(t), testNamespace(t)] as const;
  const [one, other] = ends;
  for (const { name } of ends) {
    const off = 'echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad';
    execFileSync('ip', ['netns', 'exec', name, 'sh', '-c', off]);
  }
  ip('link', 'add', HERE, 'netns', one.name, 'type', 'veth', 'peer', 'name', HERE, 'netns', other.name);
  for (const [i, { name }] of ends.entries()) {
    ip('-n', name, 'address', 'add', `192.0.2.${i + 1}/24`, 'dev', HERE);
    ip('-n', name, 'address', 'add', `2001:db8::${i + 1}/64`, 'dev', HERE, 'nodad');
    ip('-n', name, 'link', 'set', HERE, 'up');
  }
  return [one.path, other.path];
};

interface Scene {
  readonly server: (authentication?: TcpAuthentication) => {
    readonly taken: string[];
    readonly heard: string[];
    readonly listener: TcpListener;
  };
  readonly attempt: (options: TcpOptions, timeoutMs?: number) => Promise<TcpStream | string>;
}

const scene = (t: TestContext, family: 4 | 6, serverHops: Partial<TcpOptions> = {}): Scene => {
  const [near, far] = linked(t);
  const [mine, theirs] = family === 4 ? ['192.0.2.1', '192.0.2.2'] : ['2001:db8::1', '2001:db8::2'];
  return {
    server: (authentication) => {
      const taken: string[] = [];
      const heard: string[] = [];
      const listener = inNamespace(far, () => {
        return new TcpListener(addressOf(theirs, PORT), HERE, (descriptor, remote) => {
          native.tcpHops(descriptor, serverHops.hopLimit ?? 255, serverHops.leastHopLimit ?? 0);
          taken.push(formatHost(remote));
          const stream: TcpStream = new TcpStream(descriptor, {
            received: (bytes, length) => {
              heard.push(Buffer.from(bytes.subarray(0, length)).toString());
              stream.write(Buffer.from('pong'));
            },
            drained: () => {},
            ended: (reason) => heard.push(reason),
          });
          t.after(() => stream.close());
        });
      });
      t.after(() => listener.close());
      if (authentication !== undefined) listener.authenticate(addressOf(mine), authentication);
      return { taken, heard, listener };
    },
    attempt: (options, timeoutMs = LONG_MS) =>
      new Promise((resolve) => {
        const attempt = inNamespace(near, () => {
          return new TcpAttempt(addressOf(mine), '', addressOf(theirs, PORT), options, (result) => {
            clearTimeout(timer);
            if (typeof result !== 'number') resolve((result as NodeJS.ErrnoException).code ?? '');
            else {
              const stream: TcpStream = new TcpStream(result, {
                received: (bytes, length) => resolve(Buffer.from(bytes.subarray(0, length)).toString()),
                drained: () => {},
                ended: (reason) => resolve(reason),
              });
              t.after(() => stream.close());
              stream.write(Buffer.from('ping'));
              timer = setTimeout(() => resolve('silence'), SHORT_MS);
            }
          });
        });
        t.after(() => attempt.close());
        let timer = setTimeout(() => {
          attempt.close();
          resolve('no connection');
        }, timeoutMs);
      }),
  };
};

const key = (text: string): TcpAuthentication => ({ type: 'md5', key: Buffer.from(text) });

for (const family of [4, 6] as const) {
  test(`IPv${family}: bytes go both ways, and who connects is known`, root, async (t) => {
    const { server, attempt } = scene(t, family);
    const { taken, heard } = server();
    assert.equal(await attempt(PLAIN), 'pong');
    assert.deepEqual(taken, [family === 4 ? '192.0.2.1' : '2001:db8::1']);
    assert.deepEqual(heard, ['ping']);
  });

  test(`IPv${family}: MD5: the same key, another one, none (RFC 2385)`, root, async (t) => {
    const { server, attempt } = scene(t, family);
    const { taken } = server(key('secret'));
    assert.equal(await attempt({ ...PLAIN, authentication: key('secret') }), 'pong');
    assert.equal(await attempt({ ...PLAIN, authentication: key('other') }, SHORT_MS), 'no connection');
    assert.equal(await attempt(PLAIN, SHORT_MS), 'no connection');
    assert.equal(taken.length, 1);
  });

  test(`IPv${family}: GTSM: what comes with fewer hops than it must is dropped (RFC 5082)`, root, async (t) => {
    const { server, attempt } = scene(t, family, { leastHopLimit: 255 });
    const { heard, listener } = server();
    assert.equal(await attempt({ hopLimit: 255, leastHopLimit: 255 }), 'pong');
    assert.equal(await attempt({ hopLimit: 254, leastHopLimit: 0 }), 'silence');
    assert.deepEqual(heard, ['ping']);
    listener.setLeastHopLimit(255);
    assert.equal(await attempt({ hopLimit: 254, leastHopLimit: 0 }, SHORT_MS), 'no connection');
  });
}

test('who has connected before a rule was set is closed, who comes after it is taken', root, async (t) => {
  const { server, attempt } = scene(t, 4);
  const { taken, heard, listener } = server();
  const early = attempt({ hopLimit: 254, leastHopLimit: 0 });
  listener.setLeastHopLimit(255);
  // Within this turn of the event loop the kernel has connected them, and nobody was taken yet.
  listener.refuseWaiting();
  assert.notEqual(await early, 'pong');
  assert.deepEqual(taken, []);
  assert.equal(await attempt({ hopLimit: 255, leastHopLimit: 255 }), 'pong');
  assert.deepEqual(heard, ['ping']);
});

test('why there is no connection is told', root, async (t) => {
  const { attempt } = scene(t, 4);
  assert.equal(await attempt(PLAIN), 'ECONNREFUSED');
});

test('TCP-AO, or a kernel that says it has none (RFC 5925)', root, async (t) => {
  const { server, attempt } = scene(t, 4);
  const ao = (secret: string): TcpAuthentication => ({
    type: 'ao',
    sendId: 1,
    receiveId: 1,
    algorithm: 'hmac-sha-1-96',
    key: Buffer.from(secret),
  });
  try {
    server(ao('secret'));
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOPROTOOPT');
    t.skip('the kernel has no TCP-AO');
    return;
  }
  assert.equal(await attempt({ ...PLAIN, authentication: ao('other') }, SHORT_MS), 'no connection');
  assert.equal(await attempt({ ...PLAIN, authentication: ao('secret') }), 'pong');
});

test('an address is one listener’s, and of those that are bound to an interface besides', root, (t) => {
  const [, far] = linked(t);
  const open: TcpListener[] = [];
  t.after(() => {
    for (const listener of open) listener.close();
  });
  const listen = (device: string): void => {
    inNamespace(far, () => open.push(new TcpListener(addressOf('0.0.0.0', PORT), device, native.tcpClose)));
  };
  listen('');
  listen(HERE);
  assert.throws(() => listen(''), { code: 'EADDRINUSE' });
  assert.equal(open.length, 2);
});

test('an interface that is not there, and a key that is too long, are refused', root, () => {
  assert.throws(() => new TcpListener(addressOf('127.0.0.1', 0), 'no-such', () => {}), { code: 'ENODEV' });
  const listener = new TcpListener(addressOf('127.0.0.1', 0), '', () => {});
  assert.throws(() => listener.authenticate(addressOf('127.0.0.2'), key('x'.repeat(81))), RangeError);
  listener.close();
  listener.close();
});
