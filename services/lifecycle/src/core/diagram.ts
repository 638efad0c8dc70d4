/** docs/architecture/states.md, drawn from the table. */
import { statusCodes, statuses, type Status } from '@ironbus/contracts';
import { isInProgress, table, type Row } from './table.ts';

const idOf = (status: Status): string => status.replaceAll(' ', '');
const words = (row: Row): string => row.on.replace(/^node\.(.+)-requested$/, '$1').replace(/^node\./, '') + (row.when === undefined ? '' : ` (${row.when})`);

/** Mermaid: one arrow per pair of statuses, labelled with everything that leads along it. `return` is a state of its own. */
export function stateDiagram(): string {
  const arrows = new Map<string, Set<string>>();
  for (const row of table) {
    if (row.from === row.to || row.on === 'node.mark-broken-requested') continue;
    const arrow = `${idOf(row.from)} --> ${row.to === 'return' ? 'back' : idOf(row.to)}`;
    arrows.set(arrow, (arrows.get(arrow) ?? new Set()).add(words(row)));
  }
  return [
    'stateDiagram-v2',
    ...statuses.map((status) => `  state "${status}" as ${idOf(status)}`),
    '  state "the status before" as back',
    '  [*] --> New',
    ...[...arrows].map(([arrow, labels]) => `  ${arrow}: ${[...labels].join(', ')}`),
  ].join('\n');
}

const cell = (items: readonly string[] | undefined): string => items === undefined || items.length === 0 ? '' : items.join(', ');

const line = (row: Row): string =>
  `| ${row.from} | ${words(row)} | ${row.from === row.to ? '' : row.to === 'return' ? '*the status before*' : row.to} | ${cell(row.effects)} | ${row.awaits ?? ''} | ${row.deadline ?? ''} | ${cell(row.ladder)} | ${row.why} |`;

/** The whole page. Generated: change the table, never the page. */
export function statesDocument(): string {
  return [
    '# The states of a node', '',
    'Drawn from `services/lifecycle/src/core/table.ts` by `npm run check -- --write`; do not edit.', '',
    `MAAS's ${statuses.length} statuses under MAAS's names and numbers: ${statuses.map((status) => `${status} (${statusCodes[status]})`).join(', ')}.`,
    `In progress, so always with something awaited until a deadline: ${statuses.filter(isInProgress).join(', ')}.`, '',
    '`mark-broken` leads from every status to Broken and is left out of the picture.', '',
    '```mermaid', stateDiagram(), '```', '',
    '## Every row', '',
    'An empty `to` stays in the status and changes what is awaited. A deadline that passes tries the next remedy of the ladder (each once in an operation,',
    'as `LIFECYCLE_LADDER` allows, without power where only a person can switch the machine); with none left it is `ladder-exhausted`.', '',
    '| from | on | to | effects | awaits | deadline | ladder | why |', '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...table.map(line), '',
  ].join('\n');
}
