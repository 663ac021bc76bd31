/** What a BGP speaker has beside its neighbours, as a file says it: RPKI caches, MRT files, BMP stations. */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { TcpOptions } from '#host/tcp/options.ts';
import type { BmpStationConfig } from '#pop-worker/routing/bmp/setup.ts';
import type { MrtConfig } from '#pop-worker/routing/mrt/setup.ts';
import type { RtrCacheConfig } from '#pop-worker/routing/rpki/setup.ts';
import type { BgpFile } from '#settings/bgp-file.ts';
import { readSecretFile } from '#settings/key-files.ts';

/** Sections that a speaker's file and that of a worker share. */
export type BesideFile = Pick<BgpFile, 'bmp' | 'mrt' | 'rpki'>;

/** A key without the end of its line. @param what it is, for people @throws ConfigError */
export const keyIn = (file: string, base: string, what: string): Uint8Array => {
  const text = readSecretFile(resolve(base, file), what).toString();
  return new TextEncoder().encode(text.replace(/\r?\n$/, ''));
};

/** TCP to somebody who is no neighbour. @param file with the key of MD5 */
const tcpOf = (file: string | undefined, base: string, what: string): TcpOptions => ({
  hopLimit: 64,
  leastHopLimit: 0,
  ...(file !== undefined && { authentication: { type: 'md5', key: keyIn(file, base, what) } }),
});

const cachesOf = ({ rpki }: BesideFile, base: string): RtrCacheConfig[] =>
  rpki.caches.map((cache) => ({
    name: cache.name ?? cache.address,
    address: cache.address,
    port: cache.port,
    localAddress: cache.local_address,
    preference: cache.preference,
    tcp: tcpOf(cache.md5_key_file, base, 'the key of an RPKI cache'),
    intervals: { refreshS: cache.refresh_seconds, retryS: cache.retry_seconds, expireS: cache.expire_seconds },
  }));

const stationsOf = ({ bmp }: BesideFile, base: string): BmpStationConfig[] =>
  bmp.stations.map((station) => ({
    name: station.name ?? station.address,
    address: station.address,
    port: station.port,
    localAddress: station.local_address,
    tcp: tcpOf(station.md5_key_file, base, 'the key of a BMP station'),
    views: station.views,
    sysName: bmp.sys_name ?? hostname(),
    sysDescr: bmp.sys_descr,
    retryS: station.retry_seconds,
    statisticsS: station.statistics_seconds,
    mostBytes: station.most_buffer_megabytes * 1024 * 1024,
  }));

const mrtOf = ({ mrt }: BesideFile, base: string): MrtConfig | undefined =>
  mrt && {
    directory: resolve(base, mrt.directory),
    tableS: mrt.table_seconds,
    updates: mrt.updates,
    rotateS: mrt.rotate_seconds,
    mostBytes: mrt.most_megabytes * 1024 * 1024,
    keep: mrt.keep,
  };

/** What a BGP thread is started with of these sections. */
export interface BesideSetup {
  readonly rpki: readonly RtrCacheConfig[];
  readonly mrt: MrtConfig | undefined;
  readonly bmp: readonly BmpStationConfig[];
}

/** @param base folder that files are named from @throws ConfigError when a key cannot be read */
export const besideOf = (file: BesideFile, base: string): BesideSetup => ({
  rpki: cachesOf(file, base),
  mrt: mrtOf(file, base),
  bmp: stationsOf(file, base),
});
