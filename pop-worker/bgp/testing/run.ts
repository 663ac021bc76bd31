import { runBgp } from '../main.ts';

process.exitCode = await runBgp(process.argv[2] ?? '');
