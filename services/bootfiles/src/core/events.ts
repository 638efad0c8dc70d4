/** Facts of the ledger as event drafts. Pure: ids are derived, so that a report sent twice is one event. */
import {
  nodeCheckedIn, nodeInventoryReported, nodePhonedHome, nodeStepClaimed, nodeStepReported, reactionId, type Context, type Draft, type EventDefinition,
  type EventId, type Inventory, type IpAddress, type Mac, type CheckIn, type StepReport,
} from '@ironbus/contracts';
import type { PhoneHome } from './phone-home.ts';
import type { Fact, Ledger } from './ledger.ts';

/** Who speaks: `node` is the key of the event; `known` says that lifecycle gave it. */
export type Speaker = { node: string; known: boolean; mac: Mac; rack: string; network: string | null; bootId: string | null; address: IpAddress; ledgerKey: string };
export type Said = { checkIn?: CheckIn; report?: StepReport; inventory?: Inventory; phoneHome?: PhoneHome };
export type Drafted = { definition: EventDefinition; draft: Draft<EventDefinition> };

/** One draft per fact, in order. Throws where a fact comes without what the machine said: a defect. */
export function draftEvents(facts: readonly Fact[], ledger: Ledger, speaker: Speaker, said: Said): Drafted[] {
  return facts.map((fact) => ({ definition: definitions[fact.fact], draft: { ...contextOf(ledger, speaker), id: idOf(fact, ledger, speaker), data: dataOf(fact, ledger, speaker, said) as never } }));
}

const definitions = {
  'checked-in': nodeCheckedIn, claimed: nodeStepClaimed, reported: nodeStepReported, exhausted: nodeStepReported,
  inventory: nodeInventoryReported, 'phoned-home': nodePhonedHome,
} as unknown as Record<Fact['fact'], EventDefinition>;

function contextOf(ledger: Ledger, speaker: Speaker): Context & { key: string } {
  return {
    key: speaker.node, nodeid: speaker.known ? speaker.node : undefined, bootid: speaker.bootId ?? undefined, correlationid: ledger.operationId ?? undefined,
  };
}

/** The cause is the attempt (for enlisting, which has no number of its own: the boot), the ordinal what happened in it. */
function idOf(fact: Fact, ledger: Ledger, speaker: Speaker): EventId {
  const cause = `${speaker.ledgerKey}/${ledger.attempt}/${ledger.boot}`;
  const ordinal = (): string => {
    switch (fact.fact) {
      case 'checked-in': return ledger.announced;
      case 'inventory': return `${ledger.inventory}`;
      case 'phoned-home': return `${ledger.phoneHome?.hash}`;
      default: return `${fact.fact}/${fact.step}/${fact.claim}`;
    }
  };
  return reactionId(cause, definitions[fact.fact].type, ordinal());
}

function dataOf(fact: Fact, ledger: Ledger, speaker: Speaker, said: Said): Record<string, unknown> {
  const { mac, rack } = speaker;
  const { attempt } = ledger;
  switch (fact.fact) {
    case 'checked-in': {
      const [, operation = 'none', number = '0'] = ledger.announced.split('/');
      return { ...given(said.checkIn), rack, network: speaker.network, operation, attempt: Number(number) };
    }
    case 'inventory': return { mac, rack, attempt, inventory: given(said.inventory) };
    case 'claimed': return { mac, attempt, step: fact.step, kind: fact.kind, claim: fact.claim };
    case 'reported': return { mac, ...given(said.report), step: fact.step, kind: fact.kind, last: fact.last };
    case 'exhausted': return {
      mac, attempt, claim: fact.claim, outcome: 'failed', reason: 'claims-exhausted', message: `the machine started ${fact.step} ${fact.claim} times and never finished it`,
      evidence: { claims: fact.claim }, seconds: 0, step: fact.step, kind: fact.kind, last: false,
    };
    case 'phoned-home': { const { hostname, hostKeys } = given(said.phoneHome); return { mac, attempt, address: speaker.address, hostname, hostKeys }; }
  }
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a fact without what the machine said');
  return value;
}
