import { type Admission, REVOKED } from './admission.ts';
import type { Carrier } from './carrier.ts';
import type { Connections } from './connections.ts';
import type { Endings } from './endings.ts';

/** What is to end when something was revoked. */
interface Revocable {
  readonly admission: Admission;
  readonly endings: Endings;
  readonly connections: Pick<Connections, 'closeWhere'>;
  readonly carrier?: Pick<Carrier, 'closeWhere'> | undefined;
}

/**
 * Ends each tunnel whose token would not be admitted any more, also on a connection that has come to a good one since; and
 * each connection of a device that is revoked, which may have no tunnel at the moment.
 */
export const endRevoked = ({ admission, endings, connections, carrier }: Revocable): void => {
  endings.endWhere(({ admitted }) => admission.objection(admitted) !== undefined, 'revoked');
  connections.closeWhere((http3) => admission.isRevoked(http3), REVOKED);
  carrier?.closeWhere((http) => admission.isRevoked(http));
};
