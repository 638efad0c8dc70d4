/** The host name that a client gives itself, as a label that may travel in events (options 12 and 81). */
import { clientFqdn, hostName, type DhcpMessage } from '@ironbus/wire';

/** Lower case, the first label, letters, digits and dashes, at most 63; undefined when nothing usable is left (RFC 1123 §2.1). */
export function hostLabel(message: DhcpMessage): string | undefined {
  const given = clientFqdn(message)?.name || hostName(message);
  const label = given?.split('.')[0]?.toLowerCase().replace(/[^a-z0-9-]+/g, '-').slice(0, 63).replace(/^-+|-+$/g, '');
  return label === '' ? undefined : label;
}
