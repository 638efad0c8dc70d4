/** One lab with one stack for a file of lab tests: up before, gone after, with the log's end shown when something failed. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before } from 'node:test';
import type { Envelope } from '@ironbus/contracts';
import { ensureImage, type ImageName } from './harness/images.ts';
import { defineLab, type Lab } from './harness/lab.ts';
import { cleanUp, cleanUpAtExit, up } from './harness/network.ts';
import { cacheDir, startStack, type Stack } from './stack.ts';
import { addBuilt, sshKey, type SshKey } from './story.ts';

export type Fixture<S extends Stack = Stack> = { lab: Lab; stack: S; key: SshKey; events: Envelope[]; sequences: number[] };

export type StartStack<S extends Stack> = (lab: Lab, env: Record<string, string>) => Promise<S>;
/** `router` adds the relay router and the far segment; `env` may need the lab's addresses. */
export type LabChoices = { router?: boolean; env?: (lab: Lab) => Record<string, string> };

/** `use()` gives the fixture inside tests. */
export const useLab = (name: string, base: string, images: readonly ImageName[], choices: LabChoices = {}): (() => Fixture) => useLabWith(startStack, { name, base, images, ...choices });

/** A lab whose stack is started another way. */
export function useLabWith<S extends Stack>(start: StartStack<S>, { name, base, images, router = false, env = () => ({}) }: LabChoices & { name: string; base: string; images: readonly ImageName[] }): () => Fixture<S> {
  let fixture: Fixture<S> | undefined;
  const lab = defineLab({ prefix: `ironbus-${name}`, base, stateRoot: join(cacheDir, 'lab'), router });
  before(async () => {
    assert.equal(process.getuid?.(), 0, 'the lab makes network namespaces: run its tests as root');
    await up(lab);
    cleanUpAtExit(lab);
    const stack = await start(lab, env(lab));
    fixture = { lab, stack, key: await sshKey(join(lab.dir, 'ssh')), events: [], sequences: [] };
    for (const image of images) await addBuilt(stack.client, await ensureImage(image, cacheDir, (line) => console.log(`# ${line}`)));
    await follow(fixture);
  });
  after(async () => {
    await fixture?.stack.stop();
    await cleanUp(lab);
  });
  return () => {
    assert.ok(fixture, 'the lab did not come up');
    return fixture;
  };
}

/** Collects every event into the fixture; again after the stack was restarted, from where it stopped. */
export async function follow(fixture: Fixture): Promise<void> {
  const { stack, events, sequences } = fixture;
  await stack.client.follow((event, sequence) => {
    if (sequence !== undefined) sequences.push(sequence);
    events.push(event);
  }, (sequences.at(-1) ?? 0) + 1);
}
