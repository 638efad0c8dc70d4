import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeSubOptions, encodeSubOptions, type SubOption } from '@ironbus/wire';
import { sampleMac, sampleNetwork, samplePolicy } from '../testing/samples.ts';
import { bootDocument } from './boot-document.ts';
import { bootTable, chooseBoot, type BootAnswer, type BootQuestion } from './boot.ts';
import { clientKinds, type ClientKind, type Stage } from './client.ts';
import { loaderTable } from './loaders.ts';

const stageOf = (kind: ClientKind): Stage => kind === 'plain' || kind === 'onie' ? 'os' : kind === 'ipxe' ? 'ipxe' : 'firmware';
const ask = (kind: ClientKind, changes: Partial<BootQuestion> = {}): BootQuestion => ({
  client: { kind, stage: stageOf(kind), architecture: null, ...(kind === 'bsdp' && { bsdp: { architecture: 'i386', model: 'iMac14,2' } }) },
  mac: sampleMac, network: sampleNetwork(), policy: undefined, policiesHeard: true, ...changes,
});
const hexOf = (subOptions: readonly SubOption[] | undefined): string | undefined =>
  subOptions && Buffer.from(encodeSubOptions(subOptions, true)).toString('hex');
const subs = (hex: string): SubOption[] => decodeSubOptions(Buffer.from(hex.replaceAll(' ', ''), 'hex')) ?? [];
const text = (words: string): string => Buffer.from(words).toString('hex');

const tftp = { nextServer: '10.77.0.1' };
const rom = { ...tftp, vendorClass: 'PXEClient' as const, vendorOptions: subs('060108ff') };
const script = { file: 'http://10.77.0.1:5248/boot/52-54-00-77-00-01/script.ipxe', ...tftp, noProxyDhcp: true as const };
const http = (file: string) => ({ file: `http://10.77.0.1:5248/loaders/${file}`, vendorClass: 'HTTPClient' as const });
const pi = (words: string) => ({
  ...tftp, vendorClass: 'PXEClient' as const,
  vendorOptions: subs(`060103 09${(3 + words.length).toString(16)} 0000 ${words.length.toString(16)} ${text(words)} 0a04 00 ${text('PXE')} ff`),
});
const mac = { vendorClass: 'AAPLBSDPC' as const, vendorOptions: subs('08048100115cff') };
const known = { policy: samplePolicy() };
const other = { policy: samplePolicy({ bootPath: 1 }) };
const on = (unknownMachines: string) => ({ network: sampleNetwork({ unknownMachines }) });
const loader = (choice: string) => ({ network: sampleNetwork({ loader: choice }) });
const silent = { policiesHeard: false };
const entries = [{ text: 'Local disk', boots: 'local-disk' }, { text: 'Ironbus', boots: 'ipxe' }];
const withMenu = { network: sampleNetwork({ bootMenu: { prompt: 'F8', timeoutSeconds: 5, entries } }) };
const menu = {
  ...tftp, vendorClass: 'PXEClient' as const,
  vendorOptions: subs(`060107 0807 8001 01 0a4d0001 0917 0000 0a ${text('Local disk')} 8001 07 ${text('Ironbus')} 0a03 05 ${text('F8')} ff`),
};
const powerMac: Partial<BootQuestion> = { client: { kind: 'bsdp', stage: 'firmware', architecture: null, bsdp: { architecture: 'ppc', model: 'PowerMac3,1' } } };
const withoutLoader = [
  'pxe-other', 'pxe-uefi-arm32', 'pxe-uefi-riscv64', 'pxe-uefi-loongarch64',
  'http-bios', 'http-other', 'http-uefi-arm32', 'http-uefi-riscv64', 'http-uefi-loongarch64',
] as const;
const firstPi: Partial<BootQuestion> = { client: { kind: 'raspberry-pi', stage: 'firmware', architecture: 0, pi: { code: 'rom', constantUuid: true } } };

