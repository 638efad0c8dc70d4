/** One short profile of every kind, as a person would write it. */
import type { ProfileKind } from '@ironbus/contracts';

export const examples: Record<ProfileKind, string> = {
  kickstart: `text
url --url={{ values.repository | default: base_url }}
rootpw --iscrypted {{ secrets.root }}
network --bootproto=dhcp --device={{ machine.mac }} --hostname={{ machine.fqdn }}
clearpart --all --initlabel
autopart
reboot
%packages
@core
%end
{% include 'phone_home' %}`,
  preseed: `d-i debian-installer/locale string en_US.UTF-8
d-i netcfg/get_hostname string {{ machine.hostname }}
d-i partman-auto/disk string {{ values.disk | default: '/dev/sda' }}
# a value may go on
tasksel tasksel/first multiselect \\
  standard, ssh-server
{% include 'phone_home' %}`,
  autoinstall: `#cloud-config
autoinstall:
  version: 1
  identity: { hostname: {{ machine.hostname }}, username: ubuntu, password: {{ secrets.root | json }} }
  ssh: { install-server: true, authorized-keys: {{ ssh_keys | json }} }
  late-commands:
{% include 'phone_home' %}`,
  autoyast: `<?xml version="1.0"?>
<!DOCTYPE profile>
<profile xmlns="http://www.suse.com/1.0/yast2ns" xmlns:config="http://www.suse.com/1.0/configns">
  <networking><dns><hostname>{{ machine.hostname | escape }}</hostname></dns></networking>
  <scripts><chroot-scripts config:type="list">{% include 'phone_home' %}</chroot-scripts></scripts>
</profile>`,
  ignition: `{
  "ignition": { "version": "3.4.0" },
  "storage": { "files": [{ "path": "/etc/hostname", "contents": { "source": "data:,{{ machine.hostname }}" } }] },
  "systemd": { "units": [{ "name": "call-home.service", "enabled": true,
    "contents": {% capture unit %}[Service]
Type=oneshot
ExecStart=/bin/sh -c '{{ phone_home.command | replace: "$", "$$" }}'
[Install]
WantedBy=multi-user.target
{% endcapture %}{{ unit | json }} }] }
}`,
  talos: `version: v1alpha1
machine:
  type: worker
  install: { disk: /dev/sda }
  network: { hostname: {{ machine.hostname }} }
  pods:
    - { apiVersion: v1, kind: Pod, metadata: { name: call-home }, spec: { restartPolicy: Never, containers: [{ name: call, image: curlimages/curl, args: [{{ phone_home.url | json }}] }] } }
cluster: {}
`,
  ipxe: `#!ipxe
imgfetch {{ phone_home.url }}
chain http://boot.example/menu.ipxe
`,
};
