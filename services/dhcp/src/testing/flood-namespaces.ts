/** Runs a test file inside a server's namespace that one wire joins to a clients' namespace; its name is in FLOOD_CLIENTS there. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { makeNamespaces, whyNoNamespaces } from './namespaces.ts';
import { runTestsIn } from './run-tests-in.ts';

/** The wire's ends. */
export const wire = { server: 'fl-s0', clients: 'fl-c0' } as const;

/** Fails with the file's output when it fails. Interface names and namespaces start with `fl`. */
export async function runBetweenNamespaces(t: TestContext, file: string): Promise<void> {
  const why = whyNoNamespaces();
  assert.equal(why, undefined, why);
  const server = `fl${process.pid}-s`;
  const clients = `fl${process.pid}-c`;
  t.after(makeNamespaces([server, clients], [{ from: server, device: wire.server, to: clients, peer: wire.clients, address: '10.77.0.1/24' }]));
  await runTestsIn(t, server, { files: [file], environment: { FLOOD_CLIENTS: clients } });
}
