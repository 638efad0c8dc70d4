/** What was asked over HTTP while a machine boots (owner: bootfiles). */
import { Type } from 'typebox';
import { defineEvent } from '../define-event.ts';
import { IpAddressText, MacAddress } from '../primitives.ts';

const asked = {
  address: IpAddressText, mac: Type.Union([MacAddress, Type.Null()]), path: Type.String({ maxLength: 1024 }),
};

export const bootScriptServed = defineEvent({
  type: 'boot.script-served', owner: 'bootfiles', stream: 'OBSERVATIONS', key: 'mac', doc: 'A boot script was rendered, by which rule',
  data: {
    ...asked, rule: Type.String(), answer: Type.String(), status: Type.Union([Type.String(), Type.Null()]),
    /** The loader it was rendered for. */
    flavour: Type.Optional(Type.Union([Type.Literal('ipxe'), Type.Literal('grub'), Type.Literal('pxelinux'), Type.Literal('pi')])),
    /** Stands for so many requests: the answer of an event before was given again, within a second. Else for one. */
    times: Type.Optional(Type.Integer({ minimum: 1 })),
  },
});
export const bootFileServed = defineEvent({
  type: 'boot.file-served', owner: 'bootfiles', stream: 'OBSERVATIONS', key: 'mac', doc: 'A kernel, initrd, loader, image, seed or metadata was sent',
  data: { ...asked, bytes: Type.Integer(), seconds: Type.Number(), complete: Type.Boolean() },
});
export const bootRefused = defineEvent({
  type: 'boot.refused', owner: 'bootfiles', stream: 'OBSERVATIONS', key: 'mac', doc: 'Somebody asked for what is not theirs, or out of turn',
  data: { ...asked, reason: Type.String() },
});