const rows: [question: BootQuestion, answer: BootAnswer][] = [
  [ask('plain'), { rule: 'plain-client' }],
  [ask('plain', known), { rule: 'plain-client' }],
  [ask('plain', withMenu), { rule: 'plain-client' }],
  [ask('onie'), { rule: 'onie' }],
  [ask('onie', { ...known, ...silent }), { rule: 'onie' }],
  ...(['pxe-bios', 'pxe-uefi-x64', 'http-uefi-x64', 'ipxe', 'raspberry-pi', 'bsdp'] as const).flatMap((kind): [BootQuestion, BootAnswer][] => [
    [ask(kind, silent), { rule: 'policies-not-heard' }],
    [ask(kind, on('ignore')), { rule: 'unknown-machine-ignored' }],
    [ask(kind, { ...on('local-disk') }), kind === 'ipxe' ? { rule: 'ipxe-script', ...script } : { rule: 'unknown-machine-local-disk' }],
  ]),
  [ask('pxe-bios', { ...silent, ...known }), { rule: 'bios-undionly', file: 'undionly.kpxe', ...rom }],
  [ask('ipxe', { ...on('ignore'), ...known }), { rule: 'ipxe-script', ...script }],
  [ask('ipxe'), { rule: 'ipxe-script', ...script }],
  [ask('ipxe', withMenu), { rule: 'ipxe-script', ...script }],
  [ask('ipxe', loader('grub')), { rule: 'ipxe-script', ...script }],
  [ask('ipxe', { ...loader('pxelinux'), client: { kind: 'ipxe', stage: 'ipxe', architecture: 0 } }), { rule: 'bios-pxelinux', file: 'lpxelinux.0', ...rom }],
  [ask('raspberry-pi'), { rule: 'raspberry-pi', ...pi('Raspberry Pi Boot') }],
  [ask('raspberry-pi', firstPi), { rule: 'raspberry-pi', ...pi('Raspberry Pi Boot   ') }],
  [ask('raspberry-pi', { policy: samplePolicy({ answer: 'agent' }) }), { rule: 'raspberry-pi', ...pi('Raspberry Pi Boot') }],
  [ask('raspberry-pi', { policy: samplePolicy({ answer: 'hold' }) }), { rule: 'raspberry-pi', ...pi('Raspberry Pi Boot') }],
  [ask('raspberry-pi', known), { rule: 'raspberry-pi-local-disk' }],
  [ask('bsdp'), { rule: 'bsdp-proposal', ...mac }],
  [ask('bsdp', { bsdpImages: [] }), { rule: 'bsdp-no-images' }],
  [ask('bsdp', powerMac), { rule: 'bsdp-no-images' }],
  [ask('pxe-bios', withMenu), { rule: 'boot-menu', ...menu }],
  [ask('pxe-uefi-x64', withMenu), { rule: 'boot-menu', ...menu }],
  [ask('pxe-uefi-x64', { ...withMenu, policy: samplePolicy({ answer: 'enlist' }) }), { rule: 'boot-menu', ...menu }],
  ...(['local', 'agent', 'hold'] as const).map((answer): [BootQuestion, BootAnswer] =>
    [ask('pxe-uefi-x64', { ...withMenu, policy: samplePolicy({ answer }) }), { rule: 'uefi-x64-snponly', file: 'snponly.efi', ...tftp }]),
  [ask('http-uefi-x64', withMenu), { rule: 'http-x64-snponly', ...http('snponly.efi') }],
  [ask('pxe-bios'), { rule: 'bios-undionly', file: 'undionly.kpxe', ...rom }],
  [ask('pxe-bios', other), { rule: 'bios-ipxe', file: 'ipxe.pxe', ...rom }],
  [ask('pxe-bios', loader('pxelinux')), { rule: 'bios-pxelinux', file: 'lpxelinux.0', ...rom }],
  [ask('pxe-bios', loader('grub')), { rule: 'bios-grub', file: 'grub-i386-pc.0', ...rom }],
  [ask('pxe-bios', { ...loader('grub'), loader: 'pxelinux' }), { rule: 'bios-pxelinux', file: 'lpxelinux.0', ...rom }],
  [ask('pxe-uefi-ia32'), { rule: 'uefi-ia32-grub', file: 'grubia32.efi', ...tftp }],
  [ask('http-uefi-ia32'), { rule: 'http-ia32-grub', ...http('grubia32.efi') }],
  [ask('pxe-uefi-x64'), { rule: 'uefi-x64-snponly', file: 'snponly.efi', ...tftp }],
  [ask('pxe-uefi-x64', other), { rule: 'uefi-x64-shim', file: 'shimx64.efi', ...tftp }],
  [ask('pxe-uefi-x64', { loaderFailures: 1 }), { rule: 'uefi-x64-shim', file: 'shimx64.efi', ...tftp }],
  [ask('pxe-uefi-x64', { loaderFailures: 2 }), { rule: 'uefi-x64-ipxe', file: 'ipxe.efi', ...tftp }],
  [ask('pxe-uefi-x64', { ...other, loaderFailures: 2 }), { rule: 'uefi-x64-snponly', file: 'snponly.efi', ...tftp }],
  [ask('pxe-uefi-x64', { policy: samplePolicy({ secureBoot: true }) }), { rule: 'uefi-x64-shim', file: 'shimx64.efi', ...tftp }],
  [ask('pxe-uefi-x64', loader('grub')), { rule: 'uefi-x64-shim', file: 'shimx64.efi', ...tftp }],
  [ask('pxe-uefi-arm64'), { rule: 'uefi-arm64-ipxe', file: 'ipxe-arm64.efi', ...tftp }],
  [ask('pxe-uefi-arm64', { loaderFailures: 1 }), { rule: 'uefi-arm64-shim', file: 'shimaa64.efi', ...tftp }],
  [ask('http-uefi-x64'), { rule: 'http-x64-snponly', ...http('snponly.efi') }],
  [ask('http-uefi-x64', other), { rule: 'http-x64-shim', ...http('shimx64.efi') }],
  [ask('http-uefi-x64', { loaderFailures: 2 }), { rule: 'http-x64-ipxe', ...http('ipxe.efi') }],
  [ask('http-uefi-arm64'), { rule: 'http-arm64-ipxe', ...http('ipxe-arm64.efi') }],
  [ask('http-uefi-arm64', { policy: samplePolicy({ secureBoot: true }) }), { rule: 'http-arm64-shim', ...http('shimaa64.efi') }],
  ...withoutLoader.map((kind): [BootQuestion, BootAnswer] => [ask(kind), { rule: 'no-loader' }]),
];

