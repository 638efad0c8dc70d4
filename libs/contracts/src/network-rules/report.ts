/** How a rule says what it found. */

export type NetworkProblem = {
  network: string;
  /** `error`: must not be saved. `warning`: works, but a person should know. */
  severity: 'error' | 'warning';
  /** JSON pointer into the network. */
  path: string;
  message: string;
};

export type Report = (severity: NetworkProblem['severity'], path: string, message: string) => void;
