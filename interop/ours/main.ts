/** Our side of interoperability tests: `node interop/ours/main.ts PROGRAM [flags]`, as thin as the peers' programs. */
import { type Arguments, parseArguments } from './arguments.ts';
import { fileClient } from './file-client.ts';
import { fileServer } from './file-server.ts';
import { fail } from './lines.ts';

const PROGRAMS: Readonly<Record<string, (args: Arguments) => void>> = {
  'file-server': fileServer,
  'file-client': fileClient,
};

const [name = '', ...flags] = process.argv.slice(2);
const program = PROGRAMS[name];
if (program === undefined) fail(`usage: main.ts ${Object.keys(PROGRAMS).join('|')} [flags]`);
else program(parseArguments(flags));
