/** What the kernel says about a network device now (/sys/class/net). */
import { readFile } from 'node:fs/promises';

export type DeviceFacts = {
  /** A new number each time the device is made. */
  index: number;
  /** Up and connected: what is sent reaches a wire. */
  link: boolean;
};

/** Undefined while there is no such device. */
export async function deviceFacts(device: string): Promise<DeviceFacts | undefined> {
  const index = await read(device, 'ifindex');
  return index === undefined ? undefined : { index: Number(index), link: (await read(device, 'carrier'))?.trim() === '1' };
}

/** A device that is down has no `carrier` to read: EINVAL. */
async function read(device: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(`/sys/class/net/${device}/${name}`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EINVAL') return undefined;
    throw error;
  }
}
