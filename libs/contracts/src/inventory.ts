/**
 * What a machine is made of, as the in-RAM agent reports it (docs/architecture/agent-protocol.md).
 * Sizes are bytes, speeds Mbit/s; `null` means the machine did not say.
 */
import { Type, type Static } from 'typebox';

const Text = (maxLength = 256) => Type.String({ maxLength });
const Known = <T extends ReturnType<typeof Text>>(schema: T) => Type.Union([schema, Type.Null()]);

export const Disk = Type.Object({
  name: Text(64),
  path: Type.String({ pattern: '^/dev/[a-zA-Z0-9/_.-]+$', maxLength: 128 }),
  sizeBytes: Type.Integer({ minimum: 0 }),
  blockBytes: Type.Integer({ minimum: 1 }),
  serial: Known(Text()),
  wwn: Known(Text()),
  model: Known(Text()),
  rotational: Type.Boolean(),
  transport: Known(Text(32)),
  removable: Type.Boolean(),
});
export type Disk = Static<typeof Disk>;

export const Nic = Type.Object({
  name: Text(64),
  mac: Type.String({ pattern: '^([0-9a-f]{2}:){5}[0-9a-f]{2}$' }),
  link: Type.Boolean(),
  speedMbps: Type.Union([Type.Integer(), Type.Null()]),
  driver: Known(Text(64)),
  pciId: Known(Text(32)),
  booted: Type.Boolean(),
});
export type Nic = Static<typeof Nic>;

export const Inventory = Type.Object({
  firmware: Type.Union([Type.Literal('bios'), Type.Literal('uefi')]),
  secureBoot: Type.Boolean(),
  architecture: Type.Union([Type.Literal('amd64'), Type.Literal('arm64')]),
  cpu: Type.Object({
    model: Known(Text()),
    sockets: Type.Integer({ minimum: 1 }),
    cores: Type.Integer({ minimum: 1 }),
    threads: Type.Integer({ minimum: 1 }),
  }),
  memory: Type.Object({
    totalBytes: Type.Integer({ minimum: 0 }),
    modules: Type.Array(Type.Object({
      locator: Known(Text()), sizeBytes: Type.Integer({ minimum: 0 }), type: Known(Text(64)), speedMtps: Type.Union([Type.Integer(), Type.Null()]),
    }), { maxItems: 512 }),
  }),
  disks: Type.Array(Disk, { maxItems: 1024 }),
  nics: Type.Array(Nic, { maxItems: 256 }),
  dmi: Type.Object({
    manufacturer: Known(Text()), product: Known(Text()), serial: Known(Text()), uuid: Known(Text(64)),
    boardManufacturer: Known(Text()), boardProduct: Known(Text()), biosVendor: Known(Text()), biosVersion: Known(Text()),
    chassisSerial: Known(Text()),
  }),
  bmc: Type.Union([Type.Null(), Type.Object({
    interface: Known(Text(32)),
    address: Known(Text(64)),
    mac: Known(Text(32)),
    firmware: Known(Text(64)),
  })]),
});
export type Inventory = Static<typeof Inventory>;
