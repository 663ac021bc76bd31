import type { FlowComponent, FlowSpec } from './component.ts';
import { fieldComponentBytes, readField } from './field.ts';
import { LONG_FROM, nextComponent } from './nlri.ts';
import { prefixComponentBytes, readPrefix } from './prefix.ts';
import { type ComponentType, componentType } from './types.ts';

/** The longest that the length field can tell of (RFC 8955 §4.1). */
export const MAX_FLOW_SPEC_BYTES = 4095;

/**
 * Reads the components in [start, end), which `areFlowSpecs` has passed.
 *
 * @param bits of the family's addresses: 32 or 128
 * @throws RangeError when it has not
 */
export const decodeFlowSpec = (buffer: Uint8Array, start: number, end: number, bits: number): FlowSpec => {
  const components: FlowComponent[] = [];
  let at = start;
  while (at < end) {
    const next = nextComponent(buffer, at, end, bits);
    const type = componentType(buffer[at] as number, bits) as ComponentType;
    components.push(type.kind === 'prefix' ? readPrefix(buffer, at, bits) : readField(buffer, at, type));
    at = next;
  }
  return components;
};

/**
 * Writes components in the order of their types.
 *
 * @param bits of the family's addresses: 32 or 128
 * @returns the bytes without their length
 * @throws RangeError when there are none, one comes twice or is not of the family, or they are too long
 * @public for flow specifications of our own
 */
export const encodeFlowSpec = (spec: FlowSpec, bits: number): Uint8Array => {
  const sorted = spec.toSorted((a, b) => a.type - b.type);
  const bytes = sorted.flatMap((component, i) => {
    const type = componentType(component.type, bits);
    if (type === undefined) throw new RangeError(`IPv${bits === 32 ? 4 : 6} has no component ${component.type}`);
    if (sorted[i + 1]?.type === component.type) throw new RangeError(`${type.name} comes twice`);
    return component.kind === 'prefix' ? prefixComponentBytes(component) : fieldComponentBytes(component, type);
  });
  if (bytes.length === 0 || bytes.length > MAX_FLOW_SPEC_BYTES) {
    throw new RangeError(`a flow specification of ${bytes.length} bytes`);
  }
  return Uint8Array.from(bytes);
};

/** @returns bytes of the length field and of so many bytes of components */
export const flowSpecBytes = (length: number): number => length + (length < LONG_FROM ? 1 : 2);

/** Writes length and components, for which there is room. @returns the offset behind them */
export const writeFlowSpec = (buffer: Uint8Array, at: number, components: Uint8Array): number => {
  const { length } = components;
  let next = at;
  if (length >= LONG_FROM) buffer[next++] = LONG_FROM | (length >>> 8);
  buffer[next++] = length;
  buffer.set(components, next);
  return next + length;
};
