import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mac } from '../../test/fixtures.ts';
import { renderGrub } from './grub.ts';
import { renderIpxe, type BootAnswer } from './ipxe.ts';
import { splitArguments } from '@ironbus/installers';
import { commandLine, memoryTestOptions } from './kernel.ts';
import { menuFor } from './menu.ts';
import { renderPxelinux } from './pxelinux.ts';
import { answerPi } from './pi.ts';

const baseUrl = 'http://10.77.0.1:5248';
const token = 't'.repeat(43);
const agent = (extra = ''): BootAnswer => ({
  answer: 'agent', rule: 'policy-agent', architecture: 'amd64', commandLine: commandLine({ baseUrl, token, mac, quick: ['quiet'], extra: splitArguments(extra).words }),
});
const words = `ironbus.url=${baseUrl} ironbus.token=${token} BOOTIF=01-52-54-00-77-00-01 console=tty0 console=ttyS0,115200 quiet`;

test('iPXE: the agent, with a way back that asks again', () => {
  assert.equal(renderIpxe(agent(), { baseUrl, mac }), `#!ipxe
# ironbus: policy-agent
iseq \${buildarch} arm64 && set arch arm64 || set arch amd64
kernel ${baseUrl}/agent-image/\${arch}/vmlinuz initrd=initrd.img ${words} || goto retry
initrd --name initrd.img ${baseUrl}/agent-image/\${arch}/initrd.img || goto retry
boot || goto retry
:retry
imgfree
sleep 5
chain --replace --autofree ${baseUrl}/boot/52-54-00-77-00-01/script.ipxe || goto retry
`);
});

test('iPXE: local disk for both firmwares in one script', () => {
  assert.equal(renderIpxe({ answer: 'local', rule: 'policy-local' }, { baseUrl, mac }),
    '#!ipxe\n# ironbus: policy-local\niseq ${platform} efi && goto efi || goto bios\n:bios\nsanboot --no-describe --drive 0x80 || exit\n:efi\nexit 1\n');
});

test('iPXE: nothing but the agent’s own script carries a token', () => {
  for (const answer of ['local', 'retry', 'ignore'] as const) assert.doesNotMatch(renderIpxe({ answer, rule: 'x' }, { baseUrl, mac }), /token|kernel/);
});

const tftp: Parameters<typeof renderGrub>[1] = { sources: ['(http,10.77.0.1:5248)', ''], again: '/grub/grub.cfg' };
const beside: Parameters<typeof renderPxelinux>[1] = { prefix: '', again: 'pxelinux.cfg/default' };

test('GRUB: the agent by HTTP where GRUB can, else by TFTP, else it asks again', () => {
  assert.equal(renderGrub(agent(), tftp), `# ironbus: policy-agent
set timeout=0
set ironbus_arch=amd64
if [ "$grub_cpu" = "arm64" ]; then set ironbus_arch=arm64; fi
function ironbus_boot {
  if linux $1/agent-image/$ironbus_arch/vmlinuz ${words}; then
    if initrd $1/agent-image/$ironbus_arch/initrd.img; then boot; fi
  fi
}
if insmod http; then ironbus_boot (http,10.77.0.1:5248); fi
ironbus_boot ""
if [ -z "$ironbus_asks" ]; then
  set ironbus_asks=y
  while [ -n "$ironbus_asks" ]; do
    sleep 5
    source /grub/grub.cfg
  done
fi
`);
});

test('GRUB: local disk on UEFI of each CPU and on BIOS; to be ignored is to leave', () => {
  const script = renderGrub({ answer: 'local', rule: 'policy-local' }, tftp);
  assert.match(script, /for ironbus_file in \/EFI\/debian\/shim\$ironbus_efi\.efi .*\/EFI\/BOOT\/BOOT\$ironbus_efi\.efi; do/);
  assert.match(script, /\n {2}exit 1\nfi\nset root=hd0\nif chainloader \+1; then boot; fi\nexit\n$/);
  assert.equal(renderGrub({ answer: 'ignore', rule: 'x' }, tftp), '# ironbus: x\nset timeout=0\nexit\n');
});

test('PXELINUX: names beside the loader, or URLs; local disk; asking again after five seconds', () => {
  assert.equal(renderPxelinux(agent(), beside),
    `# ironbus: policy-agent\nDEFAULT ironbus\nPROMPT 0\nTIMEOUT 1\nLABEL ironbus\n  KERNEL agent-image/amd64/vmlinuz\n  INITRD agent-image/amd64/initrd.img\n  APPEND ${words}\n`);
  assert.match(renderPxelinux(agent(), { ...beside, prefix: baseUrl }), /^ {2}KERNEL http:\/\/10\.77\.0\.1:5248\/agent-image\/amd64\/vmlinuz$/m);
  assert.match(renderPxelinux({ answer: 'local', rule: 'x' }, beside), /^ {2}LOCALBOOT 0$/m);
  assert.match(renderPxelinux({ answer: 'ignore', rule: 'x' }, beside), /^ {2}LOCALBOOT -1$/m);
  assert.match(renderPxelinux({ answer: 'retry', rule: 'x' }, beside), /PROMPT 1\nTIMEOUT 50\nLABEL ironbus\n {2}CONFIG pxelinux\.cfg\/default\n$/);
});

