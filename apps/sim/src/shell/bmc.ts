/**
 * BMCs behind an `ipmitool` of our own: a shell script outside our code that keeps its state in files, one directory per
 * address. It checks the password and says what the real one says (witness: reference lab, ipmi_sim 2.0.33).
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type PowerEvent = 'on' | 'off';
export type Bmc = {
  readonly address: string; readonly username: string; readonly password: string;
  power(): PowerEvent;
  /** What the machine does to itself, or a person at its button. */
  press(to: PowerEvent): void;
  /** Changes the password that the BMC wants. */
  setPassword(password: string): void;
  /** A silent BMC answers nobody. */
  setSilent(silent: boolean): void;
  /** Every command line it was asked with. */
  commandLines(): string[];
  /** Calls for each change of power that the BMC made, in order. */
  onPower(listener: (event: PowerEvent) => void): void;
  close(): void;
};

const script = (dir: string): string => `#!/bin/sh
bmc=; all="$*"
while [ $# -gt 0 ] && [ "$1" != chassis ]; do
  if [ "$1" = -H ]; then bmc="${dir}/$2"; fi
  shift
done
if [ ! -d "$bmc" ] || [ -e "$bmc/silent" ]; then
  echo "Get Auth Capabilities error" >&2; echo "Error: Unable to establish IPMI v2 / RMCP+ session" >&2; exit 1
fi
echo "$all" >> "$bmc/command-lines"
if [ "$IPMI_PASSWORD" != "$(cat "$bmc/password")" ]; then
  echo "> RAKP 2 HMAC is invalid" >&2; echo "Error: Unable to establish IPMI v2 / RMCP+ session" >&2; exit 1
fi
read -r now < "$bmc/power"
become() { if [ "$now" != "$1" ]; then echo "$1" > "$bmc/power"; echo "$1" >> "$bmc/journal"; fi; }
case "$*" in
  "chassis power status") echo "Chassis Power is $now" ;;
  "chassis power on") become on; echo "Chassis Power Control: Up/On" ;;
  "chassis power off"|"chassis power soft") become off; echo "Chassis Power Control: Down/Off" ;;
  "chassis power reset") become off; now=off; become on; echo "Chassis Power Control: Reset" ;;
  "chassis bootdev pxe"*) echo "Force PXE" > "$bmc/boot"; echo "Set Boot Device to pxe" ;;
  "chassis bootdev disk"*) echo "Force Boot from default Hard-Drive" > "$bmc/boot"; echo "Set Boot Device to disk" ;;
  "chassis bootparam get 5") echo "   - Boot Flag Valid"; echo "   - Boot Device Selector : $(cat "$bmc/boot")" ;;
  *) echo "Invalid command: $*" >&2; exit 1 ;;
esac
`;

/** Writes the program; gives its path. BMCs are added below the same directory. */
export function writeIpmitool(dir: string): string {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'ipmitool');
  writeFileSync(path, script(dir), { mode: 0o755 });
  return path;
}

/** A machine with a power button and no BMC. */
export function createButton(): Bmc {
  const listeners = new Set<(event: PowerEvent) => void>();
  let state: PowerEvent = 'off';
  return {
    address: '', username: '', password: '', power: () => state, setPassword: () => undefined, setSilent: () => undefined, commandLines: () => [],
    press(to) {
      if (to === state) return;
      state = to;
      for (const listener of listeners) listener(to);
    },
    onPower: (listener) => { listeners.add(listener); },
    close: () => listeners.clear(),
  };
}

/** A BMC whose machine is off. */
export function addBmc(dir: string, address: string, password: string): Bmc {
  const home = join(dir, address);
  mkdirSync(home);
  const file = (name: string): string => join(home, name);
  for (const [name, text] of Object.entries({ password, power: 'off', boot: 'No override', journal: '', 'command-lines': '' })) writeFileSync(file(name), text === '' ? '' : `${text}\n`);
  const lines = (name: string): string[] => readFileSync(file(name), 'utf8').split('\n').slice(0, -1);
  const listeners = new Set<(event: PowerEvent) => void>();
  let heard = 0;
  const watcher = watch(home, () => {
    const journal = lines('journal');
    while (heard < journal.length) for (const event of journal.slice(heard, ++heard)) for (const listener of listeners) listener(event as PowerEvent);
  });
  const press = (to: PowerEvent): void => {
    if (lines('power')[0] === to) return;
    writeFileSync(file('power'), `${to}\n`);
    appendFileSync(file('journal'), `${to}\n`);
  };
  return {
    address, username: 'admin', password, press,
    power: () => lines('power')[0] as PowerEvent,
    setPassword: (wanted) => writeFileSync(file('password'), `${wanted}\n`),
    setSilent: (silent) => silent ? writeFileSync(file('silent'), '') : rmSync(file('silent'), { force: true }),
    commandLines: () => existsSync(file('command-lines')) ? lines('command-lines') : [],
    onPower: (listener) => { listeners.add(listener); },
    close: () => watcher.close(),
  };
}
