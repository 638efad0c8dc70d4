/**
 * The words that travel: branded strings, their patterns and their parsers. Nothing else makes a branded value.
 */
import { Type } from 'typebox';

declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

export type Mac = Brand<string, 'Mac'>;
export type Ipv4 = Brand<string, 'Ipv4'>;
export type IpAddress = Brand<string, 'IpAddress'>;
export type NodeId = Brand<string, 'NodeId'>;
export type RackId = Brand<string, 'RackId'>;
export type EventId = Brand<string, 'EventId'>;

const macPattern = '^([0-9a-f]{2}:){5}[0-9a-f]{2}$';
const canonicalMac = new RegExp(macPattern);
const ipv4Pattern = '^((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])$';
const tokenPattern = '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$';
const ipv4Expression = new RegExp(ipv4Pattern);
const tokenExpression = new RegExp(tokenPattern);

/** An Ethernet address in lower case with colons. */
export const MacAddress = Type.Unsafe<Mac>(Type.String({ pattern: macPattern }));
export const Ipv4Address = Type.Unsafe<Ipv4>(Type.String({ pattern: ipv4Pattern }));
/** An address of either family, in its canonical text form (RFC 5952 for IPv6). */
export const IpAddressText = Type.Unsafe<IpAddress>(Type.Union([
  Type.String({ pattern: ipv4Pattern }), Type.String({ pattern: '^[0-9a-f:]{2,39}$' }),
]));
/** A subject token (design: `[a-z0-9-]`). */
export const Token = Type.String({ pattern: tokenPattern, maxLength: 63 });
export const NodeIdText = Type.Unsafe<NodeId>(Token);
export const RackIdText = Type.Unsafe<RackId>(Token);
export const EventIdText = Type.Unsafe<EventId>(Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9_.:-]+$' }));
/** RFC 3339, always UTC with milliseconds as Date#toISOString writes it. */
export const Timestamp = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$' });
export const DurationSeconds = Type.Integer({ minimum: 0 });
export const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
/** RFC 1123 host label. */
export const Hostname = Type.String({ pattern: tokenPattern, maxLength: 63 });

/** Accepts `52:54:00:77:00:01`, `52-54-00-77-00-01` and `525400770001` in any case; undefined for anything else. */
export function parseMac(text: string): Mac | undefined {
  if (canonicalMac.test(text)) return text as Mac;
  const digits = text.toLowerCase().replace(/[:-]/g, '');
  if (!/^[0-9a-f]{12}$/.test(digits)) return undefined;
  return (digits.match(/../g) ?? []).join(':') as Mac;
}

/** The MAC as a subject token or KV key: twelve hex digits. */
export const macToken = (mac: Mac): string => mac.replaceAll(':', '');

export function parseIpv4(text: string): Ipv4 | undefined {
  return ipv4Expression.test(text) ? (text as Ipv4) : undefined;
}

export function parseToken(text: string): string | undefined {
  return tokenExpression.test(text) ? text : undefined;
}

export const parseNodeId = (text: string): NodeId | undefined => parseToken(text) as NodeId | undefined;
export const parseRackId = (text: string): RackId | undefined => parseToken(text) as RackId | undefined;

/** A machine that lifecycle has not named yet is known by its MAC. */
export const provisionalNodeId = (mac: Mac): NodeId => `mac-${macToken(mac)}` as NodeId;
