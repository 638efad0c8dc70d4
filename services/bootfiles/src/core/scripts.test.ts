import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mac } from '../../test/fixtures.ts';
import { renderGrub } from './grub.ts';
import { renderIpxe, type BootAnswer } from './ipxe.ts';
import { commandLine, splitArguments } from './kernel.ts';
import { renderPxelinux } from './pxelinux.ts';

const baseUrl = 'http://10.77.0.1:5248';
const token = 't'.repeat(43);
const agent = (extra = ''): BootAnswer => ({
  answer: 'agent', rule: 'policy-agent', architecture: 'amd64', commandLine: commandLine({ baseUrl, token, mac, quick: ['quiet'], extra: splitArguments(extra).words }),
});
const words = `ironbus.url=${baseUrl} ironbus.token=${token} BOOTIF=01-52-54-00-77-00-01 console=tty0 console=ttyS0,115200 quiet`;

test('iPXE: the agent, with a way back that asks again', () => {
  assert.equal(renderIpxe(agent(), { baseUrl, mac }), `#!ipxe
# ironbus: policy-agent
kernel ${baseUrl}/agent-image/amd64/vmlinuz initrd=initrd.img ${words} || goto retry
initrd --name initrd.img ${baseUrl}/agent-image/amd64/initrd.img || goto retry
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

test('GRUB and pxelinux say the same', () => {
  assert.match(renderGrub(agent(), { device: '(tftp,10.77.0.1)', mac }), new RegExp(`^if linux \\(tftp,10\\.77\\.0\\.1\\)/agent-image/amd64/vmlinuz ${words.replaceAll('.', '\\.')}; then$`, 'm'));
  assert.match(renderGrub({ answer: 'local', rule: 'x' }, { device: '(tftp,10.77.0.1)', mac }), /chainloader \(\$esp\)\/EFI\/debian\/shimx64\.efi; boot/);
  assert.match(renderPxelinux(agent(), { prefix: '', mac }), new RegExp(`^  APPEND ${words.replaceAll('.', '\\.')}$`, 'm'));
  assert.match(renderPxelinux({ answer: 'retry', rule: 'x' }, { prefix: '', mac }), /TIMEOUT 50[\s\S]*CONFIG pxelinux\.cfg\/01-52-54-00-77-00-01/);
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
    const kernel = script.split('\n')[2] ?? '';
    assert.equal(kernel.split(' ').filter((part) => ['||', '&&', ';'].includes(part)).length, 1);
    assert.doesNotMatch(kernel, /\$\{/);
    assert.equal(lines(renderGrub(agent(extra), { device: '(tftp,10.77.0.1)', mac })), lines(renderGrub(agent(), { device: '(tftp,10.77.0.1)', mac })));
    assert.equal(lines(renderPxelinux(agent(extra), { prefix: '', mac })), lines(renderPxelinux(agent(), { prefix: '', mac })));
  }), { numRuns: 1000 });
});

test('a base URL, a token or a device that is none is a defect', () => {
  assert.throws(() => renderIpxe({ answer: 'retry', rule: 'x' }, { baseUrl: 'http://a/\nshell', mac }));
  assert.throws(() => commandLine({ baseUrl, token: 'short', mac, quick: [], extra: [] }));
  assert.throws(() => renderGrub({ answer: 'retry', rule: 'x' }, { device: '(hd0); halt', mac }));
});
