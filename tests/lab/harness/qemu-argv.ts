/** A virtual machine as data, and the QEMU command line it stands for. Pure: the same machine always gives the same argv. */
import { nicSlot } from './uefi-variables.ts';

export type Firmware = 'bios' | 'uefi' | 'uefi-secure' | 'uefi-http' | 'uefi-secure-http' | 'uefi-ia32' | 'uefi-arm64';
export type DiskSpec = { sizeGb: number; serial: string };

/** Everything that is chosen about a machine; `mac` with colons, `uuid` with dashes, both lower case. */
export type MachineSpec = {
  name: string;
  mac: string;
  uuid: string;
  serial: string;
  firmware: Firmware;
  memoryMb: number;
  cpus: number;
  nic: 'virtio-net-pci' | 'e1000e';
  disks: readonly DiskSpec[];
  network: 'pxe' | 'far';
  /** TCP port on loopback of ipmi_sim's KCS channel, for an agent that asks its BMC in-band. */
  kcsPort?: number;
};

/** What the firmware tries first; the rest follows in turn, so that a failed network boot falls to the disk. */
export type BootOrder = 'network' | 'disk';

/** Names of a machine's files, relative to its own directory: QEMU runs there, so no socket path is too long. */
export const machineFiles = {
  qmp: 'qmp.sock', serialLog: 'serial.log', serialSocket: 'serial.sock', variables: 'vars.fd', variablesOnce: 'vars-once.fd', pid: 'qemu.pid', boot: 'boot',
  disk: (index: number): string => `disk${index}.qcow2`,
} as const;

/** The tap of a machine in the rack namespace (15 characters at most, as the kernel wants). */
export const tapOf = (spec: MachineSpec): string => `t-${spec.name}`;

