// A worker that receives, keeps a timer and a doorbell going, and never ends by itself.
import { parentPort } from 'node:worker_threads';
import { addressPort } from '#protocol/address.ts';
import { Burst } from '#protocol/burst.ts';
import { nowUs } from '../../clock/clock.ts';
import { PreciseTimer } from '../../clock/timer.ts';
import { Doorbell, ringDoorbell } from '../../thread/doorbell.ts';
import { UdpSocket } from '../socket.ts';

const socket = UdpSocket.open({ address: '127.0.0.1', port: 0 });
const burst = new Burst(4 * 65_536, 4);
let told = false;
const bell = new Doorbell(() => timer.arm(nowUs() + 50));
const timer = new PreciseTimer(() => ringDoorbell(bell.id));
socket.onReadable(() => {
  burst.clear();
  socket.receive(burst);
  if (told) return;
  told = true;
  parentPort?.postMessage('receiving');
});
ringDoorbell(bell.id);
parentPort?.postMessage(addressPort(socket.localAddress()));
