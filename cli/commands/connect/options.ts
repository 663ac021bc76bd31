import { controllerNames } from '#protocol/congestion/registry.ts';
import { contextNames } from '../../api/files.ts';
import { LOGIN_OPTIONS } from '../../api/login-options.ts';

/** Options of `cloudbridge connect`. */
export const connectOptions = {
  server: {
    type: 'string',
    placeholder: 'URL',
    repeated: true,
    help: 'the edge, https://HOST[:PORT]; several are tried in this order, one that was lost last',
  },
  'token-file': {
    type: 'string',
    placeholder: 'FILE',
    help: 'file with the bearer token, for its owner alone (mode 600); read again when it runs out',
  },
  'token-env': { type: 'string', placeholder: 'NAME', help: 'environment variable with the bearer token' },
  device: {
    type: 'string',
    placeholder: 'TENANT/DEVICE',
    help: 'get and renew the token of this device, as who is signed in (instead of --token-file)',
  },
  context: {
    type: 'string',
    placeholder: 'NAME',
    suggest: contextNames,
    help: 'with --device: the installation that one is signed in to (default: the current context)',
  },
  login: { type: 'boolean', help: 'with --device: sign in now, as a person, for this time only' },
  browser: LOGIN_OPTIONS.browser,
  'service-account-key': {
    type: 'string',
    placeholder: 'FILE',
    help: 'with --device: sign in as the service account of this key file',
  },
  'token-service': {
    type: 'string',
    placeholder: 'URL',
    help: "with --device: where the token comes from (default: the context's)",
  },
  issuer: { type: 'string', placeholder: 'URL', help: 'identity provider (default: the token service tells)' },
  project: LOGIN_OPTIONS.project,
  'client-id': LOGIN_OPTIONS['client-id'],
  ca: { type: 'string', placeholder: 'FILE', help: "PEM file of the authorities to trust (default: this machine's)" },
  pin: {
    type: 'string',
    placeholder: 'SHA256',
    repeated: true,
    help: "SHA-256 of the edge's public key, hex or base64; alone it stands for authority and name",
  },
  tun: {
    type: 'string',
    placeholder: 'NAME',
    help: 'carry IP packets by a TUN of this name; needs root or CAP_NET_ADMIN',
  },
  route: { type: 'string', placeholder: 'PREFIX', repeated: true, help: 'with --tun: what goes through the tunnel' },
  'default-route': { type: 'boolean', help: 'with --tun: everything goes through the tunnel but what is on the link' },
  socks: { type: 'string', placeholder: '[ADDRESS:]PORT', help: 'SOCKS5 proxy, TCP and UDP; on 127.0.0.1 by default' },
  http: { type: 'string', placeholder: '[ADDRESS:]PORT', help: 'HTTP proxy; on 127.0.0.1 by default' },
  forward: {
    type: 'string',
    placeholder: '[ADDRESS:]PORT=HOST:PORT',
    repeated: true,
    help: 'TCP port here that leads to one beyond the edge',
  },
  'local-auth': { type: 'string', placeholder: 'FILE', help: 'USER:PASSWORD that --socks and --http ask programs for' },
  carrier: {
    type: 'string',
    placeholder: 'NAME',
    choices: ['auto', 'quic', 'tcp'],
    help: 'quic (UDP), tcp (HTTP/2), or auto: tcp where no UDP gets through (default: auto)',
  },
  'congestion-control': {
    type: 'string',
    placeholder: 'NAME',
    choices: controllerNames(),
    help: 'bbrv3, cubic or newreno, for what goes to the edge (default: CBR_CC, else bbrv3)',
  },
  stats: { type: 'integer', placeholder: 'SECONDS', least: 1, help: 'print figures this often' },
} as const;
