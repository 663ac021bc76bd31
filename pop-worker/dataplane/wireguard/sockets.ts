import { UdpSocket } from '#host/udp/socket.ts';

/** As wireguard-go asks for: a burst of a fast link waits here while something else has the CPU. */
const BUFFER_BYTES = 7 * 2 ** 20;

/**
 * A socket for both families, or for IPv4 alone where the system has no IPv6.
 *
 * @param port 0: the kernel chooses
 * @param mark SO_MARK, 0: none
 * @throws an Error with the errno's name as `code`
 */
export const openSocket = (port: number, mark: number): UdpSocket => {
  const common = { port, mark, receiveBufferBytes: BUFFER_BYTES, sendBufferBytes: BUFFER_BYTES, dontFragment: false };
  try {
    return UdpSocket.open({ ...common, address: '::' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL') throw error;
    return UdpSocket.open({ ...common, address: '0.0.0.0' });
  }
};
