/** Which kernel modules the ephemeral image carries, and how their dependencies are found. Data and pure functions. */
import type { Architecture } from './packages.ts';

type Groups = Readonly<Record<string, string>>;

/** Names as modprobe takes them, `_` for `-`. A name the kernel has built in is fine; one it does not know stops the build. */
const EVERYWHERE: Groups = {
  // QEMU/KVM, VMware, Hyper-V, Xen
  virtualMachines: 'virtio_net virtio_blk virtio_scsi virtio_rng virtio_balloon vmxnet3 hv_netvsc hv_storvsc xen_netfront xen_blkfront',
  cloudNics: 'ena gve mana',
  intelNics: 'e100 e1000 e1000e igb igc ixgbe ixgbevf i40e iavf ice',
  broadcomNics: 'tg3 bnx2 bnx2x bnxt_en',
  nvidiaNics: 'mlx4_en mlx4_core mlx5_core',
  otherNics: 'r8169 8139cp 8139too be2net sfc cxgb4 atlantic qede enic ionic sky2 skge alx atl1c jme via_velocity',
  usbNics: 'r8152 ax88179_178a asix cdc_ether cdc_ncm',
  // PHY drivers the kernel asks for by number once a NIC is up
  phys: 'realtek broadcom marvell',
  ataDisks: 'ahci ata_piix ata_generic libata sata_nv sata_sil sata_sil24 sata_via sata_mv sd_mod',
  nvme: 'nvme',
  // SAS, RAID and old LSI; Fibre Channel and iSCSI are left out: nothing is deployed over them
  raidControllers: 'megaraid_sas mpt3sas mpi3mr hpsa aacraid smartpqi 3w_sas mvsas pm80xx mptspi mptsas sym53c8xx',
  // also the keyboard a person types at a stopped machine with
  usb: 'xhci_pci ehci_pci ohci_pci usb_storage uas usbhid hid_generic',
  cards: 'sdhci_pci sdhci_acpi mmc_block',
  // what an image's root or ESP may be, and what the agent makes
  fileSystems: 'ext4 xfs btrfs vfat nls_cp437 nls_iso8859_1 nls_ascii nls_utf8 efivarfs overlay squashfs isofs loop',
  bmc: 'ipmi_si ipmi_devintf ipmi_msghandler acpi_ipmi',
  // asked for by name by ext4, xfs and btrfs
  checksums: 'crc32c_generic',
  network: 'af_packet',
};

const ONLY: Readonly<Record<Architecture, Groups>> = {
  amd64: {
    devices: 'vmw_pvscsi b44 forcedeth pata_amd arcmsr isci uhci_hcd',
    checksums: 'crct10dif_pclmul crc32_pclmul',
    // NVMe disks behind Intel VMD are invisible without it
    vmd: 'vmd',
  },
  arm64: {
    // HiSilicon, Marvell and Cavium, AMD and Applied Micro, NXP, Cadence, Qualcomm; the Raspberry Pi's two
    nics: 'hns3 hns_enet_drv mvneta mvpp2 nicvf rvu_nicpf rvu_nicvf amd_xgbe xgene_enet fsl_dpaa2_eth fsl_enetc macb qcom_emac genet lan78xx',
    disks: 'ahci_platform ahci_xgene hisi_sas_v2_hw hisi_sas_v3_hw sdhci_iproc sdhci_of_arasan',
    usb: 'xhci_plat_hcd dwc2 pcie_brcmstb',
    // a BMC on SMBus, as SBSA servers have it
    bmc: 'ipmi_ssif',
  },
};

export const modulesOf = (architecture: Architecture): readonly string[] =>
  [EVERYWHERE, ONLY[architecture]].flatMap((groups) => Object.values(groups)).join(' ').split(' ').filter((name) => name !== '');

/** `drivers/scsi/3w-sas.ko.xz` → `3w_sas`. */
export function moduleName(path: string): string {
  return (path.split('/').at(-1) ?? '').replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_');
}

/** What a module's own `.modinfo` section says it needs: `depends=a,b` and soft dependencies loaded before or after it. */
export function needsOf(module: Buffer): string[] {
  const text = module.toString('latin1');
  const hard = /\0depends=([^\0]*)\0/.exec(text)?.[1]?.split(',') ?? [];
  const soft = [...text.matchAll(/\0softdep=(?:pre|post): ([^\0]*)\0/g)].flatMap((match) => (match[1] ?? '').split(/[\s,]+|pre:|post:/));
  return [...hard, ...soft].filter((name) => name !== '').map((name) => name.replaceAll('-', '_'));
}

export type ModuleTree = {
  /** Module name to its path in the package. */
  paths: ReadonlyMap<string, string>;
  builtin: ReadonlySet<string>;
  /** The module's bytes, decompressed. */
  read: (path: string) => Buffer;
};

/**
 * The wanted modules and all they need, as path → bytes, in path order. Throws when a wanted name is neither a module
 * nor built in; an unknown soft dependency is left out, as modprobe does.
 */
export function selectModules(wanted: readonly string[], tree: ModuleTree): Map<string, Buffer> {
  const unknown = wanted.filter((name) => !tree.paths.has(name) && !tree.builtin.has(name));
  if (unknown.length > 0) throw new Error(`modules: the kernel has no ${unknown.join(' ')}`);
  const chosen = new Map<string, Buffer>();
  const queue = [...wanted];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const path = tree.paths.get(name);
    if (path === undefined || chosen.has(path)) continue;
    const bytes = tree.read(path);
    chosen.set(path, bytes);
    queue.push(...needsOf(bytes));
  }
  return new Map([...chosen].sort(([a], [b]) => (a < b ? -1 : 1)));
}
