import { type Caller, Role } from './caller.ts';

/** Zitadel's claims; its documentation calls them "reserved claims". */
const ROLES = 'urn:zitadel:iam:org:project:roles';
const RESOURCE_OWNER = 'urn:zitadel:iam:user:resourceowner:id';

export const rolesClaimOf = (project: string): string => `urn:zitadel:iam:org:project:${project}:roles`;

type Grants = Map<string, Set<string>>;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `{role: {organisation: domain}}` added up by organisation. */
const addGrants = (grants: Grants, claim: unknown): void => {
  if (!isObject(claim)) return;
  for (const [role, organisations] of Object.entries(claim)) {
    if (!isObject(organisations)) continue;
    for (const organisation of Object.keys(organisations)) {
      const roles = grants.get(organisation) ?? new Set<string>();
      grants.set(organisation, roles.add(role));
    }
  }
};

/**
 * Reads who calls from a token's or an introspection's claims.
 *
 * A caller acts for one organisation: the only one that it has roles of, else its own (resource owner). Roles that other
 * organisations gave do not count then, so that no organisation's role is taken for another's.
 *
 * @param operatorOrganisation when set, `operator` counts only from this organisation: every organisation that the project
 *   is granted to may give its roles
 * @returns undefined when there is no subject
 */
export const callerFromClaims = (
  claims: Readonly<Record<string, unknown>>,
  project: string,
  operatorOrganisation?: string,
): Caller | undefined => {
  const { sub } = claims;
  if (typeof sub !== 'string' || sub === '' || sub.length > 200) return undefined;
  const grants: Grants = new Map();
  const own = claims[rolesClaimOf(project)];
  // The claim without a project ID is of the project that the client belongs to: only read where the other is missing.
  addGrants(grants, own ?? claims[ROLES]);
  const owner = claims[RESOURCE_OWNER];
  const organisation = grants.size === 1 ? [...grants.keys()][0] : typeof owner === 'string' ? owner : undefined;
  const roles = new Set(organisation === undefined ? [] : grants.get(organisation));
  if (operatorOrganisation !== undefined) {
    if (grants.get(operatorOrganisation)?.has(Role.operator)) roles.add(Role.operator);
    else roles.delete(Role.operator);
  }
  return { subject: sub, roles, ...(organisation !== undefined && { organisation }) };
};
