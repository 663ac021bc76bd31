import { GenericRequests } from '#host/netlink/generic.ts';
import { KernelRefusal } from '#host/netlink/kernel-refusal.ts';
import { type KernelDevice, WIREGUARD_FAMILY } from '#protocol/netlink/wireguard/device.ts';
import { newKernelDevice, readWireGuardDevice } from '#protocol/netlink/wireguard/read.ts';
import { messagesOf } from '#protocol/netlink/wireguard/split.ts';
import { writeGetDevice, writeSetDevice } from '#protocol/netlink/wireguard/write.ts';
import { interfaceLines, peerLines } from '#protocol/wireguard/uapi/answer.ts';
import { Errno, UapiError } from '#protocol/wireguard/uapi/errors.ts';
import { type SetRequest, wipeRequest } from '#protocol/wireguard/uapi/request.ts';
import type { UapiTarget } from '../uapi-socket.ts';
import { changeOf, keyOf, stateOf } from './translate.ts';

const ERRNO: Readonly<Record<string, Errno>> = { EINVAL: Errno.invalid, EADDRINUSE: Errno.addressInUse };

/** What the kernel refuses is the answer to an operation. */
const told = <Result>(act: () => Result): Result => {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof KernelRefusal)) throw error;
    throw new UapiError(ERRNO[error.code] ?? Errno.io, error.message);
  }
};

/** An interface of the kernel's WireGuard as our sockets show and change those of ours. */
export class KernelInterface implements UapiTarget {
  readonly #name: string;
  readonly #requests: GenericRequests;

  /** @throws KernelRefusal the kernel has no WireGuard */
  constructor(name: string) {
    this.#name = name;
    this.#requests = GenericRequests.open(WIREGUARD_FAMILY);
  }

  /** What the kernel knows of it now; `wipe` it. @throws KernelRefusal, as when it is gone, or NetlinkOverrun */
  read(): KernelDevice {
    let device = newKernelDevice();
    this.#requests.dump(
      (writer) => writeGetDevice(writer, this.#name),
      () => {
        wipe(device);
        device = newKernelDevice();
      },
      (bytes, at, end) => readWireGuardDevice(device, bytes, at, end),
    );
    return device;
  }

  /** @throws UapiError it is gone */
  *get(): Generator<string> {
    const device = told(() => this.read());
    try {
      const { listenPort, fwmark } = device;
      yield interfaceLines({ privateKey: keyOf(device.privateKey), listenPort, fwmark });
      for (const peer of device.peers) yield peerLines(stateOf(peer));
    } finally {
      wipe(device);
    }
  }

  /** Carries out a `set=1`. @throws UapiError what was before it in the operation is done */
  set(request: SetRequest): void {
    const change = changeOf(this.#name, request);
    try {
      for (const message of messagesOf(change))
        told(() => this.#requests.act((writer) => writeSetDevice(writer, message)));
    } finally {
      wipeRequest(request);
    }
  }

  close(): void {
    this.#requests.close();
  }
}

/** Forgets the keys of what the kernel told. */
export const wipe = ({ privateKey, peers }: KernelDevice): void => {
  privateKey?.fill(0);
  for (const { presharedKey } of peers) presharedKey?.fill(0);
};
