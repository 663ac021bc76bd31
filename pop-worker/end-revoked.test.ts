import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission, REVOKED } from '#dataplane/admission.ts';
import type { Connections } from '#dataplane/connections.ts';
import { Directory } from '#dataplane/directory.ts';
import { endRevoked } from '#dataplane/end-revoked.ts';
import { Endings, type LiveTunnel } from '#dataplane/endings.ts';
import type { Http3Connection } from '#protocol/http3/connection.ts';
import { ISSUER, Issuer } from './testing/issuer.ts';

const world = async () => {
  const issuer = new Issuer();
  const directory = new Directory();
  directory.setKeys(await issuer.jwks(), ISSUER);
  directory.isCurrent = true;
  const admission = new Admission(directory, Date.now, new Set(['acme']));
  const tunnels = new Set<LiveTunnel>();
  const open = new Map<string, Http3Connection>();
  const ended: string[] = [];
  const connections: Pick<Connections, 'closeWhere'> = {
    closeWhere: (matches, reason) => {
      for (const [name, http3] of open) if (matches(http3)) ended.push(`connection ${name}: ${reason}`);
    },
  };
  return {
    /** A device of this name shows its token, as `token-of-NAME`; a connection is known by its first device. */
    admit: async (device: string, connection: string, withTunnel: boolean): Promise<void> => {
      const http3 = open.get(connection) ?? ({} as Http3Connection);
      open.set(connection, http3);
      const token = await issuer.token({ tenant: 'acme', device, ipv4: '10.64.0.2', ipv6: 'fd00::2' });
      const admitted = await admission.admit(`Bearer ${token}`, http3);
      assert.ok(!('status' in admitted));
      if (withTunnel) tunnels.add({ admitted, end: (reason) => ended.push(`tunnel of ${device}: ${reason}`) });
    },
    revoke: (revocation: { device: string } | { tokenId: string }): string[] => {
      directory.revoke({ tenant: 'acme', ...revocation });
      ended.length = 0;
      endRevoked({ admission, connections, endings: new Endings([{ live: () => tunnels }]) });
      return ended;
    },
  };
};

test('a tunnel by a revoked token ends, though its connection has come to a good token and stays', async () => {
  const { admit, revoke } = await world();
  await admit('one', 'a', true);
  await admit('two', 'a', true);
  assert.deepEqual(revoke({ tokenId: 'token-of-one' }), ['tunnel of one: revoked']);
});

test('a connection of a revoked device ends, though it has no tunnel', async () => {
  const { admit, revoke } = await world();
  await admit('one', 'a', false);
  await admit('two', 'b', false);
  assert.deepEqual(revoke({ device: 'one' }), [`connection a: ${REVOKED}`]);
});

test('with a tunnel both end, and nothing of anybody else', async () => {
  const { admit, revoke } = await world();
  await admit('one', 'a', true);
  await admit('two', 'b', true);
  assert.deepEqual(revoke({ device: 'nobody' }), []);
  assert.deepEqual(revoke({ device: 'one' }), ['tunnel of one: revoked', `connection a: ${REVOKED}`]);
});
