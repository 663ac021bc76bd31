import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { type Authority, createAuthority, pinOf } from '#host/tls/testing/certificates.ts';
import { askWorker } from '#pop-worker/admin/client.ts';
import type { MeshStatus } from '#pop-worker/mesh/messages.ts';
import { type DeviceIdentity, Issuer } from './issuer.ts';
import { EDGE4, type TestDevice, World } from './world.ts';

const PORT = 4443;
const meshNameOf = (member: number): string => `worker${member}.mesh`;
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

/** Workers, each with its own clients and its own way to the internet, and a link of its own to each other. */
export class MeshWorlds {
  readonly worlds: readonly World[];
  readonly authority = createAuthority('CloudBridge mesh test authority');

  /** Lines of `[mesh]` that name what `certify` writes. */
  readonly files = 'certificate = "mesh.pem"\nkey = "mesh.key"\nauthority = "mesh-ca.pem"\n';

  readonly #mtu: number;
  readonly #tun: string;
  readonly #listen: string;
  readonly #ticketKey = randomBytes(80);

  /** @param mtu of the ways between workers @param tun more lines of all workers' `[tun]` @param listen …of their `[listen]` */
  constructor(t: Pick<TestContext, 'after'>, count: number, mtu = 1500, tun = '', listen = '') {
    this.#mtu = mtu;
    this.#tun = tun;
    this.#listen = listen;
    const issuer = new Issuer();
    this.worlds = Array.from({ length: count }, () => new World(t, issuer));
    // A client resumes only where it trusts the same authority.
    for (const world of this.worlds) world.authority = this.world(1).authority;
  }

  world(member: number): World {
    return this.worlds[member - 1] as World;
  }

  get members(): number[] {
    return this.worlds.map((_, i) => i + 1);
  }

  /** Of a member, as the others reach it. */
  address(member: number): string {
    return `10.99.0.${member}`;
  }

  /**
   * Networks, configuration and start.
   *
   * @param authorityOf who signs a member's certificate; the mesh's own by default @param more sections of a member's file
   * @param files lines of its `[static]`
   * @param pinOf what a member's file pins another's key by; undefined: it does not
   */
  async start(
    authorityOf: (member: number) => Authority = () => this.authority,
    more: (member: number) => string = () => '',
    files: (member: number) => string = () => '',
    pinOf: (member: number, other: number) => string | undefined = () => undefined,
  ): Promise<void> {
    await this.networks();
    const certified = this.members.map((member) => this.certify(member, meshNameOf(member), authorityOf(member)));
    for (const member of this.members) {
      await this.configure(
        member,
        certified[member - 1] as string,
        more(member),
        (other) => pinOf(member, other),
        files(member),
      );
    }
    await Promise.all(this.worlds.map((world) => world.startWorker()));
  }

  /** Each with its own, and the one between workers. */
  async networks(): Promise<void> {
    for (const world of this.worlds) await world.network();
    this.#wire();
  }

  /** SHA-256 of a member's key, as it was issued last, in hexadecimal. */
  pin(member: number): string {
    const pem = readFileSync(path.join(this.world(member).folder, 'mesh.pem'), 'utf8');
    return Buffer.from(pinOf(pem)).toString('hex');
  }

  /** Certificate and key of the mesh, and whom it trusts. @returns the lines of `[mesh]` that name them */
  certify(member: number, name = meshNameOf(member), authority: Authority = this.authority, days?: number): string {
    const at = (file: string): string => path.join(this.world(member).folder, file);
    const { certificateChain, privateKey } = authority.issue(name, undefined, days);
    writeFileSync(at('mesh.pem'), certificateChain);
    writeFileSync(at('mesh.key'), privateKey as string, { mode: 0o600 });
    writeFileSync(at('mesh-ca.pem'), this.authority.pem);
    return this.files;
  }

