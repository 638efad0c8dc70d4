/** Relay agent information, option 82 (RFC 3046), with the sub-options that steer a server. A server echoes the raw option unchanged (§2.2). */
import { formatIpv4 } from '../../net.ts';
import type { DhcpMessage } from '../messages.ts';
import { u32At } from '../option-map.ts';
import { decodeSubOptions, findSubOption, type SubOption } from './sub-options.ts';

/** Sub-option codes: RFC 3046 §3, 3527, 3993, 5010, 5107, 6607. */
export const RelaySubOption = {
  circuitId: 1, remoteId: 2, linkSelection: 5, subscriberId: 6, relayFlags: 10, serverIdOverride: 11, vssInfo: 151, vssControl: 152,
} as const;

export type RelayInfo = {
  circuitId?: Uint8Array;
  remoteId?: Uint8Array;
  /** the subnet to serve from, in place of giaddr (RFC 3527 §3) */
  linkSelection?: string;
  subscriberId?: Uint8Array;
  /** what the reply's option 54 must be, and siaddr must not (RFC 5107 §4) */
  serverIdOverride?: string;
  /** all of them, in order, unknown ones too */
  subOptions: SubOption[];
};

/** Option 82 read; undefined when it is missing or malformed: echo the raw option even then. */
export function relayInfo(m: DhcpMessage): RelayInfo | undefined {
  const value = m.options.get(82);
  const subOptions = value && decodeSubOptions(value, 'none');
  if (subOptions === undefined) return undefined;
  const bytes = (code: number): Uint8Array | undefined => findSubOption(subOptions, code);
  const circuitId = bytes(RelaySubOption.circuitId);
  const remoteId = bytes(RelaySubOption.remoteId);
  const subscriberId = bytes(RelaySubOption.subscriberId);
  const linkSelection = addressOf(bytes(RelaySubOption.linkSelection));
  const serverIdOverride = addressOf(bytes(RelaySubOption.serverIdOverride));
  return {
    subOptions,
    ...(circuitId && { circuitId }), ...(remoteId && { remoteId }), ...(subscriberId && { subscriberId }),
    ...(linkSelection && { linkSelection }), ...(serverIdOverride && { serverIdOverride }),
  };
}

function addressOf(value: Uint8Array | undefined): string | undefined {
  return value?.length === 4 ? formatIpv4(u32At(value, 0)) : undefined;
}
