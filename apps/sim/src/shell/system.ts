/** The system on a machine's disk: started, it calls home once per instance, with the URL of its seed or of the rack's MAAS metadata. */
import { setTimeout as pause } from 'node:timers/promises';
import { http, type HttpAnswer, type HttpAsk } from './http.ts';
import type { Machine } from './machine.ts';

/** cloud-init calls again after about as long. */
const againMs = 5_000;
const maasConfig = '90_ironbus.cfg';
type Maas = { metadata_url: string; consumer_key: string; token_key: string; token_secret: string };

export async function startSystem(machine: Machine, address: string, signal: AbortSignal): Promise<'stay'> {
  const { disk } = machine;
  machine.touch('start', null);
  await machine.pass('system', signal);
  if (disk.seed === null) return 'stay';
  if (disk.seed[maasConfig] !== undefined && disk.seed['vendor-data'] === undefined) await fetchSeed(machine, address, signal);
  const vendor = JSON.parse((disk.seed['vendor-data'] ?? '').replace('#cloud-config\n', '')) as { phone_home?: { url: string } };
  const hostname = (JSON.parse(disk.seed['meta-data'] ?? '{}') as Record<string, string>)['local-hostname'] ?? '';
  const url = vendor.phone_home?.url;
  if (url === undefined || machine.diary.includes(`called ${url}`)) return 'stay';
  const body = new URLSearchParams({ pub_key_ed25519: `ssh-ed25519 AAAA root@${hostname}`, hostname, instance_id: 'i' }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  await insist(machine, 'phone-home', { method: 'POST', url, from: address, headers, body, signal });
  machine.note(`called ${url}`);
  await machine.pass('phoned-home', signal);
  return 'stay';
}

/** As DataSourceMAAS does at the first boot; what came is kept on the disk. */
async function fetchSeed(machine: Machine, address: string, signal: AbortSignal): Promise<void> {
  const { seed } = machine.disk;
  const config = JSON.parse(/^datasource: (.*)$/m.exec(seed?.[maasConfig] ?? '')?.[1] ?? '{}') as { MAAS?: Maas };
  if (seed === null || config.MAAS === undefined) return;
  const { metadata_url: base, consumer_key: consumer, token_key: token, token_secret: secret } = config.MAAS;
  const signed = Object.entries({ consumer_key: consumer, token, signature_method: 'PLAINTEXT', version: '1.0', signature: `&${secret}` });
  const authorization = `OAuth ${signed.map(([name, value]) => `oauth_${name}="${encodeURIComponent(value)}"`).join(', ')}`;
  const read = async (path: string): Promise<string> => {
    const url = `${base}2012-03-01/meta-data/${path}`;
    return (await insist(machine, `metadata ${path}`, { method: 'GET', url, from: address, headers: { authorization }, signal })).bytes.toString();
  };
  const hostname = await read('local-hostname');
  const vendor = JSON.parse(await read('vendor-data')) as { 'cloud-init': string };
  Object.assign(seed, { 'meta-data': JSON.stringify({ 'local-hostname': hostname }), 'vendor-data': vendor['cloud-init'] });
}

/** Asks until it is answered 200. */
export function insist(machine: Machine, request: string, ask: HttpAsk): Promise<HttpAnswer> {
  return machine.send(request, ask.signal, async () => {
    for (;;) {
      const answer = await http(ask).catch(() => { ask.signal.throwIfAborted(); return undefined; });
      if (answer?.status === 200) return answer;
      machine.note(`retry ${request} ${answer?.status ?? 'unreachable'}`);
      await pause(againMs * machine.place.pace, undefined, { signal: ask.signal });
    }
  });
}
