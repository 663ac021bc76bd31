import { AttributeCode } from '../wire/attributes/codes.ts';
import { addressBits } from '../wire/families.ts';
import { type FlowAction, flowActions } from '../wire/flowspec/actions.ts';
import { decodeFlowSpec } from '../wire/flowspec/codec.ts';
import type { FlowSpec } from '../wire/flowspec/component.ts';
import { compareFlowSpecs } from '../wire/flowspec/order.ts';
import { flowSpecText } from '../wire/flowspec/text.ts';
import { attributeEnd, findAttribute, valueStart } from './edits.ts';
import type { FamilyRib } from './family-rib.ts';
import type { FlowDestinations } from './flow-destinations.ts';
import { NONE } from './paths.ts';

/** A flow specification in force. */
export interface FlowRule {
  readonly spec: FlowSpec;
  /** As people read it. */
  readonly text: string;
  /** What is to be done with packets that it matches (RFC 8955 §7); none: they pass. */
  readonly actions: readonly FlowAction[];
  /** Index of the neighbour that asks for it, 0: us. */
  readonly source: number;
}

/** @returns flow specifications in force, in the order in which packets are held against them (RFC 8955 §5.1) */
export const flowRules = (rib: FamilyRib, specs: FlowDestinations): FlowRule[] => {
  const bits = addressBits(rib.family);
  const inForce: { readonly bytes: Uint8Array; readonly path: number }[] = [];
  for (let destination = 0; destination < rib.best.length; destination++) {
    const path = rib.best[destination] as number;
    if (path !== NONE) inForce.push({ bytes: specs.bytesOf(destination).slice(), path });
  }
  return inForce
    .sort((a, b) => compareFlowSpecs(a.bytes, b.bytes, bits))
    .map(({ bytes, path }) => {
      const spec = decodeFlowSpec(bytes, 0, bytes.length, bits);
      return {
        spec,
        text: flowSpecText(spec),
        actions: actionsOf(rib, path),
        source: rib.paths.source[path] as number,
      };
    });
};

const actionsOf = ({ store, paths }: FamilyRib, path: number): FlowAction[] => {
  const set = (paths.accepted[path] as number) - 1;
  const at = findAttribute(store, set, AttributeCode.extendedCommunities);
  const buffer = store.bytesOf(set);
  return at < 0 ? [] : flowActions(buffer, valueStart(buffer, at), attributeEnd(buffer, at));
};
