/** docs/architecture/boot-decisions.md, drawn from the tables. */
import { bootTable, type BootRow } from './boot.ts';
import { loaderTable, type LoaderRow } from './loaders.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');
const bootLine = ({ rule, gives, witness }: BootRow): string => `| \`${rule}\` | ${cell(gives)} | ${cell(witness)} |`;

/** The place in `auto`, counted within the firmware; a row that is only there by choice has none. */
function turnOf(row: LoaderRow): string {
  if (row.byChoice) return 'by choice';
  return String(loaderTable.filter((other) => other.firmware === row.firmware && !other.byChoice).indexOf(row));
}

function loaderLine(row: LoaderRow): string {
  const cells = [
    `\`${row.rule}\``, row.http === undefined ? '' : `\`${row.http}\``, row.firmware, row.loader, `\`${row.file}\`${row.signed ? ', signed' : ''}`,
    turnOf(row), cell(row.witness),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** The whole page. Generated: change the tables, never the page. */
export function bootDocument(): string {
  return [
    '# What a client is told to boot', '',
    'Drawn from `services/dhcp/src/core/boot.ts` and `loaders.ts` by `npm run check -- --write`; do not edit.', '',
    'The rule of an answer is in its event and its log line. The first row that matches wins; a client that no row matches is firmware',
    'that we have loaders for, and the second table says which. "Not run" means: read in the sources named, not seen on a machine of ours.', '',
    '## By client and state', '',
    '| rule | gives | witness |', '| --- | --- | --- |', ...bootTable.map(bootLine), '',
    '## Loaders', '',
    "By TFTP the bare name, by UEFI HTTP boot `<baseUrl>/loaders/<file>` with option 60 `HTTPClient`. The reservation's `loader` wins over the",
    "network's; a choice that the firmware has nothing of counts as `auto`. Several rows of one choice take turns: boot path of the policy (0 or 1)",
    'plus the boots in a row that got a loader and showed no later stage. Where Secure Boot is known to be on, the signed row is taken whatever was',
    'chosen.', '',
    '| rule | by HTTP | firmware | choice | file | turn in `auto` | witness |',
    '| --- | --- | --- | --- | --- | --- | --- |', ...loaderTable.map(loaderLine), '',
    '## Options by mode', '',
    '| client | `authoritative` | `proxy`, port 67 | port 4011 (`proxy`; `authoritative` with a menu) |', '| --- | --- | --- | --- |',
    '| BIOS PXE ROM | file; 60 `PXEClient`, 43 discovery control 8: no wait for a ProxyDHCP | the same, yiaddr 0 | the same, or the item of the menu |',
    '| UEFI PXE | file; never 60 or 43, but for a menu | 60 `PXEClient` and siaddr only: EDK2 then asks port 4011 | file, or the menu, or its item; 60 |',
    '| UEFI HTTP boot | URL, 60 `HTTPClient` | the same, yiaddr 0 | the same |',
    '| iPXE | URL of the script, 175.176 = 1 | URL of the script, 60 `PXEClient` | the same |',
    '| Raspberry Pi | 43 "Raspberry Pi Boot", 60, 66 | the same, yiaddr 0 | the same |',
    '| Mac (BSDP) | DISCOVER: 60 `AAPLBSDPC`, 43 with the default image; INFORM: the list, or the file of the image, to its reply port ' +
      '| INFORM only | |',
    '| anything else | nothing | silence | silence |', '',
  ].join('\n');
}
