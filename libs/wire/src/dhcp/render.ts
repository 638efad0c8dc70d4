/** Option values as text for people (explain.ts); undefined says the bytes do not have the option's format. */
import { formatMac } from '../net.ts';
import { clientId, userClass } from './getters.ts';
import { ClientArch, type DhcpMessage, makeMessage, MessageType } from './messages.ts';
import { OptionMap } from './option-map.ts';
import { BsdpSubOption, decodeBsdpImages, isBsdpClient } from './options/bsdp.ts';
import { decodeDomains } from './options/domains.ts';
import { clientFqdn } from './options/fqdn.ts';
import { IpxeFeature, IpxeSubOption } from './options/ipxe.ts';
import { clientArch, clientUuid, networkInterface, PxeSubOption } from './options/pxe.ts';
import { RelaySubOption } from './options/relay.ts';
import { decodeRoutes } from './options/routes.ts';
import { decodeSubOptions } from './options/sub-options.ts';
import { optionFormat, type OptionFormat, optionName } from './option-table.ts';

/** The value on the first line, sub-options on further ones. */
export type Rendered = { text: string; below?: string[] };
type Renderer = (code: number, value: Uint8Array) => string | undefined;

/** Renders one option of a message; the message tells whose dialect option 43 is. */
export function renderOption(m: DhcpMessage, code: number): Rendered {
  const value = m.options.get(code) ?? new Uint8Array(0);
  const format = optionFormat(code);
  if (format === 'relay') return renderSubs(decodeSubOptions(value, 'none'), namesOf(RelaySubOption));
  if (format === 'ipxe') return renderSubs(decodeSubOptions(value), namesOf({ ...IpxeFeature, ...IpxeSubOption }));
  if (format === 'vendor') return renderVendor(m, value);
  return { text: renderers[format](code, value) ?? `malformed (${value.length} bytes)` };
}

const seconds = (value: number): string => (value === 0xffffffff ? 'for ever' : `${value} s`);

const renderers: Record<Exclude<OptionFormat, 'relay' | 'ipxe' | 'vendor'>, Renderer> = {
  address: (code, v) => alone(code, v).options.address(code),
  addresses: (code, v) => alone(code, v).options.addresses(code)?.join(', '),
  'address-pairs': (code, v) => (v.length % 8 === 0 ? pairs(alone(code, v).options.addresses(code)) : undefined),
  u8: (code, v) => alone(code, v).options.u8(code)?.toString(),
  u16: (code, v) => alone(code, v).options.u16(code)?.toString(),
  u32: (code, v) => alone(code, v).options.u32(code)?.toString(),
  i32: (code, v) => mapped(alone(code, v).options.u32(code), (n) => String(n | 0)),
  u16s: (_, v) => clientArch(alone(93, v))?.join(', '),
  seconds: (code, v) => mapped(alone(code, v).options.u32(code), seconds),
  flag: (code, v) => mapped(alone(code, v).options.u8(code), (n) => (n === 0 ? 'no' : 'yes')),
  text: (code, v) => mapped(alone(code, v).options.text(code), (text) => JSON.stringify(text)),
  hex: (_, v) => `${v.length} bytes`,
  empty: (_, v) => (v.length === 0 ? 'set' : undefined),
  'message-type': (code, v) => mapped(alone(code, v).options.u8(code), messageTypeName),
  parameters: (_, v) => [...v].map((code) => `${code} ${optionName(code)}`).join(', '),
  overload: (_, v) => (v.length === 1 ? ['none', 'file', 'sname', 'file and sname'][v[0] ?? 0] : undefined),
  'client-id': (_, v) => mapped(clientId(alone(61, v)), clientIdText),
  'user-class': (_, v) => userClass(alone(77, v))?.map((name) => JSON.stringify(name)).join(', '),
  fqdn: (_, v) => mapped(clientFqdn(alone(81, v)), (f) => `${JSON.stringify(f.name)}${f.qualified ? ' (qualified)' : ''} flags ${fqdnFlags(f.flags)}`),
  domains: (_, v) => decodeDomains(v)?.join(', '),
  routes: (_, v) => decodeRoutes(v)?.map((r) => `${r.destination} via ${r.router}`).join(', '),
  arch: (_, v) => clientArch(alone(93, v))?.map(archName).join(', '),
  undi: (_, v) => mapped(networkInterface(alone(94, v)), (n) => `${n.type === 1 ? 'UNDI' : `type ${n.type}`} ${n.major}.${n.minor}`),
  uuid: (_, v) => clientUuid(alone(97, v)),
};

function mapped<T>(value: T | undefined, text: (value: T) => string): string | undefined {
  return value === undefined ? undefined : text(value);
}

/** A message with this option only, for readers that take a message. */
function alone(code: number, value: Uint8Array): DhcpMessage {
  return makeMessage({ options: new OptionMap().set(code, value) });
}

function pairs(addresses: readonly string[] | undefined): string | undefined {
  return addresses?.map((address, i) => (i % 2 === 0 ? address : ` ${address}, `)).join('').replace(/, $/, '');
}

/** `DISCOVER` for 1 and so on; the number when it is none. */
export function messageTypeName(type: number): string {
  return namesOf(MessageType).get(type)?.toUpperCase() ?? `unknown ${type}`;
}

const archNames = namesOf(ClientArch);

function archName(arch: number): string {
  return `${arch} ${archNames.get(arch) ?? 'unknown'}`;
}

function clientIdText(id: Uint8Array): string {
  if (id[0] === 1 && id.length === 7) return `ethernet ${formatMac(id.subarray(1))}`;
  return `type ${id[0]}, ${formatMac(id.subarray(1))}`;
}

function fqdnFlags(flags: number): string {
  return ['S', 'O', 'E', 'N'].filter((_, bit) => (flags >> bit) & 1).join('') || 'none';
}

function renderVendor(m: DhcpMessage, value: Uint8Array): Rendered {
  const subs = decodeSubOptions(value);
  const bsdp = isBsdpClient(m);
  const rendered = renderSubs(subs, namesOf(bsdp ? BsdpSubOption : PxeSubOption));
  if (subs === undefined) return { text: `raw, ${value.length} bytes` };
  const images = bsdp ? subs.filter((sub) => sub.code === BsdpSubOption.imageList).flatMap((sub) => decodeBsdpImages(sub.value) ?? []) : [];
  const below = images.map((image) => `image ${image.id.toString(16).padStart(8, '0')} ${JSON.stringify(image.name)}`);
  return { text: `${bsdp ? 'BSDP' : 'PXE'}, ${rendered.text}`, below: [...(rendered.below ?? []), ...below] };
}

function renderSubs(subs: ReturnType<typeof decodeSubOptions>, names: ReadonlyMap<number, string>): Rendered {
  if (subs === undefined) return { text: 'malformed sub-options' };
  const below = subs.map((sub) => {
    const printable = sub.value.length > 0 && sub.value.every((byte) => byte >= 0x20 && byte < 0x7f);
    const text = printable ? ` ${JSON.stringify(Buffer.from(sub.value).toString('latin1'))}` : '';
    return `${sub.code} ${names.get(sub.code) ?? 'unknown'}: ${Buffer.from(sub.value).toString('hex')}${text}`;
  });
  return { text: `${subs.length} sub-options`, below };
}

function namesOf(codes: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(codes).map(([name, code]) => [code, name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)]));
}
