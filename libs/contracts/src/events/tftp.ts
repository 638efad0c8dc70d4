/** What was asked over TFTP (owner: tftp). */
import { Type } from 'typebox';
import { defineEvent } from '../define-event.ts';
import { IpAddressText, MacAddress } from '../primitives.ts';

const asked = {
  address: IpAddressText, mac: Type.Union([MacAddress, Type.Null()]), file: Type.String({ maxLength: 512 }),
};

export const tftpRrq = defineEvent({
  type: 'tftp.rrq', owner: 'tftp', stream: 'OBSERVATIONS', key: 'mac', doc: 'A read request (RFC 1350), with the options that were asked for (RFC 2347)',
  data: { ...asked, mode: Type.String(), options: Type.Record(Type.String(), Type.String()) },
});
export const tftpCompleted = defineEvent({
  type: 'tftp.completed', owner: 'tftp', stream: 'OBSERVATIONS', key: 'mac', doc: 'The last block was acknowledged',
  data: { ...asked, bytes: Type.Integer(), blockBytes: Type.Integer(), windowBlocks: Type.Integer(), seconds: Type.Number(), retransmitted: Type.Integer() },
});
export const tftpFailed = defineEvent({
  type: 'tftp.failed', owner: 'tftp', stream: 'OBSERVATIONS', key: 'mac', doc: 'A transfer ended early: the client aborted, went away or broke the protocol',
  data: { ...asked, reason: Type.String(), bytes: Type.Integer() },
});
export const tftpRefused = defineEvent({
  type: 'tftp.refused', owner: 'tftp', stream: 'OBSERVATIONS', key: 'mac', doc: 'A request was answered with an error: no such file, a path outside the tree, a write',
  data: { ...asked, reason: Type.String() },
});
