// A worker that receives, keeps a timer going, and never ends by itself.
import { parentPort } from 'node:worker_threads';
import { addressPort } from '#protocol/address.ts';
import { Burst } from '#protocol/burst.ts';
import { nowUs } from '../../clock/clock.ts';
import { PreciseTimer } from '../../clock/timer.ts';
import { UdpSocket } from '../socket.ts';

const socket = UdpSocket.open({ address: '127.0.0.1', port: 0 });
const burst = new Burst(4 * 65_536, 4);
let told = false;
const timer = new PreciseTimer(() => timer.arm(nowUs() + 50));
socket.onReadable(() => {
  burst.clear();
  socket.receive(burst);
  if (told) return;
  told = true;
  parentPort?.postMessage('receiving');
});
timer.arm(0);
parentPort?.postMessage(addressPort(socket.localAddress()));
