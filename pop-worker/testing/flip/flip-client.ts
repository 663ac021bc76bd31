import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FlipCommand, FlipReport } from './client.ts';
import { ANYCAST, ECHO_PORT, PORT, SERVER_NAME, type TwoPops } from './pops.ts';

type Answer = { readonly ready?: true; readonly report?: FlipReport; readonly error?: string };

const PROGRAM = fileURLToPath(new URL('client.ts', import.meta.url));

/** The program with many connections, as the one who moves their route has it. */
export class FlipClient {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /**
   * Opens so many connections, each with a tunnel to the echo beside the worker.
   *
   * @param early so many devices besides, that come with early data while others are opened
   * @throws Error when one fails
   */
  static async connect(world: TwoPops, connections: number, everyMs: number, early = 0): Promise<FlipClient> {
    const client = new FlipClient(world.run(world.clientNamespace, PROGRAM));
    const all = await world.tokens(connections + early);
    const [tokens, earlyTokens] = [all.slice(0, connections), all.slice(connections)];
    const to = { edge: ANYCAST, port: PORT, serverName: SERVER_NAME, trustAnchors: world.authority.pem };
    await client.#ask({ order: { ...to, tokens, earlyTokens, echoPort: ECHO_PORT, everyMs } });
    return client;
  }

  #ask(command: FlipCommand): Promise<Answer> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const gone = (code: number | null): void => reject(new Error(`the client ended with ${code}`));
      child.once('exit', gone);
      child.once('message', (message: Answer) => {
        child.off('exit', gone);
        if (message.error === undefined) resolve(message);
        else reject(new Error(message.error));
      });
      child.send(command);
    });
  }

  /** Lets all connections send. @param opens whether others are opened, one after the other, meanwhile */
  begin(opens: boolean): void {
    this.#child.send({ begin: { opens } } satisfies FlipCommand);
  }

  /** They stop; what comes of the last packets is waited for. */
  async end(): Promise<FlipReport> {
    const { report } = await this.#ask('end');
    return report as FlipReport;
  }
}
