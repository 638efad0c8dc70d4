/** Debian 12's own installer for the lab: its kernel and initrd as images, an overlay, and a profile that names them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Fixture } from './fixture.ts';
import { unpackPackage } from './harness/packages.ts';
import { cacheDir } from './stack.ts';

const files = 'usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64';
const questions = 'd-i debian-installer/locale string en_US.UTF-8\nd-i keyboard-configuration/xkb-keymap select us\nd-i netcfg/get_hostname string {{ machine.hostname }}\n';
/** Says on the serial console what of a layer and of the overlay arrived, and calls home at once. */
export const early = `${questions}d-i preseed/early_command string echo "marker {{ values.marker }} $(cat /overlay-marker)" > /dev/ttyS0; {{ phone_home.command }}\n`;
export const marker = /marker of-the-layer from the overlay/;

/** Calls home at the end, which it never reaches in a lab without a mirror. */
export const profile = {
  id: 'debian', kind: 'preseed', kernel: 'image:d-i-linux', initrd: 'image:d-i-initrd', overlays: ['marker'],
  kernelArguments: 'locale=en_US keymap=us console=ttyS0 DEBIAN_FRONTEND=text --- quiet', template: `${questions}{% include 'phone_home' %}`,
};

const unpacked = async (): Promise<string> => join(await unpackPackage('debian-installer-12-netboot-amd64', cacheDir, console.log), files);

/** The same profile with kernel and initrd out of a disc, as distributions ship them; `addInstaller` comes first. */
export const profileOfDisc = { ...profile, kernel: 'image:d-i-disc/install.amd/vmlinuz', initrd: 'image:d-i-disc/install.amd/initrd.gz' };

export async function addDisc({ stack: { client }, lab }: Fixture): Promise<void> {
  const from = await unpacked();
  const disc = join(lab.dir, 'disc.iso');
  execFileSync('xorriso', ['-as', 'mkisofs', '-quiet', '-R', '-graft-points', '-o', disc, `/install.amd/vmlinuz=${join(from, 'linux')}`, `/install.amd/initrd.gz=${join(from, 'initrd.gz')}`], { stdio: 'pipe' });
  await client.addImage(disc, { id: 'd-i-disc', name: 'd-i-disc', format: 'iso' });
}

export async function addInstaller({ stack: { client }, lab }: Fixture): Promise<void> {
  const from = await unpacked();
  const directory = join(lab.dir, 'overlay');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'overlay-marker'), 'from the overlay\n');
  const overlay = join(lab.dir, 'overlay.cpio');
  writeFileSync(overlay, execFileSync('cpio', ['--create', '--format=newc', '--quiet'], { cwd: directory, input: 'overlay-marker\n' }));
  for (const [id, file] of [['d-i-linux', join(from, 'linux')], ['d-i-initrd', join(from, 'initrd.gz')], ['marker', overlay]] as const) await client.addImage(file, { id, name: id, format: 'file' });
  await client.post('/profiles', profile);
  await client.put('/layers/global', { values: { marker: 'of-the-layer' } });
}
