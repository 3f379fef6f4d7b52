/** The formats of Kubernetes that settings are checked against, each with a message that says what to write. */
import { encodeProblem } from '@lamina/domain/spec/problems.ts';
import { z } from 'zod';
import { DNS_LABEL, LABEL_VALUE } from '../names.ts';

/** `title` is what the reference calls it. */
function text(title: string, pattern: RegExp, message: string, fix: string, longest: number) {
  return z
    .string()
    .regex(pattern, { error: encodeProblem({ message, fix }) })
    .max(longest)
    .meta({ title });
}

const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export const dnsLabel = text(
  'name',
  DNS_LABEL,
  'must be a name of lower case letters, digits and hyphens, at most 63',
  'such as lamina-trials',
  63,
);

/** The name of an object. */
export const objectName = text(
  'name',
  DNS_SUBDOMAIN,
  'must be the name of a Kubernetes object: lower case letters, digits, hyphens and dots',
  'such as team-a.models',
  253,
);

export const labelValue = text(
  'label value',
  LABEL_VALUE,
  'must be what a label can say: at most 63 letters, digits, hyphens, underscores and dots, with a letter or digit at both ends',
  'such as NVIDIA-H100-80GB-HBM3',
  63,
);

const QUALIFIED =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** In selectors and tolerations: labels such as node-role.kubernetes.io/gpu say nothing more than their key. */
export const labelValueOrEmpty = z.union([z.literal(''), labelValue]);

export const labelKey = text(
  'label key',
  QUALIFIED,
  'must be the key of a label, with or without a domain before it',
  'such as nvidia.com/gpu.product',
  317,
);

/** Resources of the cluster itself have no domain, and none of them is a GPU. */
export const extendedResource = text(
  'resource',
  new RegExp(QUALIFIED.source.replace(')?[A', ')[A')),
  'must be an extended resource: a domain, a slash and a name',
  'such as nvidia.com/gpu or nvidia.com/mig-3g.40gb',
  317,
);

export const quantity = text(
  'amount (`64Gi`, `500m`)',
  /^(?=.*[1-9])\d+(\.\d+)?([KMGTPE]i|[mkMGTPE])?$/,
  'must be an amount greater than zero as Kubernetes writes it',
  'such as 64Gi, 500m or 1.5',
  32,
);

const absolute = text(
  'absolute path',
  /^\/(?!.*(^|\/)\.\.?(\/|$))[^:]*$/,
  'must be an absolute path without colons and without . or .. in it',
  'such as /var/lib/lamina',
  1024,
);

/** A path of the node. */
export const hostPath = absolute;

const TAKEN = /^\/(|tmp|home\/lamina|etc|bin|lib|lib64|sbin|(dev|proc|sys)(\/.*)?)\/?$/;

/** Where something is mounted in the container. */
export const mountPath = absolute.refine((path) => !TAKEN.test(path), {
  error: encodeProblem({
    message: 'is a folder that the container needs for itself',
    fix: 'mount it elsewhere, such as /mnt/models',
  }),
});

/** Variables by which the scheduler speaks to the trainer. */
const RESERVED = [
  'REQUEST',
  'ATTEMPT_TOKEN',
  'TERMINATION_LOG',
  'NODE_NAME',
  'POD_NAME',
  'NODES',
  'MASTER_ADDRESS',
].map((name) => `LAMINA_${name}`);

export const variableName = text(
  'variable name',
  /^[A-Za-z_][A-Za-z0-9_]*$/,
  'must be the name of a variable: letters, digits and underscores, no digit first',
  'such as HF_HUB_OFFLINE',
  256,
).refine((name) => !RESERVED.includes(name), {
  error: encodeProblem({
    message: 'is set by the scheduler for each attempt',
    fix: 'leave it out',
  }),
});

export const image = text(
  'image',
  /^[^\s:@][^\s]*$/,
  'must be the reference of an image, without spaces',
  'such as registry.example.org/lamina/trainer:1.0',
  1024,
);

export const httpUrl = z
  .url({
    protocol: /^https?$/,
    error: encodeProblem({
      message: 'must be an http or https address that pods can reach',
      fix: 'such as http://lamina.lamina.svc:7071',
    }),
  })
  .meta({ title: 'address' });

/** zod says of a wrong key only that it is wrong; this says why. */
export function recordOf<K extends z.ZodString, V extends z.ZodType>(key: K, value: V) {
  return z.record(key, value, {
    error: (raw) => (raw.code === 'invalid_key' ? raw.issues[0]?.message : undefined),
  });
}
