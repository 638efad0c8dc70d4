import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { text } from 'node:stream/consumers';
import { acceptAll } from './accept-all.ts';
import { native } from './native.ts';

const machines = 300;

/** Connects all of them before the loop turns again: the kernel has taken every connection when the server first looks. */
async function connectAtOnce(server: Server): Promise<{ clients: Socket[]; turns: number }> {
  server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 });
  await once(server, 'listening');
  acceptAll(server);
  const turns = new Set<number>();
  let turn = 0;
  const count = (): void => { turn += 1; ticking = setImmediate(count); };
  let ticking = setImmediate(count);
  const all = Promise.withResolvers<void>();
  let connected = 0;
  server.on('connection', () => { turns.add(turn); connected += 1; if (connected === machines) all.resolve(); });
  const clients = Array.from({ length: machines }, () => connect((server.address() as AddressInfo).port, '127.0.0.1'));
  await all.promise;
  clearImmediate(ticking);
  return { clients, turns: turns.size };
}

test('machines that connect at once are taken in a few turns of the loop, and each is answered on its own connection', async () => {
  assert.ok(native !== undefined, 'koffi is installed here');
  const server = createServer((request, response) => response.end(`for ${request.url} at ${request.socket.remotePort}`));
  const { clients, turns } = await connectAtOnce(server);
  assert.ok(turns <= machines / 5, `${turns} turns`);
  const answers = await Promise.all(clients.map(async (client, n) => {
    client.write(`GET /${n} HTTP/1.1\r\nhost: rack\r\nconnection: close\r\n\r\n`);
    const port = client.localPort;
    const answer = await text(client);
    return answer.endsWith(`for /${n} at ${port}`) ? 'own' : answer;
  }));
  assert.deepEqual([...new Set(answers)], ['own']);
  server.close();
  await once(server, 'close');
});

test('a server that is closed by force closes those connections too', async () => {
  const server = createServer((_request, response) => response.end());
  const { clients } = await connectAtOnce(server);
  const closed = Promise.all(clients.map((client) => once(client.resume(), 'close')));
  server.close();
  server.closeAllConnections();
  await closed;
  assert.equal(server.listening, false);
});
