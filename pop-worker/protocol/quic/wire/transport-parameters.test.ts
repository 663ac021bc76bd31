import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { QuicError, TransportError } from '../errors.ts';
import { MAX_TRANSPORT_PARAMETERS_BYTES, type Role } from './parameters/definition.ts';
import { PARAMETERS } from './parameters/table.ts';
import { hex, unhex } from './testing/hex.ts';
import { remoteFault } from './testing/parse.ts';
import {
  DEFAULT_TRANSPORT_PARAMETERS,
  encodeTransportParameters,
  parseTransportParameters,
  type TransportParameters,
} from './transport-parameters.ts';

interface Case {
  readonly name: string;
  readonly hex: string;
  readonly sentBy: Role;
  readonly parameters: Record<string, unknown> | null;
}

const cases: Case[] = JSON.parse(
  readFileSync(new URL('./testing/corpus/transport-parameters.json', import.meta.url), 'utf8'),
);

const readable = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return hex(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, readable(inner)]));
};

for (const { name, hex, sentBy, parameters } of cases) {
  test(name, () => {
    const bytes = unhex(hex);
    if (parameters === null) {
      const fault = remoteFault(() => parseTransportParameters(bytes, sentBy));
      assert.equal(fault.code, TransportError.transportParameterError);
      return;
    }
    const got = parseTransportParameters(bytes, sentBy);
    assert.deepEqual(readable(got), { ...DEFAULT_TRANSPORT_PARAMETERS, ...parameters });
  });
}

test('every parameter has a case', () => {
  const named = new Set(cases.flatMap(({ parameters }) => Object.keys(parameters ?? {})));
  for (const { key } of PARAMETERS) assert(named.has(key), key);
  assert.equal(PARAMETERS.length, Object.keys(DEFAULT_TRANSPORT_PARAMETERS).length);
});

const bytes = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max });
const integer = (min = 0, max = Number.MAX_SAFE_INTEGER) => fc.integer({ min, max });
const version = fc.integer({ min: 1, max: 0xffff_ffff });
const ofClient = fc.record(
  {
    maxIdleTimeoutMs: integer(),
    maxUdpPayloadSize: integer(1200),
    initialMaxData: integer(),
    initialMaxStreamDataBidiLocal: integer(),
    initialMaxStreamDataBidiRemote: integer(),
    initialMaxStreamDataUni: integer(),
    initialMaxStreamsBidi: integer(),
    initialMaxStreamsUni: integer(),
    ackDelayExponent: integer(0, 20),
    maxAckDelayMs: integer(1, 2 ** 14 - 1),
    disableActiveMigration: fc.boolean(),
    activeConnectionIdLimit: integer(2),
    initialSourceConnectionId: bytes(0, 20),
    maxDatagramFrameSize: integer(),
    greaseQuicBit: fc.boolean(),
    versionInformation: fc
      .tuple(version, fc.array(version, { maxLength: 5 }))
      .map(([chosen, more]) => ({ chosen, available: [...more, chosen] })),
    minAckDelayUs: integer(0, 1000),
  },
  { requiredKeys: [] },
);
const onlyServer = fc.record(
  {
    originalDestinationConnectionId: bytes(0, 20),
    statelessResetToken: bytes(16, 16),
    retrySourceConnectionId: bytes(0, 20),
    preferredAddress: fc.record({
      ipv4: bytes(4, 4),
      ipv4Port: fc.nat(65535),
      ipv6: bytes(16, 16),
      ipv6Port: fc.nat(65535),
      connectionId: bytes(1, 20),
      statelessResetToken: bytes(16, 16),
    }),
  },
  { requiredKeys: [] },
);
const ofServer = fc
  .tuple(ofClient, onlyServer)
  .map(([both, server]): Partial<TransportParameters> => ({ ...both, ...server }))
  .filter((p) => p.preferredAddress === undefined || p.initialSourceConnectionId?.length !== 0);

test('round trip', () => {
  fc.assert(
    fc.property(ofClient, (given) => {
      const got = parseTransportParameters(encodeTransportParameters(given), 'client');
      assert.deepEqual(readable(got), readable({ ...DEFAULT_TRANSPORT_PARAMETERS, ...given }));
    }),
  );
  fc.assert(
    fc.property(ofServer, (given) => {
      const got = parseTransportParameters(encodeTransportParameters(given), 'server');
      assert.deepEqual(readable(got), readable({ ...DEFAULT_TRANSPORT_PARAMETERS, ...given }));
    }),
  );
});

test('RFC 9000 §18.1: a reserved parameter is written behind the others and ignored', () => {
  const given = { initialMaxData: 5 };
  const block = encodeTransportParameters(given, { n: 2, value: unhex('aabb') });
  assert.equal(hex(block), '0401054059' + '02aabb');
  assert.equal(parseTransportParameters(block, 'client').initialMaxData, 5);
  assert.equal(hex(encodeTransportParameters({}, { n: 0, value: unhex('') })), '1b00');
});

