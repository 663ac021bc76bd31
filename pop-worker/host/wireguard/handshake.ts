import type { KeyObject } from 'node:crypto';
import type { Handshake, HandshakePort, Identity, PeerKeys, Received, SessionKeys } from '#protocol/wireguard/ports.ts';
import { INITIATION } from '#protocol/wireguard/wire/initiation.ts';
import { RESPONSE } from '#protocol/wireguard/wire/response.ts';
import { open, sealInto } from './aead.ts';
import { labelled } from './mac.ts';
import { SymmetricState } from './symmetric-state.ts';
import type { NodeTransport } from './transport.ts';
import { KEY_BYTES, newEphemeral, privateKeyOf, publicKeyOf, rawPublicKey, sharedSecret } from './x25519.ts';

const NOTHING = new Uint8Array(0);

interface NodeIdentity extends Identity {
  readonly privateKey: KeyObject;
}

interface NodePeer extends PeerKeys {
  readonly identity: NodeIdentity;
  readonly key: KeyObject;
  readonly staticStatic: Uint8Array;
  readonly presharedKey: Uint8Array;
}

interface Initiated extends Handshake {
  readonly state: SymmetricState;
  readonly ephemeral: KeyObject;
}

interface NodeReceived extends Received {
  readonly state: SymmetricState;
  readonly ephemeral: KeyObject;
}

const field = (bytes: Uint8Array, at: number, length: number): Uint8Array => bytes.subarray(at, at + length);

/** Mixes a Diffie-Hellman result in and wipes it. @returns what `mix` does, or undefined where there is no secret */
const withSecret = <T>(secret: Uint8Array | undefined, mix: (secret: Uint8Array) => T): T | undefined => {
  if (secret === undefined) return undefined;
  const result = mix(secret);
  secret.fill(0);
  return result;
};

/** @returns false: there is no secret with that key */
const mixShared = (state: SymmetricState, own: KeyObject, theirs: KeyObject): boolean => {
  const secret = sharedSecret(own, theirs);
  if (secret === undefined) return false;
  state.mixKey(secret);
  secret.fill(0);
  return true;
};

