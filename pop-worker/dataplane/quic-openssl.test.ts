import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { createTlsClientPort, createTlsServerPort } from '#host/tls/tls-port.ts';
import type { Ports } from '#protocol/quic/testing/pair.ts';
import { closingSuite } from '#protocol/quic/testing/suite-closing.ts';
import { ecnSuite } from '#protocol/quic/testing/suite-ecn.ts';
import { endpointSuite } from '#protocol/quic/testing/suite-endpoint.ts';
import { firstByteSuite } from '#protocol/quic/testing/suite-first-byte.ts';
import { handshakeSuite } from '#protocol/quic/testing/suite-handshake.ts';
import { lastTicketSuite } from '#protocol/quic/testing/suite-last-ticket.ts';
import { lossSuite } from '#protocol/quic/testing/suite-loss.ts';
import { migrationSuite } from '#protocol/quic/testing/suite-migration.ts';
import { pathSuite } from '#protocol/quic/testing/suite-paths.ts';
import { transferSuite } from '#protocol/quic/testing/suite-transfer.ts';
import { versionSuite } from '#protocol/quic/testing/suite-versions.ts';

// The suites that run with repeatable ports, again with OpenSSL's.
const authority = createAuthority();
const identities = [authority.issue('localhost')];
const serverTls = createTlsServerPort({ identities, alpn: ['test'] });
const portsOf = (groups?: string, server = serverTls): Ports => ({
  crypto: opensslCrypto,
  clientTls: createTlsClientPort({ trustAnchors: authority.pem, ...(groups !== undefined && { groups }) }),
  serverTls: server,
});
/** What counts datagrams and packets takes the ClientHello for one. */
const short = portsOf('X25519');
/** The ClientHello of two datagrams, as it is by default. */
const long = portsOf();

handshakeSuite('OpenSSL', () => short);
endpointSuite('OpenSSL', () => short);
transferSuite('OpenSSL', () => long);
closingSuite('OpenSSL', () => long);
versionSuite('OpenSSL', () => short);
pathSuite('OpenSSL', () => long);
migrationSuite('OpenSSL', () => long);
firstByteSuite('OpenSSL', () => long);
ecnSuite('OpenSSL', () => long);
lossSuite('OpenSSL', () => long, 2);
lastTicketSuite('OpenSSL', () =>
  portsOf('X25519', createTlsServerPort({ identities, alpn: ['test'], earlyData: true })),
);
