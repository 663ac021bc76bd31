import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { BpfNative } from './bpf/native.ts';
import type { ChecksumNative } from './checksum/native.ts';
import type { ClockNative } from './clock/native.ts';
import type { EchoNative } from './echo/native.ts';
import { EngineError } from './engine-error.ts';
import type { HashNative } from './hash/native.ts';
import type { NetlinkNative } from './netlink/native.ts';
import type { PollNative } from './poll/native.ts';
import type { TcpNative } from './tcp/native.ts';
import type { ThreadNative } from './thread/native.ts';
import type { CryptoNative, TlsNative } from './tls/native.ts';
import type { TunNative } from './tun/native.ts';
import type { UdpNative } from './udp/native.ts';
import type { WireGuardNative } from './wireguard/native.ts';

/** Every function of the packet engine (`pop-worker/native`); one interface a concern, declared where it is used. */
export interface NativeEngine
  extends BpfNative,
    ChecksumNative,
    ClockNative,
    CryptoNative,
    EchoNative,
    HashNative,
    NetlinkNative,
    PollNative,
    TcpNative,
    ThreadNative,
    TlsNative,
    TunNative,
    UdpNative,
    WireGuardNative {}

const NODE_MAJOR = '24';
const OPENSSL_SERIES = '3.5.';

/**
 * Why this runtime must not load the engine, or undefined when it may. Another Node's OpenSSL can load the engine and
 * then kill the process at the first call, so this is asked before.
 */
export const refusal = (versions: { readonly node?: string; readonly openssl?: string }): string | undefined => {
  const { node = 'none', openssl = 'none' } = versions;
  if (node.split('.')[0] !== NODE_MAJOR) {
    return `CloudBridge runs on Node ${NODE_MAJOR}, this is Node ${node}: start it with \`npm start\` or node_modules/.bin/node.`;
  }
  if (!openssl.startsWith(OPENSSL_SERIES)) {
    return `CloudBridge needs a Node that carries OpenSSL ${OPENSSL_SERIES}x, this one has ${openssl}: use node_modules/.bin/node.`;
  }
  return undefined;
};

const load = (): NativeEngine => {
  const reason = refusal(process.versions);
  if (reason !== undefined) throw new EngineError(reason);
  // The sanitized variant is for tests: scripts/test-native-sanitized.mjs.
  const { CBR_NATIVE } = process.env;
  const name = CBR_NATIVE === 'asan' ? 'cloudbridge-asan.node' : 'cloudbridge.node';
  const file = fileURLToPath(new URL(`../native/build/${name}`, import.meta.url));
  try {
    return createRequire(import.meta.url)(file) as NativeEngine;
  } catch (cause) {
    throw new EngineError(`The packet engine ${file} does not load: build it with \`node scripts/build-native.mjs\`.`, {
      cause,
    });
  }
};

/** The packet engine; importing this module loads it, or throws one sentence that says why not. */
export const native: NativeEngine = load();
