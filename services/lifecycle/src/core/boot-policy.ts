/**
 * What every MAC of a node is answered: a pure function of the node. Never `local` in Deploying (until its last step
 * succeeded), Releasing, Disk erasing and their failed states: that disk may hold the last owner's system.
 */
import type { Mac, BootPolicy, PolicyOperation } from '@ironbus/contracts';
import type { NodeRecord, Settings } from './record.ts';

type Answer = { answer: BootPolicy['answer']; why: string; operation?: PolicyOperation };

/** One policy per MAC, in the node's order of MACs; only the MAC that booted has the reserved address. */
export function bootPolicies(record: NodeRecord, settings: Settings): BootPolicy[] {
  return record.node.macs.map((mac) => bootPolicy(record, mac, settings));
}

export function bootPolicy(record: NodeRecord, mac: Mac, settings: Settings): BootPolicy {
  const { node, own } = record;
  const { answer, why, operation } = answerOf(record);
  return {
    node: node.id, mac, version: node.version, status: node.status, hostname: node.hostname, answer, why, operation: operation ?? null, attempt: own.attempts,
    reservedAddress: mac === (node.bootMac ?? node.macs[0]) ? node.reservedAddress : null,
    bootPath: own.bootPath, kernelArguments: settings.kernelArguments, secureBoot: node.secureBoot, ...(node.tags.length > 0 && { tags: node.tags }),
  };
}

function answerOf(record: NodeRecord): Answer {
  const { node, own } = record;
  switch (node.status) {
    case 'New': return { answer: 'enlist', why: 'new: its inventory is taken, nothing else happens' };
    case 'Deployed': return { answer: 'local', why: 'deployed: its own disk' };
    case 'Deploying':
      return own.stepsFinished ? { answer: 'local', why: 'the disk is written: the new system has to boot from it' } : agent(record);
    case 'Commissioning': case 'Testing': case 'Disk erasing': case 'Entering rescue mode': case 'Rescue mode': return agent(record);
    case 'Exiting rescue mode':
      return own.returnTo.rescue === 'Deployed' ? { answer: 'local', why: 'back from rescue: its own disk' } : hold(record);
    default: return hold(record);
  }
}

function agent({ node, own }: NodeRecord): Answer {
  if (own.plan === null) return { answer: 'hold', why: `${node.status} without a plan: nothing may run` };
  return { answer: own.plan.steps[0]?.kind === 'install' ? 'install' : 'agent', why: `${own.plan.kind}, attempt ${own.plan.attempt}`, operation: own.plan };
}

const hold = ({ node }: NodeRecord): Answer => ({ answer: 'hold', why: `${node.status}: nothing may run on it until somebody asks` });
