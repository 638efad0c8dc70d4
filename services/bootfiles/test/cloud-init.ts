/** The real cloud-init: Debian's package and what it imports, unpacked and not installed, run by Debian's own Python. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unpackPackage } from '../../../tests/lab/harness/packages.ts';

const cacheDir = join(import.meta.dirname, '../../../.cache/unpacked');
const packages = [
  'cloud-init', 'python3-oauthlib', 'python3-requests', 'python3-urllib3', 'python3-certifi', 'python3-chardet', 'python3-idna', 'python3-yaml', 'python3-jinja2',
  'python3-markupsafe', 'python3-configobj', 'python3-six', 'python3-jsonpatch', 'python3-json-pointer', 'python3-jsonschema', 'python3-attr', 'python3-pyrsistent',
  'python3-netifaces', 'python3-serial',
];

export async function unpackCloudInit(): Promise<string> {
  const paths: string[] = [];
  for (const name of packages) paths.push(join(await unpackPackage(name, cacheDir, () => {}), 'usr/lib/python3/dist-packages'));
  return paths.join(':');
}

/** Runs a program that prints JSON; it may write below `directory` only. */
export async function runCloudInit<T>(pythonPath: string, program: string, { directory, input, env = {} }: { directory: string; input: unknown; env?: Record<string, string> }): Promise<T> {
  const text = `import json, sys\nsys.argv = ['cloud-init']\ndirectory, given = ${JSON.stringify(directory)}, json.loads(${JSON.stringify(JSON.stringify(input))})\n${program}`;
  const { stdout } = await promisify(execFile)('/usr/bin/python3', ['-c', text], { cwd: directory, timeout: 60_000, env: { PATH: process.env['PATH'], PYTHONPATH: pythonPath, ...env } });
  return JSON.parse(stdout) as T;
}

/** `_get_data` of the classes that cloud-init itself chooses from; `given` is the system's configuration. Dates of 1970 are those of no clock. */
const read = (module: string) => `
from cloudinit import helpers, sources, url_helper
from cloudinit.sources import ${module} as module
url_helper.OauthUrlHelper.__init__.__defaults__ = url_helper.OauthUrlHelper.__init__.__defaults__[:-1] + (directory + '/skew.json',)
class Distro:
    def get_tmp_exec_path(self): return directory
paths = helpers.Paths({'cloud_dir': directory, 'run_dir': directory})
source = module.${module}${module === 'DataSourceNoCloud' ? 'Net' : ''}(given, Distro(), paths)
`;
const told = `
text = lambda one: one.decode() if isinstance(one, bytes) else one
print(json.dumps({'found': found, 'metadata': source.metadata, 'userData': text(source.userdata_raw), 'vendorData': text(source.vendordata_raw), 'id': source.get_instance_id(), 'keys': source.get_public_ssh_keys(), 'hostname': source.get_hostname().hostname}))
`;
export type Read = { found: boolean; metadata: Record<string, unknown>; userData: string | null; vendorData: string; id: string; keys: string[]; hostname: string };

export const readMaas = `${read('DataSourceMAAS')}found = source._get_data()\n${told}`;
export const readNoCloud = `${read('DataSourceNoCloud')}found = source._get_data()\n${told}`;

/** Reports one stage as cloud-init does, with the configured handlers. */
export const report = `
from cloudinit import reporting, url_helper
from cloudinit.reporting import events
url_helper.OauthUrlHelper.__init__.__defaults__ = url_helper.OauthUrlHelper.__init__.__defaults__[:-1] + (directory + '/skew.json',)
reporting.update_configuration(given)
with events.ReportEventStack('init-network', 'searching for network datasources', reporting_enabled=True) as stack:
    pass
events.report_finish_event('modules-final', 'a file goes with it', events.status.WARN, post_files=[directory + '/attached.log'])
reporting.flush_events()
print('{}')
`;
