import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CipherSuite, OpenOutcome, PACKET_WORDS, type PacketOpener, TAG_BYTES } from '#protocol/quic/ports.ts';
import { opensslCrypto } from './crypto-port.ts';

const suites = Object.entries(CipherSuite);
const secretOf = (suite: CipherSuite): Uint8Array =>
  new Uint8Array(suite === CipherSuite.aes256Gcm ? 48 : 32).map((_, index) => index * 7);

interface Packet {
  readonly number: number;
  readonly numberBytes: number;
  /** Bytes between the first one and the packet number. */
  readonly middle: Uint8Array;
  readonly payload: Uint8Array;
  readonly first: number;
}

const arbitraryPacket = (number: fc.Arbitrary<number>): fc.Arbitrary<Packet> =>
  fc
    .record({
      number,
      numberBytes: fc.integer({ min: 1, max: 4 }),
      middle: fc.uint8Array({ maxLength: 40 }),
      payload: fc.uint8Array({ minLength: 3, maxLength: 1500 }),
      long: fc.boolean(),
      bits: fc.integer({ min: 0, max: 0x7f }),
    })
    // The key phase bit of short headers stays 0: key updates are tested by themselves.
    .map(({ long, bits, numberBytes, ...rest }) => ({
      ...rest,
      numberBytes,
      first: (long ? 0x80 | bits : bits & ~0x04) - (bits & 3) + numberBytes - 1,
    }));

/** Lays packets out one behind the other with gaps, ready for `seal`. */
const layOut = (packets: readonly Packet[]) => {
  const GAP = 5;
  const sizes = packets.map(
    ({ middle, numberBytes, payload }) => 1 + middle.length + numberBytes + payload.length + TAG_BYTES,
  );
  const buffer = new Uint8Array(sizes.reduce((sum, size) => sum + size + GAP, GAP)).fill(0xee);
  const words = new Int32Array(packets.length * PACKET_WORDS);
  const numbers = Float64Array.from(packets, ({ number }) => number);
  let offset = GAP;
  packets.forEach(({ first, middle, number, numberBytes, payload }, index) => {
    const header = 1 + middle.length + numberBytes;
    buffer[offset] = first;
    buffer.set(middle, offset + 1);
    for (let i = 0; i < numberBytes; i++) {
      buffer[offset + header - 1 - i] = Math.floor(number / 256 ** i) % 256;
    }
    buffer.set(payload, offset + header);
    words.set([offset, header, payload.length, 0], index * PACKET_WORDS);
    offset += (sizes[index] ?? 0) + GAP;
  });
  return { buffer, words, numbers };
};

/** Turns descriptors for `seal` into those for `open`. */
const toOpen = (packets: readonly Packet[], words: Int32Array): void => {
  packets.forEach(({ middle, numberBytes, payload }, index) => {
    words[index * PACKET_WORDS + 1] = 1 + middle.length;
    words[index * PACKET_WORDS + 2] = 1 + middle.length + numberBytes + payload.length + TAG_BYTES;
    words[index * PACKET_WORDS + 3] = 99;
  });
};

const outcomes = (words: Int32Array): number[] => [...words].filter((_, index) => index % PACKET_WORDS === 3);

/** Numbers that rise by gaps which one byte of packet number can bridge, also when one packet is missing. */
const risingPackets = fc
  .tuple(
    fc.integer({ min: 0, max: 2 ** 52 }),
    fc.array(arbitraryPacket(fc.integer({ min: 1, max: 60 })), { maxLength: 20 }),
  )
  .map(([start, gaps]) => {
    let number = start;
    const packets = gaps.map((packet) => {
      number += packet.number;
      return { ...packet, number };
    });
    return { largest: start, packets };
  });

