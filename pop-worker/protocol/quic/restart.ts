import type { TimeUs } from '../contract.ts';
import { drop } from './dropped.ts';
import type { Parts } from './parts.ts';
import { Space } from './recovery/recovery.ts';
import { versionAmong } from './versions/negotiation.ts';
import type { PacketHeader } from './wire/packet/header.ts';
import { retryPseudoPacket } from './wire/packet/retry.ts';
import { parseVersionNegotiation } from './wire/packet/version-negotiation.ts';

/** What a server may answer to a client's first flight instead of a handshake: Retry, Version Negotiation. */

const isSame = (buffer: Uint8Array, start: number, length: number, cid: Uint8Array): boolean => {
  if (length !== cid.length) return false;
  for (let i = 0; i < length; i++) if (buffer[start + i] !== cid[i]) return false;
  return true;
};

/** Nothing of the server was processed so far: RFC 9000 §6.2, §17.2.5.2. */
const isFresh = (parts: Parts): boolean =>
  !parts.isServer && parts.handshake.peerScid === undefined && parts.handshake.cids.retry === undefined;

/** Retry (RFC 9000 §17.2.5.2): once, at the start, authentic; then the first flight again with its token. */
export const onRetry = (parts: Parts, buffer: Uint8Array, header: PacketHeader, now: TimeUs): void => {
  const { handshake, crypto, version, peerCids, keys, recovery } = parts;
  const tagAt = header.packetNumberAt;
  const scid = buffer.slice(header.scidStart, header.scidStart + header.scidLength);
  const original = handshake.cids.original;
  if (!isFresh(parts) || header.version !== version || isSame(scid, 0, scid.length, original)) {
    drop(parts, 'droppedMalformed', undefined, header.end - header.start, now);
    return;
  }
  const tag = crypto.retryTag(version, retryPseudoPacket(original, buffer, header.start, tagAt));
  if (!crypto.equal(tag, buffer.subarray(tagAt, tagAt + tag.length))) {
    drop(parts, 'droppedForged', undefined, header.end - header.start, now);
    return;
  }
  parts.observer?.replyReceived(header.type, header.end - header.start, [], now);
  handshake.setRetry(scid, buffer.slice(header.tokenStart, header.tokenStart + header.tokenLength));
  peerCids.setInitial(scid);
  keys.installInitial(version, scid);
  recovery.resetForRetry(now);
};

/**
 * Version Negotiation (RFC 9000 §6.2, RFC 9368 §2.1): a client begins anew in the version that it prefers of those that it
 * is told, once, or gives up where it speaks none. A packet that names the version in use is forged or late: nothing
 * happens. What the server declares in the new handshake must confirm the choice (`checkGenuine`).
 */
export const onVersionNegotiation = (parts: Parts, buffer: Uint8Array, header: PacketHeader, now: TimeUs): void => {
  const { handshake, version, config } = parts;
  const offered = parseVersionNegotiation(buffer, header);
  const ours = isSame(buffer, header.scidStart, header.scidLength, handshake.cids.original);
  const mayAct = isFresh(parts) && ours && !handshake.hasBegunAnew;
  if (!mayAct || offered === undefined || offered.includes(version)) {
    drop(parts, 'droppedMalformed', undefined, header.end - header.start, now);
    return;
  }
  parts.observer?.replyReceived(header.type, header.end - header.start, offered, now);
  const next = versionAmong(config.versions, offered);
  if (next !== undefined) {
    beginAnew(parts, next, now);
    return;
  }
  const text = offered.slice(0, 8).map((v) => `0x${v.toString(16)}`);
  parts.onGivenUp({ by: 'version', application: false, code: 0, reason: `server speaks ${text.join(', ')}` }, now);
};

/** Another connection in all but the object (RFC 9368 §2.4): numbers, keys, TLS and congestion state are new. */
const beginAnew = (parts: Parts, version: number, now: TimeUs): void => {
  const { handshake, random, peerCids, keys, recovery, spaces } = parts;
  const original = new Uint8Array(handshake.cids.original.length);
  random.fill(original);
  parts.version = version;
  parts.originalVersion = version;
  recovery.restart(now);
  spaces[Space.initial].crypto.restart();
  peerCids.setInitial(original);
  keys.installInitial(version, original);
  handshake.beginAnew(version, original);
};
