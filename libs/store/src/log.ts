/** The part of a logger that the store uses; runtime's logger fits. */
type Write = (fields: object, message: string) => void;
export type Log = { debug: Write; info: Write; warn: Write; error: Write };
export type Ready = { ready: true } | { ready: false; why: string };