for (const [name, suite] of suites) {
  describe(`packet protection by ${name}`, () => {
    const secret = secretOf(suite);

    it('opens what was sealed, whatever the header, size and gap', () => {
      fc.assert(
        fc.property(risingPackets, ({ largest, packets }) => {
          const { buffer, words, numbers } = layOut(packets);
          const [plain, sealing] = [buffer.slice(), words.slice()];
          opensslCrypto.sealer(1, suite, secret).seal(buffer, words, numbers, packets.length);
          toOpen(packets, words);
          const found = new Float64Array(packets.length);
          const opener = opensslCrypto.opener(1, suite, secret);
          assert.equal(opener.open(buffer, words, found, packets.length, largest), packets.length);
          assert.deepEqual(found, numbers);
          assert.deepEqual(words, sealing);
          packets.forEach((_, index) => {
            const [offset = 0, header = 0, payload = 0] = words.subarray(index * PACKET_WORDS);
            const end = offset + header + payload;
            assert.deepEqual(buffer.slice(offset, end), plain.slice(offset, end));
            buffer.fill(0xee, offset, end + TAG_BYTES);
          });
          // Nothing outside of the packets was touched.
          assert.ok(buffer.every((byte) => byte === 0xee));
        }),
        { numRuns: 60 },
      );
    });

    it('gives a batch the same bytes as packets one by one', () => {
      fc.assert(
        fc.property(risingPackets, ({ packets }) => {
          const batch = layOut(packets);
          const single = layOut(packets);
          const sealer = opensslCrypto.sealer(1, suite, secret);
          sealer.seal(batch.buffer, batch.words, batch.numbers, packets.length);
          packets.forEach((_, index) => {
            const words = single.words.subarray(index * PACKET_WORDS, (index + 1) * PACKET_WORDS);
            sealer.seal(single.buffer, words, single.numbers.subarray(index), 1);
          });
          assert.deepEqual(batch.buffer, single.buffer);
        }),
        { numRuns: 30 },
      );
    });

    it('reports a changed packet alone, and gives its bytes back', () => {
      fc.assert(
        fc.property(risingPackets, fc.nat(), fc.nat(), ({ largest, packets }, which, where) => {
          fc.pre(packets.length > 0);
          const { buffer, words, numbers } = layOut(packets);
          opensslCrypto.sealer(1, suite, secret).seal(buffer, words, numbers, packets.length);
          toOpen(packets, words);
          const victim = (which % packets.length) * PACKET_WORDS;
          const [offset = 0, , length = 0] = words.subarray(victim);
          // Not the first byte's header form, which only says how much of the byte is protected.
          const bit = 8 + (where % ((length - 1) * 8));
          buffer[offset + (bit >> 3)]! ^= 1 << (bit & 7);
          const [received, before] = [buffer.slice(), words.slice()];
          const opener = opensslCrypto.opener(1, suite, secret);
          assert.equal(opener.open(buffer, words, numbers, packets.length, largest), packets.length - 1);
          const expected = packets.map((_, index) => (index * PACKET_WORDS === victim ? OpenOutcome.forged : 0));
          assert.deepEqual(outcomes(words), expected);
          assert.deepEqual(buffer.slice(offset, offset + length), received.slice(offset, offset + length));
          assert.deepEqual(words.slice(victim, victim + 3), before.slice(victim, victim + 3));
          // Mended, it opens: a forged packet spoils neither keys nor bytes.
          buffer[offset + (bit >> 3)]! ^= 1 << (bit & 7);
          const again = words.subarray(victim, victim + PACKET_WORDS);
          const number = packets[victim / PACKET_WORDS]?.number ?? 0;
          assert.equal(opener.open(buffer, again, new Float64Array(1), 1, number - 1), 1);
        }),
        { numRuns: 60 },
      );
    });

    it('seals a batch larger than one piece', () => {
      const packets: Packet[] = Array.from({ length: 700 }, (_, index) => ({
        number: index,
        numberBytes: 2,
        middle: new Uint8Array(8),
        payload: new Uint8Array(30).fill(index),
        first: 0x41,
      }));
      const { buffer, words, numbers } = layOut(packets);
      opensslCrypto.sealer(1, suite, secret).seal(buffer, words, numbers, 700);
      toOpen(packets, words);
      assert.equal(opensslCrypto.opener(1, suite, secret).open(buffer, words, new Float64Array(700), 700, -1), 700);
      assert.deepEqual(new Set(outcomes(words)), new Set([OpenOutcome.current]));
    });

    it('survives any packet bytes and any descriptors', () => {
      const opener = opensslCrypto.opener(1, suite, secret);
      const sealer = opensslCrypto.sealer(1, suite, secret);
      const word = fc.oneof(fc.integer({ min: -3, max: 130 }), fc.integer());
      fc.assert(
        fc.property(
          fc.uint8Array({ maxLength: 128 }),
          fc.array(word, { maxLength: 40 }),
          fc.integer({ min: 0, max: 11 }),
          fc.double(),
          (buffer, list, count, number) => {
            const words = Int32Array.from(list);
            for (const action of [
              () => opener.open(buffer, words, new Float64Array(10), count, -1),
              () => sealer.seal(buffer, words, new Float64Array(10).fill(number), count),
            ]) {
              const [bytes, copy] = [buffer.slice(), words.slice()];
              try {
                action();
              } catch (error) {
                assert.ok(error instanceof RangeError);
                assert.deepEqual([buffer, words], [bytes, copy]);
              }
            }
          },
        ),
        { numRuns: 500 },
      );
    });
  });
}

