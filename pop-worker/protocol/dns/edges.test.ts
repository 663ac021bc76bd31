import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientSubnet } from './client-subnet.ts';
import { endOfName, keyOfName, nameOf, skipName } from './name.ts';
import { Rcode } from './numbers.ts';
import { Query, SILENCE } from './query.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

test('letters are found without regard to case, and no other bytes are (RFC 4343)', () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  const key = [...keyOfName(all, 0, 256)].map((letter) => letter.charCodeAt(0));
  assert.deepEqual(
    key,
    [...all].map((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte)),
  );
  assert.equal(keyOfName(nameOf('AZ.az'), 0, 7), keyOfName(nameOf('az.AZ'), 0, 7));
  assert.deepEqual([...nameOf('a9_-Z')], [5, 97, 57, 95, 45, 90, 0]);
  assert.deepEqual([...nameOf('.')], [0]);
  for (const text of ['', 'a..b', 'a b', 'ä', 'a@b', 'a/b', 'a:b', 'a[b', 'a`b', 'a{b'])
    assert.throws(() => nameOf(text), { name: 'NameError' }, text);
});

test('where names end', () => {
  const padded = (text: string): Uint8Array => hex(`ff${text}`);
  const ends: readonly (readonly [text: string, whole: number, skipped: number])[] = [
    ['00', 2, 2],
    ['016100', 4, 4],
    ['0161', -1, -1],
    ['01', -1, -1],
    ['', -1, -1],
    ['0161c000', -1, 5],
    ['c00c', -1, 3],
    ['ff0c', -1, 3],
    ['c0', -1, -1],
    ['40', -1, -1],
    [`bf${'61'.repeat(191)}00`, -1, -1],
    [`3f${'61'.repeat(63)}00`, 66, 66],
    [`40${'61'.repeat(64)}00`, -1, -1],
  ];
  for (const [text, whole, skipped] of ends) {
    const bytes = padded(text);
    assert.deepEqual([endOfName(bytes, 1, bytes.length), skipName(bytes, 1, bytes.length)], [whole, skipped], text);
    // What lies behind the end of the message is none of it.
    const longer = Uint8Array.from([...bytes, 0, 0, 0]);
    assert.equal(endOfName(longer, 1, bytes.length), whole, text);
    assert.equal(skipName(longer, 1, bytes.length), skipped, text);
  }
});

test('subnets of clients: as long as they say, of the families that there are, written as they came', () => {
  const read = (text: string): ClientSubnet | undefined => {
    const subnet = new ClientSubnet();
    const bytes = hex(`ee${text}ee`);
    return subnet.read(bytes, 1, bytes.length - 1) ? subnet : undefined;
  };
  const good = [
    '00010000',
    '00011800cb0071',
    '00012000cb007101',
    '00011700cb0070',
    '0001010080',
    `0002800020010db8${'00'.repeat(11)}01`,
    '01011000abcd',
    `0003ff00${'01'.repeat(31)}02`,
  ];
  for (const text of good) {
    const subnet = read(text) ?? assert.fail(text);
    const out = new Uint8Array(text.length / 2 + 2).fill(0xee);
    assert.equal(subnet.bytes, text.length / 2);
    subnet.write(out, 1, 7);
    const expected = `ee${text.slice(0, 6)}07${text.slice(8)}ee`;
    assert.equal(Buffer.from(out).toString('hex'), expected);
  }
  const bad = [
    '',
    '000118',
    '00012100cb00710100',
    `00028100${'00'.repeat(17)}`,
    '00011801cb0071',
    '00011800cb00',
    '00011800cb007100',
    '00011700cb0071',
    '000109008001',
    '0001000000',
  ];
  for (const text of bad) assert.equal(read(text), undefined, text);
  assert.deepEqual(
    [read('00010000')?.tellsClient, read('01011000abcd')?.tellsClient, read('0001010080')?.tellsClient],
    [false, false, true],
  );
  assert.deepEqual([...(read('00011400cb0070')?.network() ?? [])], [203, 0, 112, 0]);
});

test('what a query says, and nothing of the one before it', () => {
  const query = new Query();
  assert.deepEqual([query.id, query.type, query.class, query.udpBytes, query.hasEdns], [0, 0, 0, 512, false]);
  const whole = '123401000001000000000001016100001000030000290400000000000000';
  assert.equal(query.read(hex(whole), whole.length / 2), Rcode.noError);
  const seen = [
    query.id,
    query.flags,
    query.nameAt,
    query.nameEnd,
    query.type,
    query.class,
    query.hasEdns,
    query.udpBytes,
  ];
  assert.deepEqual(seen, [0x1234, 0x0100, 12, 15, 16, 3, true, 1024]);
  const plain = '567800000001000000000000016200001c0001';
  assert.equal(query.read(hex(plain), plain.length / 2), Rcode.noError);
  assert.deepEqual(
    [query.id, query.type, query.hasEdns, query.udpBytes, query.cookieBytes, query.subnet.isPresent],
    [0x5678, 28, false, 512, 0, false],
  );
  for (const [text, fault] of [
    ['56788000000100000000000001610000010001', SILENCE],
    ['56787800000100000000000001610000010001', Rcode.notImp],
    ['56780800000100000000000001610000010001', Rcode.notImp],
    ['567800000000000000000000', Rcode.formErr],
    ['567808000000000000000000', Rcode.notImp],
    ['56780000010100000000000001610000010001', Rcode.formErr],
  ] as const) {
    assert.equal(query.read(hex(text), text.length / 2), fault, text);
  }
});
