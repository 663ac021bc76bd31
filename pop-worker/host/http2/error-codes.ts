import { constants } from 'node:http2';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';

/** Error codes of HTTP/3 (RFC 9114 §8.1) and what HTTP/2 says for the same (RFC 9113 §7), the first one of each in doubt. */
const PAIRS: readonly (readonly [Http3ErrorCode, number])[] = [
  [Http3ErrorCode.noError, constants.NGHTTP2_NO_ERROR],
  [Http3ErrorCode.requestCancelled, constants.NGHTTP2_CANCEL],
  [Http3ErrorCode.requestRejected, constants.NGHTTP2_REFUSED_STREAM],
  [Http3ErrorCode.connectError, constants.NGHTTP2_CONNECT_ERROR],
  [Http3ErrorCode.internalError, constants.NGHTTP2_INTERNAL_ERROR],
  [Http3ErrorCode.excessiveLoad, constants.NGHTTP2_ENHANCE_YOUR_CALM],
  [Http3ErrorCode.messageError, constants.NGHTTP2_PROTOCOL_ERROR],
  [Http3ErrorCode.datagramError, constants.NGHTTP2_PROTOCOL_ERROR],
  [Http3ErrorCode.requestIncomplete, constants.NGHTTP2_STREAM_CLOSED],
];
const TO_HTTP2 = new Map<number, number>(PAIRS);
const FROM_HTTP2 = new Map<number, Http3ErrorCode>([...PAIRS].reverse().map(([http3, http2]) => [http2, http3]));

export const toHttp2Code = (code: number): number => TO_HTTP2.get(code) ?? constants.NGHTTP2_INTERNAL_ERROR;

export const fromHttp2Code = (code: number): Http3ErrorCode =>
  FROM_HTTP2.get(code) ?? Http3ErrorCode.generalProtocolError;
