import { Http3ErrorCode, remoteError } from './errors.ts';

/** RFC 9114 §7.2, RFC 9218 §7.2. */
export const FrameType = {
  data: 0x00,
  headers: 0x01,
  cancelPush: 0x03,
  settings: 0x04,
  pushPromise: 0x05,
  goaway: 0x07,
  maxPushId: 0x0d,
  priorityUpdateRequest: 0xf0700,
  priorityUpdatePush: 0xf0701,
} as const;

/** RFC 9114 §6.2, RFC 9204 §4.2. */
export const StreamType = { control: 0x00, push: 0x01, qpackEncoder: 0x02, qpackDecoder: 0x03 } as const;

/** Types that HTTP/2 had and HTTP/3 has not: RFC 9114 §7.2.8. */
export const isReservedFrame = (type: number): boolean =>
  type === 0x02 || type === 0x06 || type === 0x08 || type === 0x09;

export const frameUnexpected = (message: string) => remoteError(Http3ErrorCode.frameUnexpected, message);

/**
 * What a frame type other than DATA and HEADERS means on a request stream (RFC 9114 §7, table 1).
 *
 * @returns when it must be ignored (§9)
 * @throws Http3Error otherwise
 */
export const checkOtherFrameOnRequest = (type: number, isServer: boolean): void => {
  switch (type) {
    case FrameType.cancelPush:
    case FrameType.settings:
    case FrameType.goaway:
    case FrameType.maxPushId:
    // RFC 9218 §7.2: PRIORITY_UPDATE belongs on the control stream.
    case FrameType.priorityUpdateRequest:
    case FrameType.priorityUpdatePush:
      throw frameUnexpected(`frame 0x${type.toString(16)} on a request stream`);
    case FrameType.pushPromise:
      if (isServer) throw frameUnexpected('PUSH_PROMISE from a client');
      // RFC 9114 §7.2.5: beyond the maximum push ID, for we never allow any.
      throw remoteError(Http3ErrorCode.idError, 'PUSH_PROMISE without MAX_PUSH_ID');
    default:
      if (isReservedFrame(type)) throw frameUnexpected(`frame of HTTP/2: 0x${type.toString(16)}`);
  }
};
