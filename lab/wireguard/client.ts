import fs from 'node:fs';
import path from 'node:path';
import { findWireguardClient } from '#scripts/setup/debian-peers.mjs';
import { fingerprint } from '#scripts/setup/peer-parts.mjs';
import { runCommand } from '../command.ts';
import { LabError } from '../errors.ts';
import type { Lab } from '../lab.ts';
import type { LabProcess } from '../process.ts';
import { ipBatches, MARK, parseWgQuick } from './wg-quick.ts';

/** Where wireguard-go has its sockets, whatever its namespace. */
export const WIREGUARD_SOCKETS = '/var/run/wireguard';

/** The interface on a host of a lab: sockets of all labs are in one folder. */
export const deviceOf = (lab: string, host: string): string => `cbwg${fingerprint([lab, host]).slice(0, 8)}`;

/** What it says with LOG_LEVEL=verbose. */
const INITIATION = 'Sending handshake initiation';
const READY = 'UAPI listener started';

/** A stock wireguard-go in a namespace, set up by a file as wg-quick does it. */
export class WireGuardClient {
  readonly host: string;
  readonly #process: LabProcess;

  private constructor(host: string, process: LabProcess) {
    this.host = host;
    this.#process = process;
  }

  /**
   * Starts it; resolves when its interface is up. It is not told anything any more then.
   *
   * @param text of a file for wg-quick
   * @param folder for files with keys, which ends with the lab
   */
  static async start(lab: Lab, host: string, text: string, folder: string): Promise<WireGuardClient> {
    const found = findWireguardClient();
    if (found === undefined) throw new LabError('There is no wireguard-go here: run `npm start`.');
    const { programs, libraries } = found;
    const device = deviceOf(lab.name, host);
    const started = await lab.start({
      name: `wireguard-go-${host}`,
      host,
      command: programs['wireguard-go'],
      args: ['-f', device],
      env: { LOG_LEVEL: 'verbose' },
      readyText: READY,
      makes: [path.join(WIREGUARD_SOCKETS, `${device}.sock`)],
    });
    const file = path.join(folder, `${device}.conf`);
    fs.writeFileSync(file, text, { mode: 0o600 });
    // It reads no standard input that is a socket, as Node's are.
    const stripped = path.join(folder, `${device}.stripped`);
    fs.writeFileSync(stripped, await runCommand('bash', [programs['wg-quick'], 'strip', file]), { mode: 0o600 });
    const wg = (...args: string[]): Promise<string> =>
      runCommand('env', [`LD_LIBRARY_PATH=${libraries}`, programs.wg, ...args]);
    await wg('setconf', device, stripped);
    await wg('set', device, 'fwmark', String(MARK));
    const { v4, v6 } = ipBatches(device, parseWgQuick(text));
    await lab.configure(host, v4);
    await lab.exec(host, 'ip', ['-6', '-batch', '-'], { input: v6 });
    return new WireGuardClient(host, started);
  }

  get logFile(): string {
    return this.#process.logFile;
  }

  /** Handshakes that it began itself so far. */
  begun(): number {
    return fs.readFileSync(this.logFile, 'utf8').split(INITIATION).length - 1;
  }
}
