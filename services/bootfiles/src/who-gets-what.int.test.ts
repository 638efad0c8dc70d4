/**
 * Who gets what, and when: everything that the rack gives, asked at every moment of a deployment by the machine itself, by another one and by
 * an address that nobody knows. They differ in their address alone: each has the machine's MAC, and its credentials where it asks with any.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { bootPoliciesBucket, macToken, type NodeId } from '@ironbus/contracts';
import { waitFor } from '@ironbus/testkit';
import { fetchScript, macPath } from '../test/agent.ts';
import { mac, node, otherMac, policy } from '../test/fixtures.ts';
import { datasourceOf, install, oauthHeader, putUserData, startInstall, type Datasource } from '../test/installed.ts';
import { ofType, startRack, type Rack } from '../test/rack.ts';

const askers = { itself: '127.0.0.1', another: '127.0.0.2', nobody: '127.0.0.3' } as const;
type Asker = keyof typeof askers;
/** `given`, the reason of the `boot.refused` that is published, or `nothing`: an answer that holds no secret. */
type Cells = readonly [itself: string, another: string, nobody: string];
type What = 'script' | 'meta-data' | 'user-data' | 'vendor-data' | 'metadata' | 'metadata user-data' | 'metadata vendor-data' | 'status' | 'image';
type Moment = { moment: string; enter: () => Promise<unknown>; cells: Record<What, Cells> };

const attempt = 3;
const installed = { deployData: 'data', datasource: 'maas' } as const;
let rack: Rack;
let keys: Datasource['datasource']['MAAS'];
let started: Awaited<ReturnType<typeof startInstall>>;
let claimed: Awaited<ReturnType<typeof started.claim>>;

before(async () => {
  rack = await startRack();
  const other = policy({ mac: otherMac, node: 'abc123' as NodeId, answer: 'local', status: 'Deployed', operation: null });
  await Promise.all([rack.bind(askers.itself, mac), rack.bind(askers.another, otherMac), putUserData(rack, 'data', '#cloud-config\n# a secret of the owner\n'), rack.putPolicy(other)]);
  await rack.start();
  await rack.putNetwork({ baseUrl: rack.url('') });
});
after(async () => { await rack[Symbol.asyncDispose](); });

const everybody = (cell: string): Cells => [cell, cell, cell];
/** The script is asked with the machine's MAC. */
const script = (itself: string): Cells => [itself, 'asker-foreign', 'asker-unbound'];
/** `/seed/` names nobody, so that another machine asks for a seed of its own, and has none. */
const seed = (itself: string) => {
  const cells = [itself, 'metadata-not-granted', 'asker-unbound'] as const;
  return { 'meta-data': cells, 'user-data': cells, 'vendor-data': cells };
};
const metadata = (cells: Cells) => ({ metadata: cells, 'metadata user-data': cells, 'metadata vendor-data': cells });
const bound = (itself: string): Cells => [itself, 'asker-foreign', 'asker-unbound'];
const open = { status: everybody('given'), image: everybody('given') };

const says = (text: string) => waitFor(async () => (await fetchScript(rack)).includes(text), { what: text });

const moments: Moment[] = [
  {
    moment: 'the agent runs, with the credentials of the attempt before',
    enter: async () => {
      keys = datasourceOf(await install(rack, { attempt: attempt - 1, deployment: installed })).datasource.MAAS;
      started = await startInstall(rack, { attempt, deployment: installed });
    },
    cells: { ...open, script: script('given'), ...seed('metadata-not-granted'), ...metadata(everybody('oauth-wrong')), status: everybody('oauth-wrong') },
  },
  {
    moment: 'the agent has claimed the seed',
    enter: async () => {
      claimed = await started.claim();
      keys = datasourceOf(claimed.seed).datasource.MAAS;
    },
    cells: { ...open, script: script('given'), ...seed('metadata-attempt-not-done'), ...metadata(bound('metadata-attempt-not-done')) },
  },
  {
    moment: 'the disk is written, the policy lags behind', enter: async () => { await claimed.finish(); await says('# ironbus: deployment-done'); },
    cells: { ...open, script: script('nothing'), ...seed('given'), ...metadata(bound('given')) },
  },
  {
    moment: 'the system boots', enter: async () => { await rack.putPolicy(policy({ answer: 'local', operation: null })); await says('# ironbus: policy-local'); },
    cells: { ...open, script: script('nothing'), ...seed('given'), ...metadata(bound('given')) },
  },
  {
    moment: 'it has phoned home',
    enter: async () => {
      const url = /http:[^"\\]*\/phone-home\/[^"\\]*/.exec((await ask('itself', 'vendor-data')).text)?.[0] ?? '';
      assert.equal((await curl('itself', '-d', 'hostname=web1', url)).status, 200);
    },
    cells: { ...open, script: script('nothing'), ...seed('metadata-phoned-home'), ...metadata(bound('metadata-phoned-home')) },
  },
  {
    moment: 'it is being released',
    enter: async () => {
      await rack.putPolicy(policy({ attempt: attempt + 1, kind: 'releasing', status: 'Releasing', steps: [] }));
      await says('# ironbus: policy-agent');
    },
    cells: { ...open, script: script('given'), ...seed('metadata-phoned-home'), ...metadata(bound('metadata-phoned-home')) },
  },
  {
    moment: 'it was removed', enter: async () => { await rack.lifecycle.kv(bootPoliciesBucket).delete(macToken(mac)); await says('# ironbus: unknown-enlist'); },
    cells: {
      ...open, script: script('given'), ...metadata(bound('metadata-phoned-home')),
      'meta-data': ['seed-machine-unknown', 'metadata-not-granted', 'asker-unbound'], 'user-data': ['seed-machine-unknown', 'metadata-not-granted', 'asker-unbound'],
      'vendor-data': ['seed-machine-unknown', 'metadata-not-granted', 'asker-unbound'],
    },
  },
];

