import { parseRoute, type TunSettings } from '#client/tun-control.ts';
import { UsageError } from '../../failure.ts';

interface TunOptions {
  readonly tun?: string;
  readonly route?: readonly string[];
  readonly 'default-route'?: boolean;
}

type Route = NonNullable<ReturnType<typeof parseRoute>>;

const routeOf = (text: string): Route => {
  const prefix = parseRoute(text);
  if (prefix === undefined)
    throw new UsageError(`--route takes a prefix such as 10.0.0.0/8 or fd00::/8, not \`${text}\`.`);
  return prefix;
};

export const parseTun = (options: TunOptions, journalFolder: string): TunSettings | undefined => {
  const routes = (options.route ?? []).map(routeOf);
  const everything = options['default-route'] === true;
  if (options.tun === undefined) {
    if (routes.length > 0 || everything) throw new UsageError('--route and --default-route need --tun NAME.');
    return undefined;
  }
  if (!/^[A-Za-z0-9_.-]{1,15}$/.test(options.tun))
    throw new UsageError(`--tun takes a name of 1 to 15 letters, digits, dots or dashes, not \`${options.tun}\`.`);
  return { name: options.tun, routes, everything, journalFolder };
};