describe('packet numbers', () => {
  const suite = CipherSuite.aes128Gcm;
  const secret = secretOf(suite);
  const roundTrip = (number: number, numberBytes: number, largest: number): number | undefined => {
    const packets: Packet[] = [
      { number, numberBytes, middle: new Uint8Array(), payload: new Uint8Array(4), first: 0x40 | (numberBytes - 1) },
    ];
    const { buffer, words, numbers } = layOut(packets);
    opensslCrypto.sealer(1, suite, secret).seal(buffer, words, numbers, 1);
    toOpen(packets, words);
    const found = new Float64Array(1);
    return opensslCrypto.opener(1, suite, secret).open(buffer, words, found, 1, largest) === 1 ? found[0] : undefined;
  };

  it('decodes the example of RFC 9000 §A.3', () => {
    assert.equal(roundTrip(0xa82f9b32, 2, 0xa82f30ea), 0xa82f9b32);
  });

  it('finds every number within half a window, none outside', () => {
    for (const numberBytes of [1, 2, 3, 4]) {
      const half = 2 ** (8 * numberBytes - 1);
      for (const largest of [-1, 0, half - 1, half, 3 * half + 5, 2 ** 40, 2 ** 53 - 2 ** 33]) {
        const expected = largest + 1;
        for (const number of [expected, expected + half - 1, expected + half, expected - half + 1, largest]) {
          if (number >= 0) assert.equal(roundTrip(number, numberBytes, largest), number, `${number} after ${largest}`);
        }
        assert.equal(roundTrip(expected + half + 1 + half * 2, numberBytes, largest), undefined);
        if (expected >= 3 * half) assert.equal(roundTrip(expected - half, numberBytes, largest), undefined);
      }
    }
  });

  it('works up to the last exact number and refuses what is none', () => {
    assert.equal(roundTrip(Number.MAX_SAFE_INTEGER, 4, Number.MAX_SAFE_INTEGER - 1), Number.MAX_SAFE_INTEGER);
    for (const wrong of [-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => roundTrip(wrong, 4, 0), RangeError);
    }
    for (const wrong of [-2, 0.5, 2 ** 53, Number.NaN]) assert.throws(() => roundTrip(1, 4, wrong), RangeError);
  });

  it('refuses to seal a packet that could not be sampled', () => {
    for (const numberBytes of [1, 2, 3, 4]) {
      const seal = (payload: number): void => {
        const buffer = new Uint8Array(100);
        buffer[0] = 0x40 | (numberBytes - 1);
        const words = Int32Array.of(0, 1 + numberBytes, payload, 0);
        opensslCrypto.sealer(1, suite, secret).seal(buffer, words, new Float64Array(1), 1);
      };
      seal(4 - numberBytes);
      if (numberBytes < 4) assert.throws(() => seal(3 - numberBytes), RangeError);
    }
  });
});

describe('closed keys', () => {
  it('protect nothing any more, and may be closed again', () => {
    const suite = CipherSuite.aes128Gcm;
    const sealer = opensslCrypto.sealer(1, suite, secretOf(suite));
    const opener = opensslCrypto.opener(1, suite, secretOf(suite));
    const packet = new Uint8Array(64).fill(0x40);
    const words = Int32Array.of(0, 11, 37, 0);
    sealer.seal(packet, words, Float64Array.of(0), 1);
    for (let i = 0; i < 2; i++) {
      sealer.close();
      opener.close();
      assert.throws(() => sealer.seal(packet, words, Float64Array.of(1), 1), { code: 'ERR_CLOSED' });
      assert.throws(() => sealer.update(), { code: 'ERR_CLOSED' });
      assert.throws(() => opener.open(packet, words, new Float64Array(1), 1, -1), { code: 'ERR_CLOSED' });
      assert.throws(() => opener.update(0), { code: 'ERR_CLOSED' });
      assert.throws(() => opener.dropPrevious(), { code: 'ERR_CLOSED' });
    }
  });

  it('leave nothing of their phase to the keys that come after them', () => {
    const suite = CipherSuite.aes128Gcm;
    const packet = { number: 5, numberBytes: 1, middle: new Uint8Array(), payload: new Uint8Array(4), first: 0x40 };
    const [old, secret] = [opensslCrypto.opener(1, suite, secretOf(suite)), secretOf(suite).fill(9)];
    old.update(1000);
    old.close();
    const opener = opensslCrypto.opener(1, suite, secret);
    const { buffer, words, numbers } = layOut([packet]);
    opensslCrypto.sealer(1, suite, secret).seal(buffer, words, numbers, 1);
    toOpen([packet], words);
    assert.equal(opener.open(buffer, words, new Float64Array(1), 1, -1), 1);
    assert.deepEqual(outcomes(words), [OpenOutcome.current]);
    assert.throws(() => old.open(buffer, words, new Float64Array(1), 1, -1), { code: 'ERR_CLOSED' });
  });
});

