import type { Fetch, Send } from '../client.ts';

/** The configuration API, wherever and by whatever it is served. */
export interface ApiUnderTest {
  readonly fetch: Fetch;
  /** An access token of somebody with this role; an operator's needs no organisation. */
  token(role: 'operator' | 'tenant-admin' | 'developer', organisation?: string): Promise<string>;
  /** Two that the identity provider knows. */
  readonly organisations: readonly [string, string];
  /** In front of every id, so that the suite can run again on the same installation. */
  readonly prefix: string;
}

/** What each case of the suite is given. */
export interface Case {
  readonly api: ApiUnderTest;
  /** As an operator. */
  readonly send: Send;
  /** The id in this run. */
  id(name: string): string;
}

/** The status of an answer, and the reason of a refusal. */
export const reasonOf = async (answer: ReturnType<Send>): Promise<[number, string]> => {
  const { status, json } = await answer;
  return [status, json.reason];
};

/** An IPv6 prefix that no other run of the suite has. */
export const ownNetwork = (id: Case['id']): string => {
  const number = [...id('x')].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 0xffff, 1);
  return `2001:db8:${number.toString(16)}::/48`;
};