rows.forEach(([question, answer], index) => {
  test(`boot ${index}: ${question.client.kind}, ${question.policy?.answer ?? `unknown ${question.network.unknownMachines}`} → ${answer.rule}`, () => {
    const { vendorOptions, ...given } = chooseBoot(question);
    const { vendorOptions: wanted, ...rest } = answer;
    assert.deepEqual(given, rest);
    assert.equal(hexOf(vendorOptions), hexOf(wanted));
  });
});

test('every rule of both tables is reached by a row above and has its witness; every kind of client is asked about', () => {
  const reached = new Set(rows.map(([, answer]) => answer.rule));
  const rules = [...bootTable.map(({ rule }) => rule), ...loaderTable.flatMap(({ rule, http: by }) => by === undefined ? [rule] : [rule, by])];
  assert.deepEqual(rules.filter((rule) => !reached.has(rule)), []);
  assert.equal(new Set(rules).size, rules.length);
  assert.ok(bootTable.every(({ witness, gives }) => witness !== '' && gives !== ''));
  assert.deepEqual(clientKinds.filter((kind) => !rows.some(([question]) => question.client.kind === kind)), []);
});

test('without a menu UEFI PXE never hears PXEClient, whatever its state', () => {
  for (const kind of ['pxe-uefi-ia32', 'pxe-uefi-x64', 'pxe-uefi-arm64'] as const) {
    for (const answer of ['agent', 'enlist', 'local', 'hold']) {
      for (const choice of ['auto', 'ipxe', 'grub', 'pxelinux']) {
        const { vendorClass, vendorOptions } = chooseBoot(ask(kind, { ...loader(choice), policy: samplePolicy({ answer }) }));
        assert.deepEqual([vendorClass, vendorOptions], [undefined, undefined], `${kind} ${answer} ${choice}`);
      }
    }
  }
});

test('the page has every rule', () => {
  const page = bootDocument();
  for (const { rule } of [...bootTable, ...loaderTable]) assert.ok(page.includes(`\`${rule}\``), rule);
});
