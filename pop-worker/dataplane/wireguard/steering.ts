import { Bpf, BpfProgram } from '#host/udp/classic-bpf.ts';
import { COOKIE_REPLY } from '#protocol/wireguard/wire/cookie-reply.ts';
import { MessageType } from '#protocol/wireguard/wire/message.ts';
import { RESPONSE } from '#protocol/wireguard/wire/response.ts';
import { TRANSPORT } from '#protocol/wireguard/wire/transport.ts';

/** The thread of `threads` (1 to 256) that has a peer: by the lowest byte of its number. */
export const threadOf = (number: number, threads: number): number => (number & 0xff) % threads;

/** In a receiver index, which is little-endian, it comes behind the generation. */
const NUMBER_AT = 1;
/** No index of a socket: the flow decides. */
const ANY = 0xffff_ffff;

/**
 * A program that gives each message of a session to the socket of the thread that has its peer, whichever address it comes
 * from. Initiations do not say whose they are: their flow decides, so that their Diffie-Hellman is spread over the threads.
 */
export const steering = (threads: number): Uint8Array =>
  new BpfProgram()
    .add(Bpf.loadByte, 0)
    .add(Bpf.jumpIfEqual, MessageType.transport, 3)
    .add(Bpf.jumpIfEqual, MessageType.cookieReply, 4)
    .add(Bpf.jumpIfEqual, MessageType.response, 5)
    .add(Bpf.return, ANY)
    .add(Bpf.loadByte, TRANSPORT.receiver + NUMBER_AT)
    .add(Bpf.jump, 3)
    .add(Bpf.loadByte, COOKIE_REPLY.receiver + NUMBER_AT)
    .add(Bpf.jump, 1)
    .add(Bpf.loadByte, RESPONSE.receiver + NUMBER_AT)
    .add(Bpf.modulo, threads)
    .add(Bpf.returnLoaded)
    .bytes();