describe('key update', () => {
  const suite = CipherSuite.aes128Gcm;
  const secret = secretOf(suite);

  const make = () => {
    const sealer = opensslCrypto.sealer(1, suite, secret);
    const opener = opensslCrypto.opener(1, suite, secret);
    return { sealer, opener };
  };
  const packetsOf = (phase: number, ...numbers: readonly number[]): Packet[] =>
    numbers.map((number) => ({
      number,
      numberBytes: 4,
      middle: new Uint8Array(8),
      payload: new Uint8Array(20),
      first: 0x43 | (phase << 2),
    }));
  const sealed = (sealer: ReturnType<typeof make>['sealer'], packets: readonly Packet[]) => {
    const { buffer, words, numbers } = layOut(packets);
    sealer.seal(buffer, words, numbers, packets.length);
    toOpen(packets, words);
    return { buffer, words, count: packets.length };
  };
  const open = (opener: PacketOpener, batch: ReturnType<typeof sealed>, largest: number): number[] => {
    opener.open(batch.buffer, batch.words, new Float64Array(batch.count), batch.count, largest);
    return outcomes(batch.words);
  };
  const { current, next, previous, forged } = OpenOutcome;

  it('is noticed by the receiver, which then moves on', () => {
    const { sealer, opener } = make();
    const late = sealed(sealer, packetsOf(0, 8, 9));
    assert.deepEqual(open(opener, sealed(sealer, packetsOf(0, 0, 1, 2)), -1), [current, current, current]);
    sealer.update();
    assert.deepEqual(open(opener, sealed(sealer, packetsOf(1, 10, 11)), 2), [next, next]);
    opener.update(10);
    assert.deepEqual(open(opener, sealed(sealer, packetsOf(1, 12, 13)), 11), [current, current]);
    assert.deepEqual(open(opener, late, 13), [previous, previous]);
  });

  it('may start at the receiver: old packets still open, new ones after', () => {
    const { sealer, opener } = make();
    const before = sealed(sealer, packetsOf(0, 0, 1));
    opener.update(2);
    assert.deepEqual(open(opener, before, -1), [previous, previous]);
    sealer.update();
    assert.deepEqual(open(opener, sealed(sealer, packetsOf(1, 2, 3)), 1), [current, current]);
  });

  it('forgets the previous keys when told', () => {
    const { sealer, opener } = make();
    const late = sealed(sealer, packetsOf(0, 5));
    sealer.update();
    opener.update(6);
    opener.dropPrevious();
    const bytes = late.buffer.slice();
    assert.deepEqual(open(opener, late, 6), [forged]);
    assert.deepEqual(late.buffer, bytes);
  });

  it('takes a flipped key phase above the first number of the phase for the next one, never the previous', () => {
    const { sealer, opener } = make();
    const wrong = sealed(sealer, packetsOf(0, 20));
    sealer.update();
    opener.update(10);
    assert.deepEqual(open(opener, wrong, 15), [forged]);
  });

  it('goes on for many phases, with header protection unchanged', () => {
    const { sealer, opener } = make();
    for (let phase = 0; phase < 20; phase++) {
      assert.deepEqual(open(opener, sealed(sealer, packetsOf(phase & 1, phase * 10)), phase * 10 - 1), [current]);
      sealer.update();
      assert.deepEqual(open(opener, sealed(sealer, packetsOf(~phase & 1, phase * 10 + 5)), phase * 10), [next]);
      opener.update(phase * 10 + 5);
    }
  });

  it('does not read a key phase in a long header', () => {
    const { sealer, opener } = make();
    const packets = packetsOf(1, 3).map((packet) => ({ ...packet, first: packet.first | 0x80 }));
    assert.deepEqual(open(opener, sealed(sealer, packets), 2), [current]);
  });
});
