/** The kinds of objects that are spoken about with the API server, and where it serves them. */
import type { CoreV1Event, V1Job, V1Node, V1ObjectMeta, V1Pod } from '@kubernetes/client-node';
import type { MessageShape } from './protobuf.ts';
import { JOB, POD } from './shapes.ts';

/** Objects are as the API server serves them: times are ISO strings, whatever the types of client-node say. */
export interface ClusterObject {
  metadata?: V1ObjectMeta;
}

export interface Resource<T extends ClusterObject> {
  /** `/api/v1` or `/apis/<group>/<version>`. */
  readonly base: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Lists and watches of many objects read these fields alone, in the form that costs least; else all, as JSON. */
  readonly shape?: MessageShape;
  /** Type of the objects; never there at run time. */
  readonly of?: T;
}

export interface Lease {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string };
  readonly spec?: LeaseSpec;
}

export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export const JOBS: Resource<V1Job> = { base: '/apis/batch/v1', plural: 'jobs', namespaced: true, shape: JOB };
export const PODS: Resource<V1Pod> = { base: '/api/v1', plural: 'pods', namespaced: true, shape: POD };
export const NODES: Resource<V1Node> = { base: '/api/v1', plural: 'nodes', namespaced: false };
export const EVENTS: Resource<CoreV1Event> = { base: '/api/v1', plural: 'events', namespaced: true };
export const LEASES: Resource<Lease> = { base: '/apis/coordination.k8s.io/v1', plural: 'leases', namespaced: true };

export interface Scope {
  /** Null: all namespaces. */
  readonly namespace: string | null;
}

export function pathOf(resource: Resource<ClusterObject>, { namespace }: Scope, name?: string): string {
  const inNamespace = resource.namespaced && namespace !== null ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  const one = name === undefined ? '' : `/${encodeURIComponent(name)}`;
  return `${resource.base}${inNamespace}/${resource.plural}${one}`;
}
