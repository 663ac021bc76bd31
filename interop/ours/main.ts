/** Our side of interoperability tests: `node interop/ours/main.ts PROGRAM [flags]`, as thin as the peers' programs. */
import { type Arguments, parseArguments } from './arguments.ts';
import { bfdEndpoint } from './bfd-endpoint.ts';
import { fileClient } from './file-client.ts';
import { fileServer } from './file-server.ts';
import { ipClient } from './ip-client.ts';
import { ipProxy } from './ip-proxy.ts';
import { fail } from './lines.ts';
import { udpClient } from './udp-client.ts';
import { udpProxy } from './udp-proxy.ts';

const PROGRAMS: Readonly<Record<string, (args: Arguments) => void | Promise<void>>> = {
  'file-server': fileServer,
  'file-client': fileClient,
  'ip-proxy': ipProxy,
  'ip-client': ipClient,
  'udp-proxy': udpProxy,
  'udp-client': udpClient,
  'bfd-endpoint': bfdEndpoint,
};

const [name = '', ...flags] = process.argv.slice(2);
const program = PROGRAMS[name];
if (program === undefined) fail(`usage: main.ts ${Object.keys(PROGRAMS).join('|')} [flags]`);
else await Promise.resolve(program(parseArguments(flags))).catch(fail);
