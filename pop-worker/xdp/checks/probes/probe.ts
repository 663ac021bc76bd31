import type { CheckResult, CheckTarget } from '../wanted.ts';
import { probeGrpc } from './grpc.ts';
import { probeHttp } from './http.ts';
import { probeQuic } from './quic.ts';
import { probeTcp } from './tcp.ts';

/** Makes one check of a backend, at its own address. Never rejects. */
export const probe = ({ backend, check }: CheckTarget): Promise<CheckResult> => {
  switch (check.kind) {
    case 'tcp':
      return probeTcp(backend, check);
    case 'quic':
      return probeQuic(backend, check);
    case 'grpc':
      return probeGrpc(backend, check);
    default:
      return probeHttp(backend, check);
  }
};
