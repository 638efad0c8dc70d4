import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleMac, sampleNetwork, samplePolicy } from '../testing/samples.ts';
import { bootTable, chooseBoot, type BootAnswer, type BootQuestion } from './boot.ts';
import type { ClientKind, Stage } from './client.ts';

const stageOf = (kind: ClientKind): Stage => kind === 'plain' ? 'os' : kind === 'ipxe' ? 'ipxe' : 'firmware';
const ask = (kind: ClientKind, changes: Partial<BootQuestion> = {}): BootQuestion => ({
  client: { kind, stage: stageOf(kind), architecture: null }, mac: sampleMac, network: sampleNetwork(), policy: undefined, policiesHeard: true, ...changes,
});
const tftp = { nextServer: '10.77.0.1' };
const script = { file: 'http://10.77.0.1:5248/boot/52-54-00-77-00-01/script.ipxe', ...tftp, noProxyDhcp: true as const };
const http = (file: string) => ({ file: `http://10.77.0.1:5248/loaders/${file}`, vendorClass: 'HTTPClient' as const });
const other = { policy: samplePolicy({ bootPath: 1 }) };
const on = (unknownMachines: string) => ({ network: sampleNetwork({ unknownMachines }) });

const rows: [question: BootQuestion, answer: BootAnswer][] = [
  [ask('plain'), { rule: 'plain-client' }],
  [ask('plain', { policy: samplePolicy() }), { rule: 'plain-client' }],
  [ask('pxe-bios', { policiesHeard: false }), { rule: 'policies-not-heard' }],
  [ask('ipxe', { policiesHeard: false }), { rule: 'policies-not-heard' }],
  [ask('pxe-bios', { policiesHeard: false, policy: samplePolicy() }), { rule: 'bios-undionly', file: 'undionly.kpxe', ...tftp }],
  [ask('pxe-bios', on('ignore')), { rule: 'unknown-machine-ignored' }],
  [ask('ipxe', on('ignore')), { rule: 'unknown-machine-ignored' }],
  [ask('ipxe', { ...on('ignore'), policy: samplePolicy() }), { rule: 'ipxe-script', ...script }],
  [ask('pxe-uefi-x64', on('local-disk')), { rule: 'unknown-machine-local-disk' }],
  [ask('http-uefi-x64', on('local-disk')), { rule: 'unknown-machine-local-disk' }],
  [ask('ipxe', on('local-disk')), { rule: 'ipxe-script', ...script }],
  [ask('ipxe'), { rule: 'ipxe-script', ...script }],
  [ask('pxe-bios'), { rule: 'bios-undionly', file: 'undionly.kpxe', ...tftp }],
  [ask('pxe-uefi-x64'), { rule: 'uefi-x64-snponly', file: 'snponly.efi', ...tftp }],
  [ask('pxe-uefi-x64', other), { rule: 'uefi-x64-ipxe', file: 'ipxe.efi', ...tftp }],
  [ask('pxe-uefi-arm64'), { rule: 'uefi-arm64-ipxe', file: 'ipxe-arm64.efi', ...tftp }],
  [ask('http-uefi-x64'), { rule: 'http-x64-snponly', ...http('snponly.efi') }],
  [ask('http-uefi-x64', other), { rule: 'http-x64-ipxe', ...http('ipxe.efi') }],
  [ask('http-uefi-arm64'), { rule: 'http-arm64-ipxe', ...http('ipxe-arm64.efi') }],
  [ask('pxe-uefi-ia32'), { rule: 'no-loader-ia32' }],
  [ask('pxe-other'), { rule: 'no-loader' }],
];

for (const [question, answer] of rows) {
  test(`boot: ${question.client.kind} ${question.policy === undefined ? 'unknown' : 'known'} ${question.network.unknownMachines} → ${answer.rule}`, () => {
    assert.deepEqual(chooseBoot(question), answer);
  });
}

test('every rule of the table is reached by a row above, and has its witness', () => {
  const reached = new Set(rows.map(([, answer]) => answer.rule));
  assert.deepEqual(bootTable.filter(({ rule }) => !reached.has(rule)).map(({ rule }) => rule), []);
  assert.equal(new Set(bootTable.map(({ rule }) => rule)).size, bootTable.length);
  assert.ok(bootTable.every(({ witness }) => witness !== ''));
});
