import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checksum } from './checksum.ts';
import { answerEcho, echoDataAt, echoNumber, echoOf, echoRequest } from './echo.ts';
import { address, isIntact, udp } from './testing/packets.ts';
import { formatIpAddress } from './text.ts';
import { IpFault, IpView } from './view.ts';

const viewOf = (bytes: Uint8Array): IpView => {
  const view = new IpView();
  assert.equal(view.parse(bytes, 0, bytes.length), IpFault.none);
  return view;
};

/** ICMPv4 has no pseudo-header (RFC 792). */
const isWhole = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x45 ? checksum(bytes, 0, 20) === 0 && checksum(bytes, 20, bytes.length) === 0 : isIntact(bytes);

for (const [from, to] of [
  ['10.64.0.1', '10.64.0.2'],
  ['fd00:1::1', 'fd00:1::2'],
] as const) {
  test(`a request is whole, and so is its reply: ${from}`, () => {
    const data = Uint8Array.of(1, 2, 3, 4, 5);
    const bytes = echoRequest(address(from), address(to), 0x1234_5678, data);
    assert.ok(isWhole(bytes));
    const view = viewOf(bytes);
    assert.deepEqual([echoOf(bytes, view), echoNumber(bytes, view)], ['request', 0x1234_5678]);
    answerEcho(bytes, view);
    assert.ok(isWhole(bytes));
    assert.deepEqual([echoOf(bytes, view), echoNumber(bytes, view)], ['reply', 0x1234_5678]);
    assert.deepEqual(bytes.subarray(echoDataAt(view)), data);
    const { sourceAt, destinationAt, addressBytes } = view;
    const at = (start: number) => formatIpAddress(bytes.subarray(start, start + addressBytes));
    assert.deepEqual([at(sourceAt), at(destinationAt)], [to, from]);
  });
}

test('nothing else is an echo message: another protocol, type or code, a fragment, one that is cut off', () => {
  const request = echoRequest(address('10.64.0.1'), address('10.64.0.2'), 1, new Uint8Array());
  const changed = (at: number, value: number): Uint8Array => request.with(at, value);
  for (const bytes of [changed(20, 3), changed(21, 1), changed(9, 17)]) {
    const view = new IpView();
    view.parse(bytes, 0, bytes.length);
    view.protocol = bytes[9] as number;
    view.payloadAt = 20;
    assert.equal(echoOf(bytes, view), undefined);
  }
  const view = viewOf(request);
  assert.equal(echoOf(request, Object.assign(viewOf(request), { fragment: 1 })), undefined);
  assert.equal(echoOf(request, Object.assign(viewOf(request), { end: 27 })), undefined);
  assert.equal(echoOf(udp(new Uint8Array(20)), Object.assign(view, { protocol: 17 })), undefined);
});
