import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { NetlinkError, NetlinkFault } from './errors.ts';
import { Exchange } from './exchange.ts';
import { Flag } from './header.ts';
import { KINDS } from './kinds.ts';
import { newRoute } from './route.ts';
import { decodeAll, kindOf, plain } from './testing/decode.ts';

const corpus = <Expect>(name: string) => readCorpus<Expect>(new URL(`testing/corpus/${name}.json`, import.meta.url));
const messages = corpus<unknown>('messages');
const hostile = corpus<{ readonly fault: keyof typeof NetlinkFault }>('hostile');
const all = [...messages, ...hostile];

test('messages of a kernel', () => {
  for (const { name, bytes, expect } of messages) assert.deepEqual(decodeAll(bytes).map(plain), expect, name);
});

test('what is no message is an error that says what is wrong', () => {
  for (const { name, bytes, expect } of hostile) {
    assert.throws(
      () => decodeAll(bytes),
      (error) => error instanceof NetlinkError && error.code === NetlinkFault[expect.fault] && error.fault === 'remote',
      name,
    );
  }
});

const orNetlinkError = (take: () => void): void => {
  try {
    take();
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    assert.equal(error.fault, 'remote');
  }
};

test('a message that is cut anywhere is an error, never something else', () => {
  for (const { bytes } of messages) {
    const whole = decodeAll(bytes).length;
    for (let end = 1; end < bytes.length; end++) {
      // Between two messages of a datagram it is merely shorter.
      orNetlinkError(() => assert.ok(decodeAll(bytes.slice(0, end)).length < whole));
    }
    // Cut inside, with a header that says so.
    for (let end = 16; end < bytes.length; end++) {
      const cut = bytes.slice(0, end);
      cut.set([end, end >>> 8, 0, 0]);
      orNetlinkError(() => decodeAll(cut));
    }
  }
});

test('messages made of the corpus are read, or refused, and what is read fits its family', () => {
  survive(all, (bytes) => {
    orNetlinkError(() => {
      for (const message of decodeAll(bytes)) {
        const route = (message['route added'] ?? message['route deleted']) as ReturnType<typeof newRoute> | undefined;
        if (route === undefined) continue;
        assert.ok(route.destinationLength <= route.destination.length * 8);
        assert.ok(route.source === undefined || route.source.length === route.destination.length);
      }
    });
  });
});

test('an exchange takes whatever comes, and ends at most once', () => {
  survive(all, (bytes) => {
    const exchange = new Exchange();
    let told = 0;
    exchange.begin({
      message: ({ type, bytes: of, at, end }) => {
        const kind = kindOf(type);
        if (kind !== undefined) KINDS[kind.name].read(of, at, end);
        told++;
      },
      refused: () => told++,
    });
    exchange.add(26, Flag.dump, (writer) => KINDS.route.write(writer, newRoute()));
    exchange.finish();
    orNetlinkError(() => {
      const outcome = exchange.handle(bytes, bytes.length);
      assert.equal(outcome !== undefined, !exchange.isPending);
      if (outcome !== undefined) assert.equal(exchange.handle(bytes, bytes.length), undefined);
    });
    assert.ok(told <= bytes.length / 16);
  });
});
