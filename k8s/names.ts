/** Kubernetes' rules for names and label values, and the names that several rooms must agree on. */
import { createHash } from 'node:crypto';

/** RFC 1123 label: Jobs, namespaces, volumes. */
export const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** What a label may say; empty is allowed by Kubernetes, never wanted here. */
export const LABEL_VALUE = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The id itself where a label can hold it, else its hash: equal ids have equal labels. */
export function labelValue(id: string): string {
  return LABEL_VALUE.test(id) ? id : `sha256-${sha256(id).slice(0, 40)}`;
}

/** By which the workers of an installation agree on their leader. */
export function leaseName(instance: string): string {
  return `lamina-${instance}`;
}
