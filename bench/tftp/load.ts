/** What the load is told and says. */
export type LoadOptions = { server: string; port: number; serverPid: number; file: string; clients: number; blockBytes: number; windowBlocks: number; startMs: number; seconds: number };
export type LoadReport = {
  megabytesPerSecond: number; packetsPerSecond: number;
  /** Clients that got at least one block; whole files fetched; ACKs or requests repeated after a second of silence; errors heard. */
  started: number; fetched: number; repeated: number; refused: number;
  /** The windowsize the server agreed to; 1 where it knows none. */
  window: number;
  /** CPU time of the server's processes for each DATA packet. */
  serverMicroseconds: number;
  /** Of one core, what the load itself took: near 100 it was the limit. */
  loadCpuPercent: number;
  slowestBytes: number; fastestBytes: number;
};
