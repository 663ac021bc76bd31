import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { createTlsClientPort, createTlsServerPort } from '#host/tls/tls-port.ts';
import type { Ports } from '#protocol/quic/testing/pair.ts';
import { closingSuite } from '#protocol/quic/testing/suite-closing.ts';
import { ecnSuite } from '#protocol/quic/testing/suite-ecn.ts';
import { endpointSuite } from '#protocol/quic/testing/suite-endpoint.ts';
import { firstByteSuite } from '#protocol/quic/testing/suite-first-byte.ts';
import { handshakeSuite } from '#protocol/quic/testing/suite-handshake.ts';
import { lossSuite } from '#protocol/quic/testing/suite-loss.ts';
import { migrationSuite } from '#protocol/quic/testing/suite-migration.ts';
import { pathSuite } from '#protocol/quic/testing/suite-paths.ts';
import { transferSuite } from '#protocol/quic/testing/suite-transfer.ts';
import { versionSuite } from '#protocol/quic/testing/suite-versions.ts';

// The suites that run with repeatable ports, again with OpenSSL's.
const authority = createAuthority();
const identities = [authority.issue('localhost')];
const ports: Ports = {
  crypto: opensslCrypto,
  clientTls: createTlsClientPort({ trustAnchors: authority.pem }),
  serverTls: createTlsServerPort({ identities, alpn: ['test'] }),
};

transferSuite('OpenSSL', () => ports);
handshakeSuite('OpenSSL', () => ports);
closingSuite('OpenSSL', () => ports);
endpointSuite('OpenSSL', () => ports);
versionSuite('OpenSSL', () => ports);
pathSuite('OpenSSL', () => ports);
migrationSuite('OpenSSL', () => ports);
firstByteSuite('OpenSSL', () => ports);
ecnSuite('OpenSSL', () => ports);
lossSuite('OpenSSL', () => ports, 2);
