import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAccount, createOperator, createUser, type KeyPair } from '@nats-io/nkeys';
import { startNats } from '../../testkit/src/nats-server.ts';
import { waitFor } from '../../testkit/src/wait-for.ts';
import { ensureTopology } from './bus.ts';
import { probeDone, probes, probeSeen, testBus, topology } from './test/support.ts';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A NATS JWT (v2): claims of `subject`, signed by `issuer`. */
function jwt(issuer: KeyPair, subject: string, name: string, nats: object): string {
  const body = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode({ jti: name, iat: 1, iss: issuer.getPublicKey(), name, sub: subject, nats: { ...nats, version: 2 } })}`;
  return `${body}.${Buffer.from(issuer.sign(Buffer.from(body))).toString('base64url')}`;
}

const unlimited = { subs: -1, data: -1, payload: -1 };
const limits = { ...unlimited, conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true, mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

function credsOf(account: KeyPair, name: string, permissions: object): string {
  const user = createUser();
  const token = jwt(account, user.getPublicKey(), name, { type: 'user', ...unlimited, ...permissions });
  const seed = Buffer.from(user.getSeed()).toString('utf8');
  return `-----BEGIN NATS USER JWT-----\n${token}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
}

/** What a rack service that owns probe.*, consumes as dhcp-guarded and keeps the bucket probes needs, and no more. */
const narrow = {
  pub: { allow: [
    'probe.done.rack1.>', 'probe.seen.rack1.>', 'dead.dhcp-guarded.>', '$KV.probes.>',
    '$JS.API.CONSUMER.DURABLE.CREATE.FACTS.dhcp-guarded', '$JS.API.CONSUMER.MSG.NEXT.FACTS.dhcp-guarded', '$JS.ACK.FACTS.dhcp-guarded.>',
    '$JS.API.STREAM.INFO.KV_probes', '$JS.API.CONSUMER.CREATE.KV_probes', '$JS.API.CONSUMER.MSG.NEXT.KV_probes.*', '$JS.API.DIRECT.GET.KV_probes.>',
  ] },
  sub: { allow: ['_INBOX_rack1-dhcp.>'] },
};

test('a user JWT with named subjects only: everything works, another rack’s subject does not', async () => {
  const [operator, account, system] = [createOperator(), createAccount(), createAccount()];
  const preload = [[account, 'IRONBUS', limits], [system, 'SYS', { ...limits, mem_storage: 0, disk_storage: 0, streams: 0, consumer: 0 }]] as const;
  const tokens = preload.map(([key, name, accountLimits]) => `${key.getPublicKey()}: ${jwt(operator, key.getPublicKey(), name, { type: 'account', limits: accountLimits })}`);
  const config = `operator: ${jwt(operator, operator.getPublicKey(), 'O', { type: 'operator' })}\nresolver: MEMORY\nsystem_account: ${system.getPublicKey()}\nresolver_preload {\n${tokens.join('\n')}\n}`;
  await using nats = await startNats({ config });
  const folder = await mkdtemp(join(tmpdir(), 'ironbus-creds-'));
  const [adminFile, rackFile] = [join(folder, 'admin.creds'), join(folder, 'rack.creds')];
  await writeFile(adminFile, credsOf(account, 'admin', {}));
  await writeFile(rackFile, credsOf(account, 'rack1-dhcp', narrow));

  await using admin = testBus(nats.url, { credsFile: adminFile });
  await ensureTopology(admin, topology);
  await using bus = testBus(nats.url, { credsFile: rackFile });
  await bus.whenReady();
  const handled: number[] = [];
  bus.consume({ durable: 'dhcp-guarded', definitions: [probeDone], maxDeliver: 1, handler: (event) => { if (event.data.n === 2) throw new Error('no'); handled.push(event.data.n); } });
  const view = bus.watch(probes);
  await bus.publish(probeDone, { key: 'k', data: { n: 1 } });
  await bus.publish(probeDone, { key: 'k', data: { n: 2 } });
  bus.observe(probeSeen, { key: 'k', data: { n: 3 } });
  await view.reached(await bus.kv(probes).put('a', { n: 4 }));
  assert.equal((await bus.kv(probes).get('a'))?.value.n, 4);
  await waitFor(() => handled.length === 1 && bus.counts.get('dead-lettered') === 1 && bus.counts.get('observation-sent') === 1);

  await using forger = testBus(nats.url, { credsFile: rackFile, origin: { service: 'dhcp', rack: 'rack2', instance: 'a' } });
  await forger.whenReady();
  await assert.rejects(forger.publish(probeDone, { key: 'k', data: { n: 1 } }), { code: 'EVENT_FOREIGN', message: /permission/ });
  await rm(folder, { recursive: true });
});
