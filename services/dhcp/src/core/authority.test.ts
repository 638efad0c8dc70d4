import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DhcpServer, ForeignServer, Ipv4 } from '@ironbus/contracts';
import { afterProbe, claim, servedLately, type Authority, type Claim, type ProbeOutcome } from './authority.ts';

const router: ForeignServer = { serverId: '192.168.1.1' as Ipv4, from: '192.168.1.1' as Ipv4, mac: null, offered: null, bootFile: null };
const second: ForeignServer = { ...router, serverId: '192.168.1.2' as Ipv4 };
const found = (...servers: ForeignServer[]): ProbeOutcome => ({ ok: true, servers });
const noLink: ProbeOutcome = { ok: false, missing: true, why: 'eth0 has no link' };
const noKoffi: ProbeOutcome = { ok: false, missing: false, why: 'koffi is not usable' };

test('a claim: who is probed first and who answers at once', () => {
  const rows: [string, Partial<Claim>, Authority['state'], number | undefined][] = [
    ['a network on our wire', {}, 'probing', 5],
    ['behind a relay', { relayed: true }, 'authoritative', undefined],
    ['forced', { forced: true }, 'authoritative', 5],
    ['served within the last hour', { servedLately: true }, 'authoritative', 5],
  ];
  for (const [name, terms, state, probeAtMs] of rows) {
    const authority = claim({ relayed: false, forced: false, servedLately: false, ...terms }, 5);
    assert.deepEqual([authority.state, authority.probeAtMs], [state, probeAtMs], name);
  }
});

test('what a probe makes of each standing', () => {
  const probing = claim({ relayed: false, forced: false, servedLately: false }, 0);
  const served = claim({ relayed: false, forced: false, servedLately: true }, 0);
  const forced = claim({ relayed: false, forced: true, servedLately: false }, 0);
  const refused = afterProbe(probing, found(router), { forced: false, nowMs: 0 }).authority;
  const unprobed = afterProbe(probing, noKoffi, { forced: false, nowMs: 0 }).authority;
  const missing = afterProbe(probing, noLink, { forced: false, nowMs: 0 }).authority;
  const rows: [string, Authority, ProbeOutcome, [Authority['state'], string | undefined, number | undefined]][] = [
    ['nobody answers', probing, found(), ['authoritative', 'nobody-else', undefined]],
    ['somebody answers', probing, found(router), ['refused', 'refused', 61_000]],
    ['the same one answers again', refused, found(router), ['refused', undefined, 61_000]],
    ['another one answers too', refused, found(router, second), ['refused', 'refused', 61_000]],
    ['they are gone', refused, found(), ['authoritative', 'others-gone', undefined]],
    ['a served network has got another server', served, found(router), ['refused', 'refused', 61_000]],
    ['a served network is alone', served, found(), ['authoritative', undefined, undefined]],
    ['forced beside another', forced, found(router), ['authoritative', 'forced-beside-others', undefined]],
    ['forced and alone', forced, found(), ['authoritative', undefined, undefined]],
    ['no link yet', probing, noLink, ['no-device', undefined, 2_000]],
    ['link, and nobody answers', missing, found(), ['authoritative', 'nobody-else', undefined]],
    ['a served network without link goes on', served, noLink, ['authoritative', undefined, 2_000]],
    ['nothing can be asked', probing, noKoffi, ['refused', 'unprobed', 61_000]],
    ['still nothing can be asked', unprobed, noKoffi, ['refused', undefined, 61_000]],
    ['a served network that can not ask goes on', served, noKoffi, ['authoritative', undefined, 61_000]],
    ['forced without asking', forced, noKoffi, ['authoritative', undefined, 61_000]],
  ];
  for (const [name, before, outcome, expected] of rows) {
    const { authority, said } = afterProbe(before, outcome, { forced: before === forced, nowMs: 1_000 });
    assert.deepEqual([authority.state, said, authority.probeAtMs], expected, name);
  }
});

test('a refusal names the servers and the remedy; the contract’s length is kept', () => {
  const probing = claim({ relayed: false, forced: false, servedLately: false }, 0);
  const { authority } = afterProbe(probing, found(router), { forced: false, nowMs: 0 });
  assert.equal(authority.why, 'other DHCP servers answer here: 192.168.1.1; switch them off, set the network to proxy, or force it');
  assert.deepEqual(authority.others, [{ ...router, seenAt: '1970-01-01T00:00:00.000Z' }]);
  const many = Array.from({ length: 64 }, () => ({ ...router, bootFile: 'x'.repeat(1_024) }));
  const { authority: long } = afterProbe(probing, found(...many), { forced: false, nowMs: 0 });
  assert.ok((long.why?.length ?? 0) <= 500);
});

test('an entry of the last hour by this rack, about the same server address, is evidence', () => {
  const nowMs = Date.parse('2026-01-01T02:00:00.000Z');
  const network = { id: 'lan1', rack: 'rack1', serverAddress: '10.77.0.1' } as unknown as Parameters<typeof servedLately>[1];
  const entry = (changes: Partial<Record<keyof DhcpServer, unknown>> = {}, served: object = {}): DhcpServer => ({
    rack: 'rack1', instance: 'a', startedAt: '2026-01-01T00:00:00.000Z', at: '2026-01-01T01:59:00.000Z', storeReady: true,
    networks: [{ network: 'lan1', serverAddress: '10.77.0.1', state: 'authoritative', why: null, others: [], ...served }], ...changes,
  } as unknown as DhcpServer);
  const rows: [string, DhcpServer[], boolean][] = [
    ['none', [], false],
    ['its own, a minute old', [entry()], true],
    ['more than an hour old', [entry({ at: '2026-01-01T00:59:59.000Z' })], false],
    ['another rack', [entry({ rack: 'rack2' })], false],
    ['another network', [entry({}, { network: 'lan2' })], false],
    ['another address', [entry({}, { serverAddress: '10.77.0.2' })], false],
    ['refused then', [entry({}, { state: 'refused' })], false],
    ['a sibling’s', [entry({ at: '2026-01-01T00:00:00.000Z' }), entry({ instance: 'b' })], true],
  ];
  for (const [name, entries, expected] of rows) assert.equal(servedLately(entries, network, nowMs), expected, name);
});
