import { createTlsClientPort, createTlsServerPort, type OpensslClientPort } from '#host/tls/tls-port.ts';
import type { TlsPort } from '#protocol/quic/ports.ts';
import { MESH_ALPN } from './links.ts';
import type { MeshThreadSetup } from './setup.ts';

interface Ports {
  readonly server: TlsPort;
  readonly client: OpensslClientPort;
}

const portsOf = ({ certificate, key, authority }: MeshThreadSetup['tls']): Ports => {
  const identity = { certificateChain: certificate, privateKey: key };
  return {
    // No tickets: every link shows its certificate anew.
    server: createTlsServerPort({
      ...{ identities: [identity], alpn: [MESH_ALPN], clientTrustAnchors: authority, tickets: 0 },
    }),
    client: createTlsClientPort({ trustAnchors: authority, identity }),
  };
};

/** TLS of links, whoever calls. Those that are there go on by what they began with. */
export class MeshTls implements TlsPort {
  #ports: Ports;

  /** @throws Error when OpenSSL refuses certificate or authority */
  constructor(tls: MeshThreadSetup['tls']) {
    this.#ports = portsOf(tls);
  }

  /** For links from now on. @throws Error as the constructor: then nothing changes */
  replace(tls: MeshThreadSetup['tls']): void {
    this.#ports = portsOf(tls);
  }

  readonly server: TlsPort['server'] = (options) => this.#ports.server.server(options);

  readonly client: TlsPort['client'] = (options) => this.#ports.client.client(options);
}
