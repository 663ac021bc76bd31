import { create, toBinary } from '@bufbuild/protobuf';
import { EmptySchema, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import { CLOCK_TOLERANCE } from '#model/claims.ts';
import { ConfigKey, RevocationKey } from '#model/names.ts';
import { RevocationSchema } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { IssueTokenResponseSchema, type TokenService } from '#proto/gen/cloudbridge/v1/token_pb.ts';
import { apiError, badRequest } from '#services/api/errors.ts';
import { callerOf } from '#services/authn/authenticate.ts';
import { type Issuing, issueToken, keyOr, MAX_LIFETIME_SECONDS } from './issue.ts';

/** As this service makes them. */
const TOKEN_ID = /^[A-Za-z0-9_-]{1,64}$/;

export const tokenService = (issuing: Issuing, now: () => number): ServiceImpl<typeof TokenService> => ({
  issueToken: async ({ tenant, device, lifetimeSeconds }, context) => {
    const issued = await issueToken(issuing, callerOf(context), tenant, device, lifetimeSeconds);
    const { token, tokenId, expiresAt } = issued;
    return create(IssueTokenResponseSchema, { token, tokenId, expireTime: timestampFromMs(expiresAt * 1000) });
  },

  revokeToken: async ({ tenant, tokenId, reason }) => {
    if (!TOKEN_ID.test(tokenId))
      throw badRequest([{ field: 'token_id', description: 'is no id of a token (its jti)' }]);
    const record = await issuing.config.get(keyOr(() => ConfigKey.tenant(tenant), tenant));
    if (record === undefined)
      throw apiError(Code.NotFound, 'TENANT_NOT_FOUND', `tenant ${JSON.stringify(tenant)} does not exist`);
    const key = RevocationKey.token(tenant, tokenId);
    if ((await issuing.revocations.get(key)) !== undefined) return create(EmptySchema);
    // When the token itself ends is not known here: after the longest life it has ended for sure.
    const ttlSeconds = MAX_LIFETIME_SECONDS + 2 * CLOCK_TOLERANCE;
    const revocation = create(RevocationSchema, {
      tenant,
      tokenId,
      time: timestampFromMs(now() * 1000),
      expireTime: timestampFromMs((now() + ttlSeconds) * 1000),
      reason,
    });
    await issuing.revocations.commit([{ key, value: toBinary(RevocationSchema, revocation), ttlSeconds }]);
    issuing.counts.revoked();
    return create(EmptySchema);
  },
});
