import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machineFaults, type MachineSpec, qemuArgv, shellLine } from './qemu-argv.ts';

const spec: MachineSpec = {
  name: 'n1', mac: '52:54:00:77:00:01', uuid: '52540077-0000-4000-8000-000000000001', serial: 'SER-1', firmware: 'bios',
  memoryMb: 512, cpus: 1, nic: 'virtio-net-pci', disks: [{ sizeGb: 4, serial: 'DISK-1' }, { sizeGb: 1, serial: 'DISK-2' }], network: 'pxe',
};
const line = (changes: Partial<MachineSpec>, order: 'network' | 'disk' = 'network'): string => qemuArgv({ ...spec, ...changes }, order).join(' ');

test('the network is tried before the disks, unless the disk was chosen', () => {
  assert.match(line({}), /mac=52:54:00:77:00:01,addr=3,bootindex=1 /);
  assert.match(line({}), /drive=disk0,serial=DISK-1,bootindex=2 .*drive=disk1,serial=DISK-2,bootindex=3/);
  assert.match(line({}, 'disk'), /bootindex=9 .*drive=disk0,serial=DISK-1,bootindex=1 /);
});

test('identity is told twice: -uuid for the option ROM, SMBIOS for the system', () => {
  assert.match(line({}), /-uuid 52540077-0000-4000-8000-000000000001 -smbios type=1,manufacturer=Ironbus,.*serial=SER-1,uuid=52540077/);
});

for (const [firmware, present, absent] of [
  ['bios', /-machine q35,accel=tcg -cpu max/, /pflash|fw_cfg|romfile/],
  ['uefi', /OVMF_CODE_4M\.fd.*IPv6PXESupport,string=n.*romfile=/, /IPv4PXESupport|smm=on/],
  ['uefi-secure', /smm=on.*OVMF_CODE_4M\.secboot\.fd.*property=secure,value=on/, /IPv4PXESupport/],
  ['uefi-http', /IPv4PXESupport,string=n/, /smm=on/],
  ['uefi-secure-http', /smm=on.*OVMF_CODE_4M\.secboot\.fd.*IPv4PXESupport,string=n/, /bootindex/],
  ['uefi-ia32', /q35,accel=tcg,smm=on.*OVMF32_CODE_4M\.secboot\.fd.*property=secure,value=on.*romfile=/, /IPv4PXESupport|bootindex/],
  ['uefi-arm64', /^qemu-system-aarch64 -machine virt,accel=tcg -cpu cortex-a57 .*AAVMF_CODE\.fd.*addr=3,bootindex=1,romfile=/, /-vga|smm|q35/],
] as const) {
  test(`firmware ${firmware}`, () => {
    assert.match(line({ firmware }), present);
    assert.doesNotMatch(line({ firmware }), absent);
  });
}

test('OVMF keeps its own boot order; the disk is put first on a copy of its variables', () => {
  assert.doesNotMatch(line({ firmware: 'uefi' }), /bootindex/);
  assert.match(line({ firmware: 'uefi' }), /file=vars\.fd/);
  assert.match(line({ firmware: 'uefi' }, 'disk'), /file=vars-once\.fd.*serial=DISK-1,bootindex=1/);
});

test('OVMF has no driver for e1000e, so its option ROM stays', () => {
  assert.doesNotMatch(line({ firmware: 'uefi', nic: 'e1000e' }), /romfile/);
});

test('in-band IPMI only with a port', () => {
  assert.doesNotMatch(line({}), /ipmi/);
  assert.match(line({ kcsPort: 9002 }), /ipmi-bmc-extern.*isa-ipmi-kcs/);
});

test('a sound machine has no faults', () => assert.deepEqual(machineFaults(spec), []));

for (const [name, changes, fault] of [
  ['a name too long for a tap', { name: 'abcdefghijklmn' }, /name/],
  ['a multicast mac', { mac: '53:54:00:77:00:01' }, /mac/],
  ['an upper case uuid', { uuid: spec.uuid.replace('4000', 'ABCD') }, /uuid/],
  ['a comma in a serial', { serial: 'a,b' }, /serial/],
  ['a disk serial of 21 characters', { disks: [{ sizeGb: 1, serial: 'x'.repeat(21) }] }, /disks/],
  ['an ISA device on an arm64 board', { firmware: 'uefi-arm64', kcsPort: 9002 }, /kcsPort/],
] as const) {
  test(`fault: ${name}`, () => assert.match(machineFaults({ ...spec, ...changes }).join(), fault));
}

test('a word with a quote survives sh', () => assert.equal(shellLine(['echo', "it's"]), "'echo' 'it'\\''s'"));
