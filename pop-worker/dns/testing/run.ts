import { runDns } from '../main.ts';

process.exitCode = await runDns(process.argv[2] ?? '');