type Said = { status: number; text: string };

async function curl(asker: Asker, ...args: string[]): Promise<Said> {
  const { stdout } = await promisify(execFile)('curl', ['-sS', '--max-time', '10', '--interface', askers[asker], '-w', '\n%{http_code}', ...args]);
  return { status: Number(stdout.slice(-3)), text: stdout.slice(0, -4) };
}

function ask(asker: Asker, what: What): Promise<Said> {
  const signed = ['-H', `Authorization: ${oauthHeader(keys)}`];
  const tree = '/MAAS/metadata/2012-03-01';
  switch (what) {
    case 'script': return curl(asker, rack.url(`/boot/${macPath}/script.ipxe`));
    case 'meta-data': case 'user-data': case 'vendor-data': return curl(asker, rack.url(`/seed/__dmi.system-uuid__/${what}`));
    case 'metadata': return curl(asker, ...signed, rack.url(`${tree}/meta-data/instance-id`));
    case 'metadata user-data': return curl(asker, ...signed, rack.url(`${tree}/user-data`));
    case 'metadata vendor-data': return curl(asker, ...signed, rack.url(`${tree}/meta-data/vendor-data`));
    case 'status': return curl(asker, ...signed, '-d', '{"event_type":"start","name":"x"}', rack.url(`/MAAS/metadata/status/${node}`));
    case 'image': return curl(asker, rack.url('/agent-image/amd64/vmlinuz'));
  }
}

const isGiven = (what: What, { status, text }: Said): boolean => what === 'script' ? /ironbus\.token=/.test(text) : status === 200 || status === 204;
const refusals = () => ofType(rack.observations, 'boot.refused').map((event) => (event.data as { reason: string }).reason);

/** A refusal of another kind, which marks where those of the moment end. */
async function mark(): Promise<number> {
  const count = refusals().filter((reason) => reason === 'file-unknown').length + 1;
  await curl('itself', rack.url('/loaders/none'));
  await waitFor(() => refusals().filter((reason) => reason === 'file-unknown').length === count);
  return refusals().length;
}

for (const { moment, enter, cells } of moments) {
  test(moment, async () => {
    await enter();
    const begin = await mark();
    const found: Record<string, string[]> = {};
    for (const [what, expected] of Object.entries(cells) as [What, Cells][]) {
      for (const [at, asker] of (['itself', 'another', 'nobody'] as const).entries()) {
        const said = await ask(asker, what);
        const given = isGiven(what, said);
        if (!given) assert.doesNotMatch(said.text, /secret of the owner|phone-home\/|ironbus\.token/, `${what} for ${asker}`);
        (found[what] ??= []).push(given ? 'given' : expected[at] === 'nothing' ? 'nothing' : `refused ${said.status}`);
      }
    }
    const end = await mark() - 1;
    const published = refusals().slice(begin, end);
    // What is refused is published, once and in order; nothing else is.
    for (const row of Object.values(found)) for (const [at, cell] of row.entries()) if (cell.startsWith('refused')) row[at] = published.shift() ?? `${cell}, not published`;
    assert.deepEqual(found, cells);
    assert.deepEqual(published, []);
  });
}
