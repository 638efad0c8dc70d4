/** The foreign DHCP servers that we know the settings of, by the name that a person gives. */
import type { ForeignSettings, Place } from './boot.ts';
import { dnsmasq } from './dnsmasq.ts';
import { edgeos } from './edgeos.ts';
import { isc } from './isc.ts';
import { kea } from './kea.ts';
import { mikrotik } from './mikrotik.ts';
import { opnsense } from './opnsense.ts';
import { pfsense } from './pfsense.ts';
import { unifi } from './unifi.ts';

const generators = { dnsmasq, isc, kea, unifi, edgeos, pfsense, opnsense, mikrotik } as const;
export type ForeignServerName = keyof typeof generators;
export const foreignServerNames = Object.keys(generators) as ForeignServerName[];

/** Pure text: what to set, where, and what that product can not do. */
export const foreignSettings = (server: ForeignServerName, place: Place): ForeignSettings => generators[server](place);