test('the defaults of RFC 9000 §18.2, RFC 9221 §3 and RFC 9287 §3', () => {
  const { maxUdpPayloadSize, ackDelayExponent, maxAckDelayMs, activeConnectionIdLimit, ...others } =
    parseTransportParameters(new Uint8Array(), 'client');
  assert.deepEqual([maxUdpPayloadSize, ackDelayExponent, maxAckDelayMs, activeConnectionIdLimit], [65527, 3, 25, 2]);
  for (const [key, value] of Object.entries(others))
    assert.ok(value === 0 || value === false || value === undefined, key);
});

test('connection IDs may have 20 bytes, and an exponent of 20 is the largest', () => {
  const twenty = `14${'ab'.repeat(20)}`;
  const twentyOne = `15${'ab'.repeat(21)}`;
  for (const id of ['00', '0f', '10']) {
    const got = Object.values(parseTransportParameters(unhex(id + twenty), 'server'));
    assert.equal(got.filter((value) => value instanceof Uint8Array && value.length === 20).length, 1);
    remoteFault(() => parseTransportParameters(unhex(id + twentyOne), 'server'));
  }
  assert.equal(parseTransportParameters(unhex('0a0114'), 'client').ackDelayExponent, 20);
  remoteFault(() => parseTransportParameters(unhex('0a0115'), 'client'));
});

test('a repeated parameter is told as long as its number is exact', () => {
  const twice = (id: string) => parseTransportParameters(unhex(`${id}00 ${id}00`), 'client');
  remoteFault(() => twice('c01fffffffffffff'));
  // Rounded to the same number, which both may not have been.
  twice('c020000000000200');
});

test('defaults take no bytes', () => {
  assert.equal(encodeTransportParameters(DEFAULT_TRANSPORT_PARAMETERS).length, 0);
  assert.equal(
    hex(encodeTransportParameters({ maxIdleTimeoutMs: 30_000, greaseQuicBit: true })),
    '010480007530' + '6ab200',
  );
});

test('byte strings are copies', () => {
  const block = unhex('0f02aabb');
  const got = parseTransportParameters(block, 'client');
  block.fill(0);
  assert.equal(hex(got.initialSourceConnectionId as Uint8Array), 'aabb');
});

test('size limit', () => {
  assert.equal(MAX_TRANSPORT_PARAMETERS_BYTES, 4096);
  const value = (n: number) => ({ n: 0, value: new Uint8Array(n) });
  const largest = encodeTransportParameters({}, value(MAX_TRANSPORT_PARAMETERS_BYTES - 3));
  assert.equal(largest.length, MAX_TRANSPORT_PARAMETERS_BYTES);
  parseTransportParameters(largest, 'client');
  const over = new Uint8Array([...largest, 0x1f, 0x00]);
  assert.match(remoteFault(() => parseTransportParameters(over, 'client')).message, /too large/);
  assert.throws(
    () => encodeTransportParameters({}, value(MAX_TRANSPORT_PARAMETERS_BYTES - 2)),
    (error) => error instanceof QuicError && error.fault === 'local',
  );
});

test('a block that is cut anywhere is refused, unless cut between parameters', () => {
  fc.assert(
    fc.property(ofServer, fc.nat(), (given, cut) => {
      const block = encodeTransportParameters(given);
      const part = block.subarray(0, cut % (block.length + 1));
      try {
        const got = parseTransportParameters(part, 'server');
        const again = encodeTransportParameters(got);
        assert.deepEqual(hex(again), hex(part));
      } catch (error) {
        assert.equal((error as QuicError).fault, 'remote');
      }
    }),
  );
});

test('any bytes give parameters or TRANSPORT_PARAMETER_ERROR', () => {
  const seeds = cases.map((c) => unhex(c.hex));
  const mutated = fc
    .tuple(
      fc.array(fc.constantFrom(...seeds), { minLength: 1, maxLength: 5 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
    )
    .map(([parts, edits]) => {
      const block = Uint8Array.from(parts.flatMap((part) => [...part]));
      for (const [at, byte] of edits) if (block.length > 0) block[at % block.length] = byte;
      return block;
    });
  let accepted = 0;
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 100 }), mutated),
      fc.constantFrom<Role>('client', 'server'),
      (block, by) => {
        try {
          const got = parseTransportParameters(block, by);
          accepted++;
          assert(got.activeConnectionIdLimit >= 2 && got.maxUdpPayloadSize >= 1200 && got.ackDelayExponent <= 20);
          if (by === 'client') assert.equal(got.preferredAddress ?? got.statelessResetToken, undefined);
        } catch (error) {
          assert(error instanceof QuicError, String(error));
          assert.deepEqual([error.fault, error.code], ['remote', TransportError.transportParameterError]);
        }
      },
    ),
    { numRuns: 5000 },
  );
  assert(accepted > 100);
});
