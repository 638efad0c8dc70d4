/** Butane as people write it, one text for each thing it can say, and what Ignition it has to become. */
const unit = '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n';
export type ButaneExample = { why: string; butane: string; ignition: object };
const example = (why: string, butane: string, ignition: object): ButaneExample => ({ why, butane, ignition });
const fcos = (version: string, body: string): string => `variant: fcos\nversion: ${version}\n${body}`;
const long = `#!/bin/sh\n${'echo a line that is there again and again\n'.repeat(20)}`;
const indented = (text: string, spaces: number): string => text.trimEnd().split('\n').map((line) => `${' '.repeat(spaces)}${line}`).join('\n');

export const butaneExamples: readonly ButaneExample[] = [
  example('names change, what people wrote does not', fcos('1.4.0', `
passwd:
  users:
    - name: home_dir
      home_dir: /srv/home_dir
      no_create_home: yes
      ssh_authorized_keys:
        - ssh-ed25519 AAAA ssh_authorized_keys
      password_hash: "$y$password_hash"
      groups: [should_exist]
  groups: [{ name: should_exist, gid: 0755 }]
storage:
  files:
    - path: /etc/wipe_table/should_exist
      mode: 0o640
      overwrite: false
      user: { name: user_name }
      group: { id: 0x10 }
      contents: { inline: wipe_table }
systemd:
  units:
    - name: with_mount_unit.service
      enabled: true
      dropins: [{ name: 10-http_proxy.conf, contents: "[Service]\\nEnvironment=http_proxy=x\\n" }]
kernel_arguments:
  should_exist: [should_not_exist=1]
  should_not_exist: [quiet]
`), {
    ignition: { version: '3.3.0' },
    passwd: {
      users: [{ name: 'home_dir', homeDir: '/srv/home_dir', noCreateHome: true, sshAuthorizedKeys: ['ssh-ed25519 AAAA ssh_authorized_keys'], passwordHash: '$y$password_hash', groups: ['should_exist'] }],
      groups: [{ name: 'should_exist', gid: 0o755 }],
    },
    storage: { files: [{ path: '/etc/wipe_table/should_exist', mode: 0o640, overwrite: false, user: { name: 'user_name' }, group: { id: 16 }, contents: { source: 'data:,wipe_table', compression: '' } }] },
    systemd: { units: [{ name: 'with_mount_unit.service', enabled: true, dropins: [{ name: '10-http_proxy.conf', contents: '[Service]\nEnvironment=http_proxy=x\n' }] }] },
    kernelArguments: { shouldExist: ['should_not_exist=1'], shouldNotExist: ['quiet'] },
  }),
  example('contents: escaped, base64, packed, by URL, and a text that is a number', fcos('1.4.0', `
storage:
  files:
    - { path: /a, contents: { inline: "a b/ä" } }
    - { path: /b, contents: { inline: "{\\"%%%%%%%%%%%%%%\\"}" } }
    - path: /c
      contents:
        inline: |
${indented(long, 10)}
    - path: /d
      overwrite: true
      contents: { source: http://192.0.2.1/d.gz, compression: gzip, http_headers: [{ name: X-A, value: b }], verification: { hash: sha256-${'0'.repeat(64)} } }
    - { path: /e, append: [{ inline: 007 }, { inline: 007 }] }
    - { path: /f, contents: { inline: "" } }
  links: [{ path: /g, target: /a }, { path: /h, target: ./a, hard: true }]
  directories: [{ path: /i, mode: 0700 }]
`), {
    ignition: { version: '3.3.0' },
    storage: {
      files: [
        { path: '/a', contents: { source: 'data:,a%20b%2F%C3%A4', compression: '' } },
        { path: '/b', contents: { source: 'data:;base64,eyIlJSUlJSUlJSUlJSUlJSJ9', compression: '' } },
        { path: '/c', contents: { gzip: long, compression: 'gzip' } },
        { path: '/d', overwrite: true, contents: { source: 'http://192.0.2.1/d.gz', compression: 'gzip', httpHeaders: [{ name: 'X-A', value: 'b' }], verification: { hash: `sha256-${'0'.repeat(64)}` } } },
        { path: '/e', append: [{ source: 'data:,007', compression: '' }, { source: 'data:,007', compression: '' }] },
        { path: '/f', contents: { source: 'data:,', compression: '' } },
      ],
      links: [{ path: '/g', target: '/a' }, { path: '/h', target: './a', hard: true }], directories: [{ path: '/i', mode: 0o700 }],
    },
  }),
  example('mount units: names, options, swap, a volume that the network opens; the person’s own words win', fcos('1.4.0', `
storage:
  disks:
    - device: /dev/vdb
      wipe_table: true
      partitions: [{ label: var-data, number: 1, size_mib: 1024, start_mib: 1 }, { label: swap, number: 2, type_guid: 0657FD6D-A4AB-43C4-84E5-0933C84B4F4F }]
  luks:
    - name: vault
      device: /dev/vdc
      clevis: { tang: [{ url: http://tang.example, thumbprint: REPLACE }], threshold: 1 }
  filesystems:
    - { device: /dev/disk/by-partlabel/var-data, path: /var/lib/my data, format: xfs, mount_options: [noatime, "x-y=1"], with_mount_unit: true }
    - { device: /dev/disk/by-partlabel/swap, format: swap, with_mount_unit: true }
    - { device: /dev/mapper/vault, path: /var/vault, format: ext4, with_mount_unit: true, wipe_filesystem: true }
systemd:
  units:
    - { name: first.service, mask: true }
    - { name: var-vault.mount, dropins: [{ name: slow.conf, contents: "[Mount]\\nTimeoutSec=60\\n" }] }
`), {
    ignition: { version: '3.3.0' },
    storage: {
      disks: [{ device: '/dev/vdb', wipeTable: true, partitions: [{ number: 1, label: 'var-data', sizeMiB: 1024, startMiB: 1 }, { number: 2, label: 'swap', typeGuid: '0657FD6D-A4AB-43C4-84E5-0933C84B4F4F' }] }],
      luks: [{ name: 'vault', device: '/dev/vdc', clevis: { tang: [{ url: 'http://tang.example', thumbprint: 'REPLACE' }], threshold: 1 } }],
      filesystems: [
        { device: '/dev/disk/by-partlabel/var-data', path: '/var/lib/my data', format: 'xfs', mountOptions: ['noatime', 'x-y=1'] },
        { device: '/dev/disk/by-partlabel/swap', format: 'swap' }, { device: '/dev/mapper/vault', path: '/var/vault', format: 'ext4', wipeFilesystem: true },
      ],
    },
    systemd: {
      units: [
        { name: 'var-lib-my\\x20data.mount', enabled: true, contents: '# Generated by Ironbus from Butane\n[Unit]\nRequires=systemd-fsck@dev-disk-by\\x2dpartlabel-var\\x2ddata.service\nAfter=systemd-fsck@dev-disk-by\\x2dpartlabel-var\\x2ddata.service\n\n[Mount]\nWhere=/var/lib/my data\nWhat=/dev/disk/by-partlabel/var-data\nType=xfs\nOptions=noatime,x-y=1\n\n[Install]\nRequiredBy=local-fs.target' },
        { name: 'dev-disk-by\\x2dpartlabel-swap.swap', enabled: true, contents: '# Generated by Ironbus from Butane\n[Swap]\nWhat=/dev/disk/by-partlabel/swap\n\n[Install]\nRequiredBy=swap.target' },
        {
          name: 'var-vault.mount', enabled: true, dropins: [{ name: 'slow.conf', contents: '[Mount]\nTimeoutSec=60\n' }],
          contents: '# Generated by Ironbus from Butane\n[Unit]\nRequires=systemd-fsck@dev-mapper-vault.service\nAfter=systemd-fsck@dev-mapper-vault.service\n\n[Mount]\nWhere=/var/vault\nWhat=/dev/mapper/vault\nType=ext4\nOptions=_netdev\n\n[Install]\nRequiredBy=remote-fs.target',
        },
        { name: 'first.service', mask: true },
      ],
    },
  }),
  example('the boot disk mirrored and encrypted, and the root filesystem that a person chose', fcos('1.4.0', `
boot_device:
  layout: aarch64
  mirror: { devices: [/dev/sda, /dev/sdb] }
  luks: { tpm2: true, threshold: 1 }
storage:
  disks:
    - device: /dev/sda
      partitions: [{ label: root-1, size_mib: 10240 }, { label: var-1 }]
  filesystems: [{ device: /dev/mapper/root, format: btrfs }]
`), {
    ignition: { version: '3.3.0' },
    storage: {
      disks: ['/dev/sda', '/dev/sdb'].map((device, index) => ({
        device, wipeTable: true, partitions: [
          { label: `reserved-${index + 1}`, sizeMiB: 1, typeGuid: '8DA63339-0007-60C0-C436-083AC8230908' }, { label: `esp-${index + 1}`, sizeMiB: 127, typeGuid: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B' },
          { label: `boot-${index + 1}`, sizeMiB: 384 }, ...(index === 0 ? [{ label: 'root-1', sizeMiB: 10240 }, { label: 'var-1' }] : [{ label: 'root-2' }]),
        ],
      })),
      raid: [
        { name: 'md-boot', level: 'raid1', devices: ['/dev/disk/by-partlabel/boot-1', '/dev/disk/by-partlabel/boot-2'], options: ['--metadata=1.0'] },
        { name: 'md-root', level: 'raid1', devices: ['/dev/disk/by-partlabel/root-1', '/dev/disk/by-partlabel/root-2'] },
      ],
      luks: [{ name: 'root', label: 'luks-root', device: '/dev/md/md-root', wipeVolume: true, clevis: { tpm2: true, threshold: 1 } }],
      filesystems: [
        { device: '/dev/disk/by-partlabel/esp-1', format: 'vfat', label: 'esp-1', wipeFilesystem: true }, { device: '/dev/disk/by-partlabel/esp-2', format: 'vfat', label: 'esp-2', wipeFilesystem: true },
        { device: '/dev/md/md-boot', format: 'ext4', label: 'boot', wipeFilesystem: true }, { device: '/dev/mapper/root', format: 'btrfs', label: 'root', wipeFilesystem: true },
      ],
    },
  }),
  example('the boot disk encrypted alone', fcos('1.5.0', 'boot_device: { luks: { discard: true, tang: [{ url: http://t.example, thumbprint: A, advertisement: "{}" }] } }\n'), {
    ignition: { version: '3.4.0' },
    storage: {
      luks: [{ name: 'root', label: 'luks-root', device: '/dev/disk/by-partlabel/root', wipeVolume: true, discard: true, clevis: { tang: [{ url: 'http://t.example', thumbprint: 'A', advertisement: '{}' }] } }],
      filesystems: [{ device: '/dev/mapper/root', format: 'xfs', label: 'root', wipeFilesystem: true }],
    },
  }),
  example('s390x: a disk of its own, opened by a CEX card', fcos('1.6.0', 'boot_device: { layout: s390x-eckd, luks: { device: /dev/dasda, cex: { enabled: true } } }\n'), {
    ignition: { version: '3.5.0' },
    storage: {
      luks: [{ name: 'root', label: 'luks-root', device: '/dev/dasda2', wipeVolume: true, cex: { enabled: true } }], filesystems: [{ device: '/dev/mapper/root', format: 'xfs', label: 'root', wipeFilesystem: true }],
    },
  }),
  example('users of GRUB', fcos('1.5.0', 'grub: { users: [{ name: root, password_hash: grub.pbkdf2.A }, { name: me, password_hash: grub.pbkdf2.B }] }\n'), {
    ignition: { version: '3.4.0' },
    storage: {
      filesystems: [{ device: '/dev/disk/by-label/boot', format: 'ext4', path: '/boot' }],
      files: [{ path: '/boot/grub2/user.cfg', append: [{ gzip: '# Generated by Ironbus from Butane\n\nset superusers="root me"\npassword_pbkdf2 root grub.pbkdf2.A\npassword_pbkdf2 me grub.pbkdf2.B\n', compression: 'gzip' }] }],
    },
  }),
  example('configurations to merge, certificates, a proxy, time limits', fcos('1.4.0', `
ignition:
  config:
    merge: [{ source: https://192.0.2.1/base.ign }, { inline: '{"ignition":{"version":"3.2.0"}}' }]
    replace: { source: http://192.0.2.1/all.ign }
  security: { tls: { certificate_authorities: [{ source: http://192.0.2.1/ca.pem }] } }
  proxy: { http_proxy: http://proxy.example:3128, no_proxy: [192.0.2.1] }
  timeouts: { http_response_headers: 20, http_total: 120 }
`), {
    ignition: {
      version: '3.3.0',
      config: {
        merge: [{ source: 'https://192.0.2.1/base.ign' }, { source: 'data:;base64,eyJpZ25pdGlvbiI6eyJ2ZXJzaW9uIjoiMy4yLjAifX0=', compression: '' }], replace: { source: 'http://192.0.2.1/all.ign' },
      },
      security: { tls: { certificateAuthorities: [{ source: 'http://192.0.2.1/ca.pem' }] } }, proxy: { httpProxy: 'http://proxy.example:3128', noProxy: ['192.0.2.1'] },
      timeouts: { httpResponseHeaders: 20, httpTotal: 120 },
    },
  }),
  example('volumes and arrays', fcos('1.4.0', `
storage:
  raid: [{ name: data, level: raid6, spares: 1, devices: [/dev/sdb, /dev/sdc], options: [--quiet, --quiet] }]
  luks:
    - { name: a, label: A, device: /dev/md/data, uuid: x, wipe_volume: true, key_file: { inline: secret }, options: [--cipher, aes] }
    - { name: b, device: /dev/sdd, clevis: { custom: { pin: sss, config: "{}", needs_network: true } } }
`), {
    ignition: { version: '3.3.0' },
    storage: {
      raid: [{ name: 'data', level: 'raid6', spares: 1, devices: ['/dev/sdb', '/dev/sdc'], options: ['--quiet', '--quiet'] }],
      luks: [
        { name: 'a', label: 'A', device: '/dev/md/data', uuid: 'x', wipeVolume: true, keyFile: { source: 'data:,secret', compression: '' }, options: ['--cipher', 'aes'] },
        { name: 'b', device: '/dev/sdd', clevis: { custom: { pin: 'sss', config: '{}', needsNetwork: true } } },
      ],
    },
  }),
  example('Butane 1.0.0 packs nothing', fcos('1.0.0', 'storage: { files: [{ path: /a, contents: { inline: "%%%%%%%%%%%%%%%%%%%%%%%%%" } }] }\n'), {
    ignition: { version: '3.0.0' }, storage: { files: [{ path: '/a', contents: { source: `data:,${'%25'.repeat(25)}` } }] },
  }),
  example('Flatcar', `variant: flatcar\nversion: 1.0.0\nsystemd:\n  units:\n    - name: call.service\n      enabled: true\n      contents: |\n${indented(unit, 8)}\n`, {
    ignition: { version: '3.3.0' }, systemd: { units: [{ name: 'call.service', enabled: true, contents: unit }] },
  }),
  example('anchors, braces, nothing and null', '{ "variant": "flatcar", "version": "1.1.0", "passwd": { "users": [{ "name": "core", "groups": &g ["a"] }, { "name": "b", "groups": *g, "uid": null }] }, "storage": { "files": [] }, "systemd": }\n', {
    ignition: { version: '3.4.0' }, passwd: { users: [{ name: 'core', groups: ['a'] }, { name: 'b', groups: ['a'] }] },
  }),
];
