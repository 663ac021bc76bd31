import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, unhex } from '../testing/hex.ts';
import { type FlowAction, flowActionBytes, flowActions } from './actions.ts';

const read = (text: string): FlowAction[] => {
  const bytes = unhex(`c1c1c1 ${text}`);
  return flowActions(bytes, 3, bytes.length);
};

test('what packets are to be done with (RFC 8955 §7)', () => {
  const rows: [string, FlowAction, number][] = [
    ['8006 fbf4 00000000', { kind: 'rate', unit: 'bytes', perSecond: 0 }, 64_500],
    ['8006 0000 49742400', { kind: 'rate', unit: 'bytes', perSecond: 1_000_000 }, 0],
    ['800c 0000 42c80000', { kind: 'rate', unit: 'packets', perSecond: 100 }, 0],
    ['8007 0000 00000000', { kind: 'evaluate', goesOn: false, samples: false }, 0],
    ['8007 0000 00000001', { kind: 'evaluate', goesOn: true, samples: false }, 0],
    ['8007 0000 00000002', { kind: 'evaluate', goesOn: false, samples: true }, 0],
    ['8009 0000 0000002e', { kind: 'mark', dscp: 46 }, 0],
    ['8009 0000 00000000', { kind: 'mark', dscp: 0 }, 0],
    ['8009 0000 0000003f', { kind: 'mark', dscp: 63 }, 0],
  ];
  for (const [text, action, as] of rows) {
    assert.deepEqual(read(text), [action]);
    assert.ok(action.kind !== 'redirect');
    assert.equal(hex(flowActionBytes(action, as)), hex(unhex(text)));
  }
});

test('redirects have the three encodings of route targets (RFC 8955 §7.4)', () => {
  const targets = read('8008 fbf4 00000007 8108 c0000201 0007 8208 fa56ea01 0007').map((action) =>
    action.kind === 'redirect' ? action.target : '',
  );
  assert.deepEqual(targets, ['rt:64500:7', 'rt:192.0.2.1:7', 'rt:4200000001:7']);
});

test('a negative rate is zero, what is no number is passed over, as other communities are', () => {
  assert.deepEqual(read('8006 0000 c2c80000'), [{ kind: 'rate', unit: 'bytes', perSecond: 0 }]);
  assert.deepEqual(read('8006 0000 7fc00000 0002 fbf4 00000007 8009 0000 ffffffff'), [{ kind: 'mark', dscp: 63 }]);
  assert.deepEqual(read(''), []);
});

test('what cannot be asked for is refused', () => {
  for (const perSecond of [-1, Number.NaN]) {
    assert.throws(() => flowActionBytes({ kind: 'rate', unit: 'bytes', perSecond }), RangeError);
  }
  for (const dscp of [-1, 64, Number.NaN]) assert.throws(() => flowActionBytes({ kind: 'mark', dscp }), RangeError);
});
