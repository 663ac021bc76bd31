import { copySecret, newSecret } from '#protocol/secret.ts';
import type { Handshake, HandshakePort, Identity, PeerKeys, Received, SessionKeys } from '#protocol/wireguard/ports.ts';
import { native } from '../native.ts';
import { engineMac } from './engine-mac.ts';
import type { EngineTransport } from './engine-transport.ts';
import {
  PEER,
  PEER_BYTES,
  STATE,
  STATE_BYTES,
  type WireGuardHandshakeHandle,
  type WireGuardIdentityHandle,
} from './native.ts';

const KEY_BYTES = 32;

interface EngineIdentity extends Identity {
  readonly handle: WireGuardIdentityHandle;
}

interface EnginePeer extends PeerKeys {
  readonly identity: EngineIdentity;
  readonly secrets: Uint8Array;
}

interface Initiated extends Handshake {
  readonly handle: WireGuardHandshakeHandle;
}

interface EngineReceived extends Received {
  readonly state: Uint8Array;
}

const sized = (bytes: Uint8Array, what: string): Uint8Array => {
  if (bytes.length !== KEY_BYTES) throw new RangeError(`A ${what} key has 32 bytes, this has ${bytes.length}.`);
  return bytes;
};

/** Noise_IKpsk2 by the packet engine: a message a call, keys and secrets wiped at once when they are forgotten. */
export const engineHandshake = ({ handle: keys }: EngineTransport): HandshakePort => {
  const numbers = new Int32Array(2);
  const given = (done: boolean): SessionKeys | undefined =>
    done ? { send: numbers[0] as number, receive: numbers[1] as number } : undefined;
  /** @param secrets of a peer, whose shared one is of this identity */
  const peerOf = (
    identity: EngineIdentity,
    secrets: Uint8Array,
    macs: Pick<PeerKeys, 'mac1Key' | 'cookieKey'>,
  ): EnginePeer => ({
    ...{ identity, secrets, publicKey: secrets.subarray(PEER.publicKey, PEER.publicKey + KEY_BYTES) },
    ...{ mac1Key: macs.mac1Key, cookieKey: macs.cookieKey },
    setPresharedKey: (secret) => secrets.set(sized(secret, 'preshared'), PEER.presharedKey),
    forget: () => void secrets.fill(0, PEER.shared),
  });
  return {
    identity: (privateKey): EngineIdentity => {
      const publicKey = new Uint8Array(KEY_BYTES);
      const handle = native.wireguardIdentityNew(sized(privateKey, 'private'), publicKey);
      return { handle, publicKey, forget: () => native.wireguardIdentityClose(handle) };
    },

    peer: (own, publicKey): EnginePeer | undefined => {
      const identity = own as EngineIdentity;
      const secrets = newSecret(PEER_BYTES);
      secrets.set(sized(publicKey, 'public'), PEER.publicKey);
      if (!native.wireguardPeerJoin(identity.handle, secrets)) return undefined;
      return peerOf(identity, secrets, {
        mac1Key: engineMac.labelled('mac1----', publicKey),
        cookieKey: engineMac.labelled('cookie--', publicKey),
      });
    },

    alike: (peer, own): EnginePeer => {
      const known = peer as EnginePeer;
      const identity = own as EngineIdentity;
      const secrets = copySecret(known.secrets);
      native.wireguardPeerJoin(identity.handle, secrets);
      return peerOf(identity, secrets, known);
    },

    initiate: (peer, timestamp, into, at): Initiated => {
      const { identity, secrets } = peer as EnginePeer;
      const handle = native.wireguardInitiate(identity.handle, secrets, timestamp, into, at);
      return { handle, forget: () => native.wireguardHandshakeClose(handle) };
    },

    readInitiation: (own, bytes, at): EngineReceived | undefined => {
      const state = newSecret(STATE_BYTES);
      if (!native.wireguardReadInitiation((own as EngineIdentity).handle, bytes, at, state)) return undefined;
      const publicKey = state.slice(STATE.staticKey, STATE.staticKey + KEY_BYTES);
      return { state, publicKey, forget: () => void state.fill(0) };
    },

    readTimestamp: (received, peer, bytes, at, into): boolean =>
      native.wireguardReadTimestamp((peer as EnginePeer).secrets, bytes, at, (received as EngineReceived).state, into),

    respond: (received, peer, into, at): SessionKeys | undefined => {
      const { state } = received as EngineReceived;
      return given(native.wireguardRespond((peer as EnginePeer).secrets, state, into, at, keys, numbers));
    },

    readResponse: (handshake, peer, bytes, at): SessionKeys | undefined => {
      const { handle } = handshake as Initiated;
      const { identity, secrets } = peer as EnginePeer;
      return given(native.wireguardReadResponse(handle, identity.handle, secrets, bytes, at, keys, numbers));
    },
  };
};
