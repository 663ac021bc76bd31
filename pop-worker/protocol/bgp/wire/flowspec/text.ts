import { formatIpAddress } from '#protocol/ip/text.ts';
import { BitmaskOperator, type FlowComponent, type FlowSpec, NumericOperator, type Term } from './component.ts';
import { COMPONENT_TYPES } from './types.ts';

/** `destination 192.0.2.0/24, protocol =6, port >=137&<=139|=8080`: what people read, commands too. */
export const flowSpecText = (spec: FlowSpec): string => spec.map(componentText).join(', ');

const componentText = (component: FlowComponent): string => {
  const type = COMPONENT_TYPES[component.type];
  const name = type?.name ?? `component-${component.type}`;
  if (component.kind === 'prefix') {
    const { address, length, offset } = component;
    return `${name} ${formatIpAddress(address)}/${offset === 0 ? length : `${offset}-${length}`}`;
  }
  const text = type?.kind === 'bitmask' ? bitmaskText : numericText;
  const terms = component.terms.map((term, i) => `${i === 0 ? '' : term.isAnd ? '&' : '|'}${text(term)}`);
  return `${name} ${terms.join('')}`;
};

const numericText = ({ operator, value }: Term): string => {
  // RFC 8955 §4.2.1.1, table 1.
  if (operator === 0) return 'false';
  if (operator === 7) return 'true';
  if (operator === (NumericOperator.less | NumericOperator.greater)) return `!=${value}`;
  const less = (operator & NumericOperator.less) !== 0 ? '<' : '';
  const greater = (operator & NumericOperator.greater) !== 0 ? '>' : '';
  return `${less}${greater}${(operator & NumericOperator.equal) !== 0 ? '=' : ''}${value}`;
};

/** `=0x2` for all of the bits, `0x2` for any of them. */
const bitmaskText = ({ operator, value }: Term): string => {
  const not = (operator & BitmaskOperator.not) !== 0 ? '!' : '';
  return `${not}${(operator & BitmaskOperator.match) !== 0 ? '=' : ''}0x${value.toString(16)}`;
};
