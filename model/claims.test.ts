import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CLOCK_TOLERANCE, POP_AUDIENCE, readPopClaims } from './claims.ts';

const good = {
  iss: 'https://edge',
  aud: POP_AUDIENCE,
  sub: 'laptop',
  tenant: 'acme',
  ipv4: '10.64.0.2',
  ipv6: 'fd00::2',
  egress: true,
  jti: 'j1',
  iat: 1000,
  exp: 2000,
};
const read = (change: object, now = 1500) => readPopClaims({ ...good, ...change }, 'https://edge', now);

test('a good token is read', () => {
  assert.deepEqual(read({ aud: ['other', POP_AUDIENCE] }), {
    issuer: 'https://edge',
    tenant: 'acme',
    device: 'laptop',
    ipv4: '10.64.0.2',
    ipv6: 'fd00::2',
    egress: true,
    tokenId: 'j1',
    issuedAt: 1000,
    expiresAt: 2000,
  });
  assert.equal((read({ egress: 'yes' }) as { egress: boolean }).egress, false, 'only true is true');
});

test('each thing that is wrong has its sentence', () => {
  assert.match(read({ iss: 'https://evil' }) as string, /issuer/);
  assert.match(read({ aud: 'api' }) as string, /not for cloudbridge-pop/);
  for (const claim of ['sub', 'tenant', 'ipv4', 'ipv6', 'jti']) {
    for (const value of [undefined, '', 5, 'x'.repeat(201)])
      assert.match(read({ [claim]: value }) as string, /lacks a claim/);
  }
  for (const claim of ['iat', 'exp']) {
    for (const value of [undefined, '2000', Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      assert.match(read({ [claim]: value }) as string, /no times/);
    }
  }
});

test('the edges of what is taken: 200 characters, the beginning of time, half a minute of tolerance', () => {
  for (const claim of ['sub', 'tenant', 'ipv4', 'ipv6', 'jti']) {
    for (const value of ['x', 'x'.repeat(200)]) assert.equal(typeof read({ [claim]: value }), 'object', claim);
  }
  assert.equal(typeof read({ iat: 0, exp: 0 }, 0), 'object');
  assert.equal(CLOCK_TOLERANCE, 30);
});

test('expiry and start hold to the second, with the tolerance', () => {
  assert.equal(typeof read({}, 2000 + CLOCK_TOLERANCE - 1), 'object');
  assert.match(
    read({}, 2000 + CLOCK_TOLERANCE) as string,
    /expired at 1970-01-01T00:33:20Z and it is 1970-01-01T00:33:50Z by this worker's clock: get a new one$/,
  );
  assert.equal(typeof read({}, 1000 - CLOCK_TOLERANCE), 'object');
  assert.equal(
    read({}, 1000 - CLOCK_TOLERANCE - 1),
    "the token was issued at 1970-01-01T00:16:40Z and it is 1970-01-01T00:16:09Z by this worker's clock: " +
      'set the clock that is wrong, here or where tokens are issued',
  );
  assert.equal(typeof read({ nbf: 1500 + CLOCK_TOLERANCE }), 'object');
  const early =
    /is not valid before 1970-01-01T00:25:31Z and it is 1970-01-01T00:25:00Z by this worker's clock: set the/;
  assert.match(read({ nbf: 1501 + CLOCK_TOLERANCE }) as string, early);
  assert.match(
    read({ iat: 1e300 }) as string,
    /was issued at \+275760-09-13T00:00:00Z and it is/,
    'what no clock can say',
  );
  for (const nbf of ['now', null]) assert.match(read({ nbf }) as string, /no times/);
});

test('any JSON object gives claims or a sentence', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...Object.keys(good)), fc.anything()), (payload) => {
      const result = readPopClaims(payload, 'https://edge', 1500);
      assert.ok(typeof result === 'string' ? result.length > 0 : result.issuer === 'https://edge');
    }),
  );
});