/** Where Debian's packages ovmf, ovmf-ia32 and qemu-efi-aarch64 keep a firmware's code, and the variables it starts its life with. */
export function flashFiles(firmware: Exclude<Firmware, 'bios'>): { code: string; variables: string } {
  switch (firmware) {
    case 'uefi':
    case 'uefi-http': return { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' };
    case 'uefi-secure':
    case 'uefi-secure-http': return { code: '/usr/share/OVMF/OVMF_CODE_4M.secboot.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.ms.fd' };
    case 'uefi-ia32': return { code: '/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd', variables: '/usr/share/OVMF/OVMF32_VARS_4M.fd' };
    case 'uefi-arm64': return { code: '/usr/share/AAVMF/AAVMF_CODE.fd', variables: '/usr/share/AAVMF/AAVMF_VARS.fd' };
  }
}

/** Builds that keep their variables behind system management mode, whether Secure Boot is on or not. */
const needsSmm = (firmware: Firmware): boolean => firmware.startsWith('uefi-secure') || firmware === 'uefi-ia32';
/** The network is booted from by HTTP, and not by PXE. */
export const bootsByHttp = (firmware: Firmware): boolean => firmware.endsWith('-http');
const isArm = ({ firmware }: MachineSpec): boolean => firmware === 'uefi-arm64';

/** The reasons why a machine can't be built; empty when it can. QEMU splits option values at commas, so these are kept out. */
export function machineFaults(spec: MachineSpec): string[] {
  const checks: [boolean, string][] = [
    [/^[a-z][a-z0-9-]{0,12}$/.test(spec.name), `name '${spec.name}': 1 to 13 of a-z 0-9 -`],
    [/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/.test(spec.mac), `mac '${spec.mac}': a lower case unicast address`],
    [/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(spec.uuid), `uuid '${spec.uuid}': lower case with dashes`],
    [isPlain(spec.serial), `serial '${spec.serial}': letters, digits and -`],
    [spec.disks.length <= 4, `${spec.disks.length} disks: 4 at most`],
    [spec.disks.every(isSound), 'disks: a size and a serial of at most 20 characters (virtio-blk)'],
    [!isArm(spec) || spec.kcsPort === undefined, 'kcsPort: an arm64 machine has no ISA bus for it'],
    [spec.memoryMb >= 128 && spec.cpus >= 1, `${spec.memoryMb} MB, ${spec.cpus} cpus: 128 MB and one cpu at least`],
  ];
  return checks.filter(([isFine]) => !isFine).map(([, fault]) => fault);
}

/** The whole command line, program first. Emulation (TCG) always: it runs everywhere and measures alike everywhere. */
export function qemuArgv(spec: MachineSpec, order: BootOrder): string[] {
  return [
    ...boardArgs(spec), '-name', spec.name,
    '-m', String(spec.memoryMb), '-smp', String(spec.cpus),
    '-nodefaults', '-no-user-config', '-display', 'none', '-monitor', 'none', '-device', 'virtio-rng-pci',
    '-chardev', `socket,id=serial0,path=${machineFiles.serialSocket},server=on,wait=off,logfile=${machineFiles.serialLog},logappend=on`,
    '-serial', 'chardev:serial0',
    '-qmp', `unix:${machineFiles.qmp},server=on,wait=off`,
    ...firmwareArgs(spec, order), ...identityArgs(spec), ...nicArgs(spec, order), ...diskArgs(spec, order), ...kcsArgs(spec),
  ];
}

/** The arm64 board has a serial line and no screen; `max` there means minutes of emulated pointer authentication. */
function boardArgs(spec: MachineSpec): string[] {
  if (isArm(spec)) return ['qemu-system-aarch64', '-machine', 'virt,accel=tcg', '-cpu', 'cortex-a57'];
  return ['qemu-system-x86_64', '-machine', `q35,accel=tcg${needsSmm(spec.firmware) ? ',smm=on' : ''}`, '-cpu', 'max', '-vga', 'std'];
}

/** SMBIOS types 1 (system), 2 (board) and 3 (chassis); -uuid as well, for option 97 of the option ROM. */
function identityArgs(spec: MachineSpec): string[] {
  const maker = 'manufacturer=Ironbus';
  return [
    '-uuid', spec.uuid,
    '-smbios', `type=1,${maker},product=Lab Node,version=1,serial=${spec.serial},uuid=${spec.uuid},sku=lab,family=Lab`,
    '-smbios', `type=2,${maker},product=Lab Board,serial=${spec.serial}-B`,
    '-smbios', `type=3,${maker},serial=${spec.serial}-C,asset=${spec.name}`,
  ];
}

/**
 * OVMF's flash pair. IPv6 PXE is off in all kinds: without a DHCPv6 server it costs a minute on the way to the disk.
 * Kinds that boot by HTTP have IPv4 PXE off as well. A start with the disk first runs on a copy of the variables, since OVMF writes
 * QEMU's order into them for good.
 */
function firmwareArgs(spec: MachineSpec, order: BootOrder): string[] {
  const { firmware } = spec;
  if (firmware === 'bios') return [];
  const off = (feature: string): string[] => ['-fw_cfg', `name=opt/org.tianocore/${feature},string=n`];
  const variables = order === 'disk' ? machineFiles.variablesOnce : machineFiles.variables;
  return [
    '-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${flashFiles(firmware).code}`,
    '-drive', `if=pflash,unit=1,format=raw,file=${variables}`,
    ...(needsSmm(firmware) ? ['-global', 'driver=cfi.pflash01,property=secure,value=on'] : []),
    ...off('IPv6PXESupport'),
    ...(bootsByHttp(firmware) ? off('IPv4PXESupport') : []),
  ];
}

/**
 * Whether the firmware's own boot order decides (see uefi-variables.ts), and QEMU's bootindex is left out. Not with
 * e1000e: OVMF has no driver for it, and the option ROM's boot entry is not known beforehand. Not on arm64: Debian's
 * template of its variables is empty, and the firmware formats it at the first start.
 */
export function hasOwnBootOrder(spec: MachineSpec): boolean {
  return spec.firmware !== 'bios' && !isArm(spec) && spec.nic === 'virtio-net-pci';
}

/** Under UEFI an empty romfile makes the firmware's own virtio driver boot instead of the iPXE ROM, which is none for arm64. */
function nicArgs(spec: MachineSpec, order: BootOrder): string[] {
  const rom = spec.firmware !== 'bios' && spec.nic === 'virtio-net-pci' ? ',romfile=' : '';
  const index = hasOwnBootOrder(spec) ? '' : `,bootindex=${order === 'network' ? 1 : 9}`;
  return [
    '-netdev', `tap,id=net0,ifname=${tapOf(spec)},script=no,downscript=no`,
    '-device', `${spec.nic},netdev=net0,mac=${spec.mac},addr=${nicSlot}${index}${rom}`,
  ];
}

/** cache=unsafe: the guest's flushes cost nothing; `off` ends QEMU by SIGTERM, which writes everything out. */
function diskArgs(spec: MachineSpec, order: BootOrder): string[] {
  const first = order === 'network' ? 2 : 1;
  const indexed = (index: number): string => (order === 'network' && hasOwnBootOrder(spec) ? '' : `,bootindex=${first + index}`);
  return spec.disks.flatMap((disk, index) => [
    '-drive', `if=none,id=disk${index},file=${machineFiles.disk(index)},format=qcow2,cache=unsafe,discard=unmap,detect-zeroes=unmap`,
    '-device', `virtio-blk-pci,drive=disk${index},serial=${disk.serial}${indexed(index)}`,
  ]);
}

function kcsArgs(spec: MachineSpec): string[] {
  if (spec.kcsPort === undefined) return [];
  return [
    '-chardev', `socket,id=ipmi0,host=127.0.0.1,port=${spec.kcsPort},reconnect=1`,
    '-device', 'ipmi-bmc-extern,id=bmc0,chardev=ipmi0', '-device', 'isa-ipmi-kcs,bmc=bmc0',
  ];
}

const isSound = (disk: DiskSpec): boolean => isPlain(disk.serial) && disk.serial.length <= 20 && disk.sizeGb > 0;
const isPlain = (text: string): boolean => /^[A-Za-z0-9-]+$/.test(text);

/** An argv as one line of sh, every word quoted. */
export function shellLine(argv: readonly string[]): string {
  return argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}
