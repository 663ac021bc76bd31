/** Sends every UDP datagram back. usage: echo.ts ADDRESS PORT */
import { UdpSocket } from '#host/udp/socket.ts';
import { Burst, D_ECN, DESCRIPTOR_WORDS } from '#protocol/burst.ts';

const [address = '', port = ''] = process.argv.slice(2);
const BUFFER = 8 << 20;
const socket = UdpSocket.open({ address, port: Number(port), receiveBufferBytes: BUFFER, sendBufferBytes: BUFFER });
const burst = new Burst(8 * 65_536, 8);
socket.onReadable(() => {
  for (;;) {
    burst.clear();
    if (socket.receive(burst) === 0) return;
    for (let i = 0; i < burst.count; i++) {
      const at = i * DESCRIPTOR_WORDS + D_ECN;
      burst.words[at] = (burst.words[at] as number) & 3;
    }
    socket.send(burst);
  }
});
process.on('disconnect', () => process.exit());
process.send?.({ ready: true });
