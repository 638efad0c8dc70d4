/**
 * One read transfer as a pure state machine (RFC 1350 §6, RFC 7440). Blocks are counted from 1 without wrapping; the wire's
 * 16-bit numbers wrap to 0 (65,536 → 0), which is what every firmware expects. The shell sends what an action says and
 * keeps the timer.
 */
export type Transfer = {
  readonly totalBlocks: number; readonly windowBlocks: number;
  /** Highest block the client has; 0 before the first. -1 while the OACK is not acknowledged. */
  readonly acked: number;
  /** Highest block sent so far. */
  readonly sent: number;
  /** Timeouts since the last progress. */
  readonly tries: number;
  /** The client has answered with an ACK that counts. */
  readonly heard: boolean;
  /** The window after `acked` was sent again once because of a duplicate ACK; more duplicates are ignored until there is progress. */
  readonly repeated: boolean;
  readonly retransmitted: number;
};

export type Action =
  | { do: 'send-oack' }
  | { do: 'send-blocks'; from: number; to: number }
  | { do: 'wait' }
  | { do: 'complete' }
  | { do: 'fail'; reason: 'client-gone' };

export type Stepped = { state: Transfer; action: Action };

const maxBackOff = 8;

/** Of 65,536 numbers: an ACK of a block behind is not among those ahead as long as at most half of them are under way. */
export const largestWindow = 32_767;

/** A file of n whole blocks ends with an empty one (RFC 1350 §6). */
export const blockCount = (sizeBytes: number, blockBytes: number): number => Math.floor(sizeBytes / blockBytes) + 1;

export function begin(options: { totalBlocks: number; windowBlocks: number; oack: boolean }): Stepped {
  const state: Transfer = { totalBlocks: options.totalBlocks, windowBlocks: options.windowBlocks, acked: options.oack ? -1 : 0, sent: 0, tries: 0, heard: false, repeated: false, retransmitted: 0 };
  return options.oack ? { state, action: { do: 'send-oack' } } : sendWindow(state);
}

/**
 * The client was there and is silent now: when it sends the same request again it has begun anew, after a reset or because its last ACK
 * was lost. Before its first ACK it only repeats itself, and the timer answers.
 */
export const isLeft = ({ heard, tries }: Transfer): boolean => heard && tries > 0;

/** How long the next ACK is waited for: twice as long with each repetition, at most eight times. */
export const patienceMs = ({ tries }: Transfer, timeoutMs: number): number => timeoutMs * Math.min(2 ** tries, maxBackOff);

/** `wireBlock` is the 16-bit number of the ACK. */
export function onAck(state: Transfer, wireBlock: number): Stepped {
  if (state.acked < 0) return wireBlock === 0 ? sendWindow({ ...state, acked: 0, tries: 0, heard: true }) : wait(state);
  const ahead = (wireBlock - state.acked) & 0xffff;
  if (ahead === 0) return onDuplicate(state);
  if (ahead > state.sent - state.acked) return wait(state);
  const acked = state.acked + ahead;
  const gap = acked < state.sent; // the client reports a loss: what it says again about the same gap is ignored
  const moved = { ...state, acked, tries: 0, heard: true, repeated: gap };
  if (acked === state.totalBlocks) return { state: moved, action: { do: 'complete' } };
  return sendWindow(moved);
}

/**
 * With windows of one a duplicate ACK is never answered (RFC 1123 §4.2.3.1, the sorcerer's apprentice); the timer covers a lost block.
 * With larger ones it is how a client says that the window's first block was lost (RFC 7440 §4): sent again, once.
 */
function onDuplicate(state: Transfer): Stepped {
  if (state.windowBlocks === 1 || state.repeated || state.sent === state.acked) return wait(state);
  return sendWindow({ ...state, repeated: true });
}

/** Sends the OACK or the whole window after the last acknowledged block again, `maxTries` times. */
export function onTimeout(state: Transfer, maxTries: number): Stepped {
  if (state.tries >= maxTries) return { state, action: { do: 'fail', reason: 'client-gone' } };
  const tried = { ...state, tries: state.tries + 1, repeated: false };
  return state.acked < 0 ? { state: { ...tried, retransmitted: tried.retransmitted + 1 }, action: { do: 'send-oack' } } : sendWindow(tried);
}

function sendWindow(state: Transfer): Stepped {
  const from = state.acked + 1;
  const to = Math.min(state.acked + state.windowBlocks, state.totalBlocks);
  const again = Math.max(0, Math.min(to, state.sent) - from + 1);
  return { state: { ...state, sent: to, retransmitted: state.retransmitted + again }, action: { do: 'send-blocks', from, to } };
}

const wait = (state: Transfer): Stepped => ({ state, action: { do: 'wait' } });