/** Opens a field and mixes its bytes as they came. */
const openField = (state: SymmetricState, key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined => {
  const plain = open(key, sealed, state.hash);
  key.fill(0);
  if (plain !== undefined) state.mixHash(sealed);
  return plain;
};

const sealField = (state: SymmetricState, key: Uint8Array, plain: Uint8Array, into: Uint8Array, at: number): void => {
  sealInto(key, plain, state.hash, into, at);
  key.fill(0);
  state.mixHash(field(into, at, plain.length + 16));
};

/** Of a peer that can have secrets with us. */
const peerOf = (
  identity: NodeIdentity,
  key: KeyObject,
  staticStatic: Uint8Array,
  macs: Pick<PeerKeys, 'publicKey' | 'mac1Key' | 'cookieKey'>,
  presharedKey: Uint8Array,
): NodePeer => {
  const { publicKey, mac1Key, cookieKey } = macs;
  return {
    ...{ identity, key, staticStatic, presharedKey, publicKey, mac1Key, cookieKey },
    setPresharedKey: (secret) => {
      if (secret.length !== KEY_BYTES) throw new RangeError(`A preshared key has 32 bytes, this has ${secret.length}.`);
      presharedKey.set(secret);
    },
    forget: () => {
      staticStatic.fill(0);
      presharedKey.fill(0);
    },
  };
};

/** Noise_IKpsk2 by node:crypto. The private keys of OpenSSL's objects are wiped when these are collected. */
export const nodeHandshake = (transport: NodeTransport): HandshakePort => ({
  identity: (bytes): NodeIdentity => {
    const privateKey = privateKeyOf(bytes);
    return { privateKey, publicKey: rawPublicKey(privateKey), forget: () => {} };
  },

  peer: (own, publicKey): NodePeer | undefined => {
    const identity = own as NodeIdentity;
    const key = publicKeyOf(publicKey);
    const staticStatic = sharedSecret(identity.privateKey, key);
    if (staticStatic === undefined) return undefined;
    const macs = {
      publicKey: publicKey.slice(),
      mac1Key: labelled('mac1----', publicKey),
      cookieKey: labelled('cookie--', publicKey),
    };
    return peerOf(identity, key, staticStatic, macs, new Uint8Array(KEY_BYTES));
  },

  alike: (peer, own): NodePeer => {
    const known = peer as NodePeer;
    const identity = own as NodeIdentity;
    // Whether there is one does not depend on our key (RFC 7748 §6.1: it is a multiple of eight).
    const secret = sharedSecret(identity.privateKey, known.key) as Uint8Array;
    return peerOf(identity, known.key, secret, known, known.presharedKey.slice());
  },

  initiate: (peer, timestamp, into, at): Initiated => {
    const { identity, key, staticStatic, publicKey } = peer as NodePeer;
    const state = new SymmetricState(publicKey);
    const ephemeral = newEphemeral();
    into.set(ephemeral.publicKey, at + INITIATION.ephemeral);
    state.mixHash(ephemeral.publicKey);
    state.mixKey(ephemeral.publicKey);
    const secret = sharedSecret(ephemeral.privateKey, key) as Uint8Array;
    const staticKey = withSecret(secret, (es) => state.mixKeyForSealing(es)) as Uint8Array;
    sealField(state, staticKey, identity.publicKey, into, at + INITIATION.static);
    sealField(state, state.mixKeyForSealing(staticStatic), timestamp, into, at + INITIATION.timestamp);
    return { state, ephemeral: ephemeral.privateKey, forget: () => state.forget() };
  },

  readInitiation: (own, bytes, at): NodeReceived | undefined => {
    const identity = own as NodeIdentity;
    const state = new SymmetricState(identity.publicKey);
    const raw = field(bytes, at + INITIATION.ephemeral, KEY_BYTES);
    const ephemeral = publicKeyOf(raw);
    state.mixHash(raw);
    state.mixKey(raw);
    const key = withSecret(sharedSecret(identity.privateKey, ephemeral), (es) => state.mixKeyForSealing(es));
    const sealed = field(bytes, at + INITIATION.static, KEY_BYTES + 16);
    const publicKey = key && openField(state, key, sealed);
    if (publicKey === undefined) {
      state.forget();
      return undefined;
    }
    return { state, ephemeral, publicKey, forget: () => state.forget() };
  },

  readTimestamp: (received, peer, bytes, at, into): boolean => {
    const { state } = received as NodeReceived;
    const key = state.mixKeyForSealing((peer as NodePeer).staticStatic);
    const timestamp = openField(state, key, field(bytes, at + INITIATION.timestamp, 12 + 16));
    if (timestamp === undefined) return false;
    into.set(timestamp);
    return true;
  },

  respond: (received, peer, into, at): SessionKeys | undefined => {
    const { state, ephemeral: theirs } = received as NodeReceived;
    const { key: staticKey, presharedKey } = peer as NodePeer;
    const ephemeral = newEphemeral();
    into.set(ephemeral.publicKey, at + RESPONSE.ephemeral);
    state.mixHash(ephemeral.publicKey);
    state.mixKey(ephemeral.publicKey);
    const { privateKey } = ephemeral;
    if (!mixShared(state, privateKey, theirs) || !mixShared(state, privateKey, staticKey)) {
      state.forget();
      return undefined;
    }
    sealField(state, state.mixPresharedKey(presharedKey), NOTHING, into, at + RESPONSE.empty);
    const [receive, send] = state.split();
    return { send: transport.add(send), receive: transport.add(receive) };
  },

  readResponse: (handshake, peer, bytes, at): SessionKeys | undefined => {
    const { state: kept, ephemeral } = handshake as Initiated;
    const { identity, presharedKey } = peer as NodePeer;
    const state = kept.copy();
    const raw = field(bytes, at + RESPONSE.ephemeral, KEY_BYTES);
    const theirs = publicKeyOf(raw);
    state.mixHash(raw);
    state.mixKey(raw);
    const agreed = mixShared(state, ephemeral, theirs) && mixShared(state, identity.privateKey, theirs);
    const empty =
      agreed && openField(state, state.mixPresharedKey(presharedKey), field(bytes, at + RESPONSE.empty, 16));
    if (!empty) {
      state.forget();
      return undefined;
    }
    kept.forget();
    const [send, receive] = state.split();
    return { send: transport.add(send), receive: transport.add(receive) };
  },
});
