import type { RevocationCommand } from './commands.ts';

/** What a data-plane thread knows of tokens and devices: a mirror of what the main thread was told. */
export class Directory {
  /** JWK set as text, undefined until it came. */
  jwks: string | undefined;
  issuer = '';
  /** Whether this is all there is: otherwise what is not known here may well exist. */
  isCurrent = false;
  readonly #revoked = new Set<string>();

  setKeys(jwks: string, issuer: string): void {
    this.jwks = jwks;
    this.issuer = issuer;
  }

  revoke(revocation: RevocationCommand): void {
    this.#revoked.add(keyOf(revocation));
  }

  reinstate(revocation: RevocationCommand): void {
    this.#revoked.delete(keyOf(revocation));
  }

  replaceRevocations(revocations: readonly RevocationCommand[]): void {
    this.#revoked.clear();
    for (const revocation of revocations) this.revoke(revocation);
  }

  isRevoked(tenant: string, device: string, tokenId: string): boolean {
    const revoked = this.#revoked;
    return (
      revoked.has(keyOf({ tenant })) ||
      revoked.has(keyOf({ tenant, device })) ||
      revoked.has(keyOf({ tenant, tokenId }))
    );
  }
}

/** Unambiguous whatever the parts hold. */
const keyOf = ({ tenant, device, tokenId }: RevocationCommand): string =>
  JSON.stringify(
    tokenId !== undefined ? [tenant, 'token', tokenId] : device !== undefined ? [tenant, 'device', device] : [tenant],
  );
