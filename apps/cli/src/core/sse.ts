/** Server-Sent Events (HTML Living Standard, §9.2.6), as far as the region sends them. */

export type Message = { id: string | undefined; event: string; data: string };

/** Takes text in any pieces, gives the messages that are complete. Comments (heartbeats) are none. */
export function createSseParser(): (text: string) => Message[] {
  let rest = '';
  return (text) => {
    const blocks = (rest + text).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    return blocks.map(parseBlock).filter((message) => message !== undefined);
  };
}

function parseBlock(block: string): Message | undefined {
  const message: Message = { id: undefined, event: 'message', data: '' };
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    const value = line.slice(colon + 1).replace(/^ /, '');
    if (colon < 1) continue;
    if (line.startsWith('id:')) message.id = value;
    if (line.startsWith('event:')) message.event = value;
    if (line.startsWith('data:')) data.push(value);
  }
  return data.length === 0 ? undefined : { ...message, data: data.join('\n') };
}
