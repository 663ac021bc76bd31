import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Prefix, parseIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import type { Admitted } from './admission.ts';
import type { LiveTunnel } from './endings.ts';
import { wouldCut } from './outlook.ts';

const prefixes = (...texts: string[]): Prefix[] => texts.map((text) => parsePrefix(text) as Prefix);

const tunnel = (egress: boolean, destination?: string): LiveTunnel => ({
  admitted: { tenant: 'acme', egress, sources: prefixes('10.0.0.2/32', 'fd00::2/128') } as unknown as Admitted,
  ...(destination !== undefined && { destination: parseIpAddress(destination) as Uint8Array }),
  end: () => {},
});

/** Letters of those that are cut: an IP tunnel with way out, one without, one to a target. */
const cut = (change: { tenants?: Record<string, string[]>; refused?: string[]; allowed?: string[] }): string => {
  const tenants = Object.entries(change.tenants ?? {}).map(([name, own]) => [name, prefixes(...own)] as const);
  const [refused, allowed] = [prefixes(...(change.refused ?? [])), prefixes(...(change.allowed ?? []))];
  const matches = wouldCut({ tenants: new Map(tenants), refused, allowed });
  const tunnels = { ip: tunnel(true), inner: tunnel(false), target: tunnel(true, '203.0.113.9') };
  return Object.entries(tunnels)
    .filter(([, one]) => matches(one))
    .map(([name]) => name)
    .join(' ');
};

test('a change cuts the tunnels that it ends or makes useless, and no other', () => {
  assert.equal(cut({}), '');
  assert.equal(cut({ tenants: { acme: [] } }), 'ip inner target', 'the tenant goes');
  assert.equal(cut({ tenants: { other: [] } }), '');
  assert.equal(cut({ tenants: { acme: ['10.0.0.0/8', 'fd00::/64'] } }), '', 'another network of the same addresses');
  assert.equal(cut({ tenants: { acme: ['10.0.0.0/8'] } }), 'ip inner', 'one family has no network any more');
  assert.equal(cut({ tenants: { acme: ['10.1.0.0/16', 'fd00::/64'] } }), 'ip inner', 'the addresses have moved');
  assert.equal(cut({ refused: ['203.0.113.0/24'] }), 'target');
  assert.equal(cut({ refused: ['203.0.113.0/24'], allowed: ['203.0.113.9/32'] }), '');
  assert.equal(cut({ refused: ['10.0.0.0/8', 'fc00::/7'] }), '', 'private space is not the internet');
  assert.equal(cut({ refused: ['0.0.0.0/0'] }), 'ip target');
  assert.equal(cut({ refused: ['2000::/3'] }), 'ip');
});
