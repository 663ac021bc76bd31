/** Loaded before a worker (`--import`): gives it a bug that packets from outside with these bytes meet. */
import { Forwarder } from '#dataplane/forward/forwarder.ts';

/** Hexadecimal, as `ping -p` fills its packets with it. */
export const PACKET_BUG = 'bad0cafe';

const pattern = Buffer.from(PACKET_BUG.repeat(3), 'hex');
const { fromOutside } = Forwarder.prototype;

if (process.execArgv.includes('--import')) {
  Forwarder.prototype.fromOutside = function (this: Forwarder, packet) {
    const { buffer, start, end } = packet;
    if (Buffer.from(buffer.buffer, buffer.byteOffset + start, end - start).includes(pattern))
      throw new TypeError('injected');
    fromOutside.call(this, packet);
  };
}
