import { u32At } from '../bytes.ts';
import { AttributeCode } from './codes.ts';
import { type AttributeRow, OPTIONAL_NON_TRANSITIVE } from './definition.ts';
import { identifierText, listAttribute } from './fixed.ts';

/** RFC 4456 §8, RFC 7606 §7.10. */
export const clusterList: AttributeRow = {
  ...listAttribute(AttributeCode.clusterList, 'CLUSTER_LIST', OPTIONAL_NON_TRANSITIVE, 4, (buffer, at) =>
    identifierText(u32At(buffer, at)),
  ),
  isInternal: true,
};