const menu = (changes: { boots?: readonly string[]; timeoutSeconds?: number; hasMemoryTest?: boolean } = {}): BootAnswer => ({
  answer: 'menu', rule: 'unknown-menu', menu: menuFor(
    { consoleMenu: { prompt: 'P', timeoutSeconds: changes.timeoutSeconds ?? 20, entries: (changes.boots ?? ['memory-test', 'enlist']).map((boots) => ({ text: `T ${boots}`, boots })) } },
    { fileUrl: () => undefined, hasProfile: () => false, hasMemoryTest: changes.hasMemoryTest ?? true },
  ),
});
const linesOf = (text: string, which: RegExp): string[] => text.split('\n').filter((line) => which.test(line));

test('menu: a memory test is no entry of a machine that could not run it, and then not its default either', () => {
  const ipxe = renderIpxe(menu(), { baseUrl, mac });
  assert.deepEqual(linesOf(ipxe, /item|first/), [
    'iseq ${buildarch} arm64 && set ironbus_first enlist || set ironbus_first memory-test', 'iseq ${buildarch} arm64 || item memory-test T memory-test', 'item enlist T enlist',
    'choose --default ${ironbus_first} --timeout 20000 ironbus_choice && goto ${ironbus_choice} || goto ${ironbus_first}',
  ]);
  assert.match(renderIpxe(menu({ timeoutSeconds: 0 }), { baseUrl, mac }), /^#!ipxe\n# ironbus: unknown-menu\niseq .*\ngoto \$\{ironbus_first\}\n:memory-test\nchain /);
  assert.doesNotMatch(renderIpxe(menu({ boots: ['enlist', 'memory-test'] }), { baseUrl, mac }), /ironbus_first/);
  const grub = renderGrub(menu(), tftp);
  assert.deepEqual(linesOf(grub, /menuentry/), [
    `if [ "$grub_cpu" != "arm64" -a "$lockdown" != "y" ]; then menuentry 'T memory-test' { configfile /grub/choice/memory-test/grub.cfg }; fi`, `menuentry 'T enlist' { configfile /grub/choice/enlist/grub.cfg }`,
  ]);
});

test('menu: where the boot assets have no memory test, and where it alone would be left out, the local disk remains', () => {
  const shown = (changes: Parameters<typeof menu>[0]): string[] => linesOf(renderIpxe(menu(changes), { baseUrl, mac }), /^(iseq .*\|\| )?item/).map((line) => line.replace(/.*item (\S+).*/, '$1'));
  assert.deepEqual(shown({ hasMemoryTest: false }), ['enlist']);
  assert.deepEqual(shown({ boots: ['memory-test'], hasMemoryTest: false }), ['local-disk']);
  assert.deepEqual(shown({ boots: ['memory-test'] }), ['memory-test', 'local-disk']);
});

test('the memory test: a kernel on BIOS, a program on UEFI, on the serial port that the agent would have', () => {
  const test: BootAnswer = { answer: 'memory-test', rule: 'chosen-memory-test', options: memoryTestOptions(['quiet', 'console=tty1', 'console=ttyS1,9600n8', 'console=ttyS7', 'console=ttyAMA0']) };
  assert.deepEqual(test.options, ['console=ttyS1,9600n8']);
  assert.deepEqual(memoryTestOptions([]), ['console=ttyS0,115200']);
  assert.match(renderIpxe(test, { baseUrl, mac }), /^#!ipxe\n# ironbus: chosen-memory-test\niseq \$\{platform\} efi && set ironbus_test memtest-x64\.efi \|\| set ironbus_test memtest-x64\.bin\nkernel http:\/\/10\.77\.0\.1:5248\/loaders\/\$\{ironbus_test\} console=ttyS1,9600n8 \|\| goto retry\nboot \|\| goto retry\n:retry\n/);
  assert.match(renderGrub(test, tftp), /if linux \$1\/loaders\/\$ironbus_test console=ttyS1,9600n8; then boot; fi\n\}\nif insmod http; then ironbus_boot \(http,10\.77\.0\.1:5248\); fi\nironbus_boot ""\n/);
  assert.match(renderPxelinux(test, beside), /LABEL ironbus\n {2}LINUX memtest-x64\.bin\n {2}APPEND console=ttyS1,9600n8\n$/);
  assert.match(renderPxelinux(test, { ...beside, prefix: baseUrl }), /LINUX http:\/\/10\.77\.0\.1:5248\/loaders\/memtest-x64\.bin\n/);
});

test('PXELINUX: the menu by menu.c32, whose entries are configurations of their own', () => {
  assert.equal(renderPxelinux(menu(), beside), `# ironbus: unknown-menu
UI menu.c32
DEFAULT memory-test
MENU TITLE P
NOESCAPE 1
ALLOWOPTIONS 0
TIMEOUT 200
LABEL memory-test
  MENU LABEL T memory-test
  CONFIG pxelinux.cfg/choice/memory-test/default
LABEL enlist
  MENU LABEL T enlist
  CONFIG pxelinux.cfg/choice/enlist/default
`);
  assert.match(renderPxelinux(menu({ timeoutSeconds: 255 }), beside), /^TIMEOUT 0$/m);
  assert.match(renderPxelinux(menu({ timeoutSeconds: 0 }), beside), /^# ironbus: unknown-menu\nDEFAULT memory-test\nPROMPT 0\nLABEL memory-test\n/);
  assert.match(renderPxelinux(menu({ boots: ['netboot-xyz'] }), beside), /^LABEL local-disk\n {2}LOCALBOOT 0$/m);
  assert.match(renderPxelinux(menu(), { ...beside, prefix: baseUrl }), /^ {2}LOCALBOOT 0$/m);
});

test('Raspberry Pi: every file it asks for', () => {
  const arm = { ...agent(), architecture: 'arm64' } as BootAnswer;
  assert.deepEqual(answerPi(arm, 'config.txt'), {
    is: 'text', text: '# ironbus: policy-agent\narm_64bit=1\nenable_uart=1\nkernel=agent/arm64/vmlinuz\ninitramfs agent/arm64/initrd.img followkernel\n',
  });
  assert.deepEqual(answerPi(arm, 'cmdline.txt'), { is: 'text', text: `${words}\n` });
  assert.deepEqual(answerPi(arm, 'agent/arm64/initrd.img'), { is: 'asset', path: 'agent/arm64/initrd.img' });
  assert.deepEqual(answerPi(arm, 'start4.elf'), { is: 'asset', path: 'pi/start4.elf' });
  for (const answer of ['local', 'ignore'] as const) assert.deepEqual(answerPi({ answer, rule: 'x' }, 'start4.elf'), { is: 'absent' });
  assert.deepEqual(answerPi({ answer: 'retry', rule: 'x' }, 'config.txt'), { is: 'wait' });
});

test('arguments of a policy: what could break out is refused by name', () => {
  assert.deepEqual(splitArguments('net.ifnames=0  ds=nocloud;s=http://10.0.0.1/ || && ; # #x ${net0/mac} a"b a\'b a\\b ironbus.token=x initrd=y BOOTIF=z console=tty1'), {
    words: ['net.ifnames=0', 'ds=nocloud;s=http://10.0.0.1/', 'console=tty1'],
    refused: ['||', '&&', ';', '#', '#x', '${net0/mac}', 'a"b', "a'b", 'a\\b', 'ironbus.token=x', 'initrd=y', 'BOOTIF=z'],
  });
});

test('no argument adds a line or a command, whatever it is', () => {
  const nasty = fc.oneof(fc.string(), fc.array(fc.constantFrom('\n', '\r', ' ', '||', '&&', ';', '${x}', "'", '"', '\\', 'chain', '\u2028', '\0', 'a=b'), { maxLength: 12 }).map((parts) => parts.join('')));
  const lines = (text: string): number => text.split(/[\r\n\u2028\0]/).length;
  fc.assert(fc.property(nasty, (extra) => {
    const script = renderIpxe(agent(extra), { baseUrl, mac });
    assert.equal(lines(script), lines(renderIpxe(agent(), { baseUrl, mac })));
    const kernel = script.split('\n')[3] ?? '';
    assert.equal(kernel.split(' ').filter((part) => ['||', '&&', ';'].includes(part)).length, 1);
    assert.doesNotMatch(kernel.replace('/${arch}/', ''), /\$\{/);
    assert.equal(lines(renderGrub(agent(extra), tftp)), lines(renderGrub(agent(), tftp)));
    assert.equal(lines(renderPxelinux(agent(extra), beside)), lines(renderPxelinux(agent(), beside)));
  }), { numRuns: 1000 });
});

test('a base URL, a token or a device that is none is a defect', () => {
  assert.throws(() => renderIpxe({ answer: 'retry', rule: 'x' }, { baseUrl: 'http://a/\nshell', mac }));
  assert.throws(() => commandLine({ baseUrl, token: 'short', mac, quick: [], extra: [] }));
  assert.throws(() => renderGrub({ answer: 'retry', rule: 'x' }, { ...tftp, sources: ['(hd0); halt'] }));
  assert.throws(() => renderGrub({ answer: 'retry', rule: 'x' }, { ...tftp, again: '/x; halt' }));
  assert.throws(() => renderPxelinux({ answer: 'retry', rule: 'x' }, { ...beside, again: 'x\n  KERNEL y' }));
});
