import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { initialise, type Folders } from '../../deploy/compose/init.ts';
import { networksFrom, redisConf } from '../../deploy/compose/server-files.ts';

const lan = { IRONBUS_NETWORK_INTERFACE: 'eth0', IRONBUS_NETWORK_CIDR: '192.168.1.0/24', IRONBUS_NETWORK_ADDRESS: '192.168.1.5' };

test('a network is what the variables say, and answers nothing unless told', () => {
  const read = networksFrom({ ...lan, IRONBUS_NETWORK_POOL: '192.168.1.100-192.168.1.149, 192.168.1.200-192.168.1.209' });
  assert.deepEqual(read, { ok: true, networks: [{
    id: 'lan', interface: 'eth0', cidr: '192.168.1.0/24', serverAddress: '192.168.1.5', mode: 'shadow', gateway: null, dnsServers: [], domain: null,
    dynamicRanges: [{ from: '192.168.1.100', to: '192.168.1.149' }, { from: '192.168.1.200', to: '192.168.1.209' }],
  }] });
  assert.deepEqual(networksFrom({ IRONBUS_NETWORK_MODE: 'authoritative' }), { ok: true, networks: [] });
});

test('every fault of the variables is named at once', () => {
  const read = networksFrom({ IRONBUS_NETWORK_INTERFACE: 'eth0', IRONBUS_NETWORK_POOL: '192.168.1.100' });
  assert.deepEqual(read, { ok: false, faults: [
    'IRONBUS_NETWORK_CIDR is not set, but IRONBUS_NETWORK_INTERFACE is', 'IRONBUS_NETWORK_ADDRESS is not set, but IRONBUS_NETWORK_INTERFACE is',
    'IRONBUS_NETWORK_POOL: 192.168.1.100 is not <first address>-<last address>',
  ] });
});

test('each user of Redis reaches its own keys only', () => {
  const lines = redisConf('admin', { dhcp: 'secret' }).split('\n').filter((line) => line.startsWith('user '));
  assert.deepEqual(lines, ['user default on >admin ~* &* +@all', 'user health on nopass -@all +ping', 'user dhcp on >secret ~dhcp:* &dhcp:* +@all -@admin -@dangerous +info']);
});

test('run again, init keeps every secret, and only root reads them', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'ironbus-init-'));
  t.after(() => rmSync(root, { recursive: true }));
  const folders: Folders = { secrets: join(root, 'secrets'), nats: join(root, 'nats'), redis: join(root, 'redis'), writable: [join(root, 'rack')] };
  const read = (): Record<string, string> => Object.fromEntries([folders.secrets, folders.nats, folders.redis].flatMap((folder) => readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')])));
  initialise(folders, lan, process.getuid?.() ?? 0);
  const first = read();
  initialise(folders, lan, process.getuid?.() ?? 0);
  assert.deepEqual(read(), first);
  assert.equal(statSync(folders.secrets).mode & 0o777, 0o700);
  for (const name of readdirSync(folders.secrets)) assert.equal(statSync(join(folders.secrets, name)).mode & 0o777, 0o600, name);
});

test('values reach the entry point’s shell as they are', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'ironbus-init-'));
  t.after(() => rmSync(root, { recursive: true }));
  initialise({ secrets: root, nats: join(root, 'n'), redis: join(root, 'r'), writable: [] }, { ...lan, IRONBUS_NETWORK_DOMAIN: "it's $(here)" }, process.getuid?.() ?? 0);
  assert.match(readFileSync(join(root, 'api.env'), 'utf8'), /"domain":"it'\\''s \$\(here\)"/);
});
