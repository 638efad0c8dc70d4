/** Mutated packets through everything that answers: nothing throws, and what is sent can be read again. The seed is printed when it fails. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { decode, encodeReply, replyLimit } from '@ironbus/wire';
import fc from 'fast-check';
import { goldenBytes } from '../testing/goldens.ts';
import { sampleMac, sampleNetwork, samplePolicy } from '../testing/samples.ts';
import { chooseBoot } from './boot.ts';
import { decideBsdp } from './bsdp.ts';
import { classify } from './client.ts';
import { nameFor } from './names.ts';
import { decideProxy } from './proxy.ts';
import { ack, bootReply, informAck, nak, offer } from './reply.ts';

const folder = new URL('../../../../libs/wire/golden/dhcp/', import.meta.url);
const packets = readdirSync(folder).map((file) => goldenBytes(file.replace('.hex', '')));
const entries = ['local-disk', 'ipxe', 'grub', 'pxelinux'].map((boots) => ({ text: `boot ${boots}`, boots }));
const network = sampleNetwork({
  staticRoutes: [{ destination: '10.8.0.0/16', gateway: '10.77.0.9' }], searchDomains: ['lab.example'], mtu: 9000, ntpServers: ['10.77.0.3'],
  bootMenu: { prompt: 'F8', timeoutSeconds: 5, entries }, options: [{ code: 43, type: 'hex', value: '0104c0a80001' }, { code: 252, type: 'text', value: 'x', always: true }],
});
const mutation = fc.record({ packet: fc.nat(packets.length - 1), changes: fc.array(fc.tuple(fc.nat(599), fc.nat(255)), { maxLength: 12 }), known: fc.boolean() });

test('no mutated packet makes an answer throw, and every answer decodes', () => {
  fc.assert(fc.property(mutation, ({ packet, changes, known }) => {
    const bytes = Buffer.from(packets[packet] ?? []);
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    const decoded = decode(bytes);
    if (!decoded.ok) return;
    const { message } = decoded;
    const policy = known ? samplePolicy({ answer: 'enlist' }) : undefined;
    const boot = { client: classify(message), mac: sampleMac, network, policy, policiesHeard: true };
    const facts = { network, serverId: '10.77.0.1', boot: chooseBoot(boot), name: nameFor({ message, network, policy }), dnsFollows: known };
    const lease = { address: '10.77.0.120', seconds: 3600 };
    const at = { ports: { server: 67, client: 68 }, source: { address: '10.77.0.9', port: 68 } };
    const moves = [decideProxy({ ...boot, ...at, message, port: 67 }), decideProxy({ ...boot, ...at, message, port: 4011 }), decideBsdp({ ...boot, ...at, message })];
    const answers = [offer(message, facts, lease), ack(message, facts, lease), informAck(message, facts), nak(message, '10.77.0.1', 'x')];
    if (!message.options.has(53)) answers.push(bootReply(message, facts, lease.address));
    for (const answer of [...answers, ...moves.flatMap((move) => move.do === 'answer' ? [move.answer] : [])]) {
      assert.ok(decode(encodeReply(answer, { maxBytes: replyLimit(message) }).bytes).ok);
    }
  }), { numRuns: 2_000 });
});
