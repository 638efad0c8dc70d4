/**
 * Installer profiles: how a distribution’s own unattended installer is started on a machine and what it is told, and the layers
 * (global, tag, machine) whose values, snippets and kernel arguments a profile’s templates see.
 */
import { Type, type Static } from 'typebox';
import { Token } from './primitives.ts';

export const profileKinds = ['kickstart', 'preseed', 'autoinstall', 'autoyast', 'ignition', 'talos', 'ipxe'] as const;
export type ProfileKind = (typeof profileKinds)[number];
export const ProfileKind = Type.Unsafe<ProfileKind>(Type.Union(profileKinds.map((kind) => Type.Literal(kind))));

/** A kernel or an initrd: an absolute URL, or `image:<id>` (an image of format `file`), or `image:<id>/<path>` (a path in an ISO’s tree). */
export const BootFile = Type.String({ maxLength: 500, pattern: '^(https?://[A-Za-z0-9.:\\[\\]-]+/[A-Za-z0-9._~,:@%+=/-]+|image:[a-z0-9][a-z0-9-]{0,62}(/[A-Za-z0-9._+~@%-]+)*)$' });

/** A name as templates write it. */
const Name = Type.String({ pattern: '^[a-z][a-z0-9_]{0,62}$' });
/** Without it a pattern says nothing of the names that do not match, nor of what they hold. */
const closed = { additionalProperties: false } as const;
export const Snippets = Type.Record(Name, Type.String({ maxLength: 65_536 }), closed);
export const TemplateValues = Type.Record(Name, Type.Union([Type.String({ maxLength: 4096 }), Type.Number(), Type.Boolean()]), closed);
/** What a deployment alone knows; they travel sealed to the rack. */
export const TemplateSecrets = Type.Record(Name, Type.String({ maxLength: 4096 }), closed);
/** Words for a kernel’s command line; a profile’s may hold Liquid. */
const KernelArguments = Type.String({ maxLength: 2000 });

export const Profile = Type.Object({
  id: Token, name: Type.String({ minLength: 1, maxLength: 200 }), kind: ProfileKind,
  architectures: Type.Array(Type.Union([Type.Literal('amd64'), Type.Literal('arm64')]), { minItems: 1, maxItems: 2, uniqueItems: true }),
  /** Null for `ipxe` alone, whose template is the boot script itself. */
  kernel: Type.Union([BootFile, Type.Null()]), initrd: Type.Union([BootFile, Type.Null()]),
  /** Images of format `file` appended to the initrd in this order: cpio archives with firmware and the like. */
  overlays: Type.Array(Token, { maxItems: 16 }),
  kernelArguments: KernelArguments,
  /** The install configuration, in Liquid. */
  template: Type.String({ minLength: 1, maxLength: 131_072 }),
  snippets: Snippets,
});
export type Profile = Static<typeof Profile>;

/** `global`, `tag-<tag>` or `machine-<node>`. A later layer wins over an earlier one; of tags the alphabetically last. */
export const LayerId = Type.String({ pattern: '^(global|(tag|machine)-[a-z0-9]([a-z0-9-]{0,53}[a-z0-9])?)$', maxLength: 63 });
export const Layer = Type.Object({ id: LayerId, values: TemplateValues, snippets: Snippets, kernelArguments: KernelArguments });
export type Layer = Static<typeof Layer>;