  /** A switch in the namespace of the first one's internet host, which has nothing to do with it otherwise. */
  #wire(): void {
    const [first] = this.worlds;
    const hub = (first as World).internetNamespace;
    ip('-n', hub, 'link', 'add', 'mesh', 'type', 'bridge');
    ip('-n', hub, 'link', 'set', 'mesh', 'up');
    for (const member of this.members) {
      const at = this.world(member).workerNamespace;
      ip('-n', at, 'link', 'add', 'mesh0', 'type', 'veth', 'peer', 'name', `mesh${member}`, 'netns', hub);
      ip('-n', hub, 'link', 'set', `mesh${member}`, 'master', 'mesh', 'up');
      ip('-n', at, 'address', 'add', `${this.address(member)}/24`, 'dev', 'mesh0');
      ip('-n', at, 'link', 'set', 'mesh0', 'mtu', String(this.#mtu), 'up');
    }
  }

  /** Cuts a worker off from all others, or joins it again. */
  setLink(member: number, up: boolean): void {
    ip('-n', (this.worlds[0] as World).internetNamespace, 'link', 'set', `mesh${member}`, up ? 'up' : 'down');
  }

  /** Two workers reach each other no more, and again; both reach all others. */
  cut(a: number, b: number): void {
    for (const [at, to] of [[a, b] as const, [b, a] as const]) {
      ip('-n', this.world(at).workerNamespace, 'route', 'add', 'blackhole', `${this.address(to)}/32`);
    }
  }

  join(a: number, b: number): void {
    for (const [at, to] of [[a, b] as const, [b, a] as const]) {
      ip('-n', this.world(at).workerNamespace, 'route', 'del', 'blackhole', `${this.address(to)}/32`);
    }
  }

  /** @param files as `certify` returns them */
  async configure(
    member: number,
    files: string,
    more = '',
    pinOf: (other: number) => string | undefined = () => undefined,
    inStatic = '',
  ): Promise<void> {
    const peers = this.members
      .filter((other) => other !== member)
      .map((other) => {
        const pin = pinOf(other);
        const place = `member = ${other}, name = "${meshNameOf(other)}", address = "${this.address(other)}"`;
        return `{ ${place}, port = ${PORT}${pin === undefined ? '' : `, pin = "${pin}"`} }`;
      });
    const section = `
[mesh]
member = ${member}
listen = { address = "${this.address(member)}", port = ${PORT} }
${files}peers = [${peers.join(', ')}]
`;
    // As a fleet has them.
    writeFileSync(path.join(this.world(member).folder, 'tickets.key'), this.#ticketKey, { mode: 0o600 });
    await this.world(member).configure({
      tls: 'ticket_keys = "tickets.key"',
      tun: this.#tun,
      listen: this.#listen,
      static: `${inStatic}${section}${more}`,
    });
  }

  async status(member: number): Promise<MeshStatus> {
    const answer = (await askWorker(this.world(member).socket, 'status')) as { mesh?: MeshStatus };
    if (answer.mesh === undefined) throw new Error(`worker ${member} says nothing of its mesh`);
    return answer.mesh;
  }
}

/** A device of a worker, with routes to all tenants' networks. */
export const connected = async (world: World, identity: DeviceIdentity): Promise<TestDevice> => {
  const device = await world.connect(identity, EDGE4);
  await device.reports.of('up');
  for (const route of ['10.64.0.0/10', 'fd00:1::/48', 'fd00:2::/48']) {
    world.run(device.namespace, 'ip', 'route', 'add', route, 'dev', 'tun0');
  }
  return device;
};

/** How many of three pings are answered. */
export const answered = async (
  world: World,
  device: Pick<TestDevice, 'namespace'>,
  address: string,
): Promise<number> => {
  const text = await world.exec(device.namespace, 'sh', '-c', `ping -n -c 3 -i 0.05 -w 3 ${address} || true`);
  // With -w ping goes on sending until as many are answered.
  const sequences = Array.from(text.matchAll(/icmp_seq=(\d+) .*time=/g), ([, sequence]) => Number(sequence));
  return new Set(sequences.filter((sequence) => sequence <= 3)).size;
};
