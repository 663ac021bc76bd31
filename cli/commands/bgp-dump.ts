import path from 'node:path';
import { BGP_SOCKET_OPTION, DEFAULT_BGP_SOCKET } from '../bgp-socket.ts';
import { defineCommand } from '../command.ts';
import { SUCCESS, UsageError } from '../failure.ts';
import { askAt } from '../worker-socket.ts';

/** A full table takes some seconds. */
const TIMEOUT_MS = 10 * 60 * 1000;

export const bgpDump = defineCommand({
  name: 'bgp dump',
  summary: 'write all routes of a BGP speaker on this machine into an MRT file',
  description: [
    'A table of all unicast routes as they came, before import, and our own (TABLE_DUMP_V2, RFC 6396), as bgpdump, mrtparse',
    'and others read it. The speaker writes the file; it is there as a whole or not at all. Files of UPDATEs, and tables now',
    'and then, are a matter of [mrt] in the file of `bgp run`.',
  ].join('\n'),
  positionals: [{ name: 'FILE', help: 'path of the file; one that is there is replaced' }],
  options: BGP_SOCKET_OPTION,
  examples: [{ run: 'cloudbridge bgp dump /tmp/rib.mrt', does: 'what `bgpdump -m /tmp/rib.mrt` then lists' }],
  run: async ({ options: { socket }, words: [file], output }) => {
    if (file === undefined) throw new UsageError('`bgp dump` needs a FILE.');
    const more = { file: path.resolve(file) };
    const answer = await askAt('bgp', socket ?? DEFAULT_BGP_SOCKET, 'dump', { more, timeoutMs: TIMEOUT_MS });
    output.record(answer, [
      ['file', String(answer['file'])],
      ['records', String(answer['records'])],
      ['bytes', String(answer['bytes'])],
    ]);
    return SUCCESS;
  },
});
