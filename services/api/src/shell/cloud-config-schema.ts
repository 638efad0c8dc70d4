/** cloud-init’s schema, out of Debian’s package or wherever a person put it: read and compiled when the first cloud-config needs it. */
import { existsSync, readFileSync } from 'node:fs';
import type { Logger } from '@ironbus/runtime';
import { compileSchema, type SchemaCheck } from '../core/cloud-config.ts';

/** Checks nothing where there is no such file, and says so once. */
export function openCloudConfigSchema(path: string, log: Logger): SchemaCheck {
  if (!existsSync(path)) {
    log.info({ path }, 'no schema of cloud-init here: modules of a cloud-config are not checked');
    return () => [];
  }
  let check: SchemaCheck | undefined;
  return (config) => (check ??= compile(path, log))(config);
}

/** A file that is no schema must not stop a deployment. */
function compile(path: string, log: Logger): SchemaCheck {
  try {
    return compileSchema(JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>);
  } catch (error) {
    log.warn({ path, err: error }, 'the schema of cloud-init can not be used: modules of a cloud-config are not checked');
    return () => [];
  }
}
