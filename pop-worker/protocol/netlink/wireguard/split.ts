import { type KernelDeviceChange, type KernelPeerChange, PeerFlag } from './device.ts';

/** What one message has at most, so that its peers fit one attribute of 65,535 bytes: 120 bytes a peer, 40 a prefix. */
const MOST_PEERS = 128;
const MOST_PREFIXES = 512;

/** A peer in parts, each but the first with nothing but further prefixes. */
function* partsOf(peer: KernelPeerChange): Generator<KernelPeerChange> {
  const { publicKey, flags, allowedIps } = peer;
  yield { ...peer, allowedIps: allowedIps.slice(0, MOST_PREFIXES) };
  for (let at = MOST_PREFIXES; at < allowedIps.length; at += MOST_PREFIXES)
    // One that was only to be changed and was not there must not be made by its further prefixes.
    yield { publicKey, flags: flags & PeerFlag.updateOnly, allowedIps: allowedIps.slice(at, at + MOST_PREFIXES) };
}

/** A change as one message or several, in the order in which they are to be sent. */
export function* messagesOf(change: KernelDeviceChange): Generator<KernelDeviceChange> {
  const { name, peers } = change;
  let message: KernelDeviceChange = { ...change, peers: [] };
  let [part, prefixes]: [KernelPeerChange[], number] = [[], 0];
  for (const peer of peers.flatMap((one) => [...partsOf(one)])) {
    if (part.length === MOST_PEERS || prefixes + peer.allowedIps.length > MOST_PREFIXES) {
      yield { ...message, peers: part };
      message = { name, flags: 0, peers: [] };
      [part, prefixes] = [[], 0];
    }
    part.push(peer);
    prefixes += peer.allowedIps.length;
  }
  yield { ...message, peers: part };
}
