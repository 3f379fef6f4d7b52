/** What is kept of objects in memory: thousands of them are, and most of each is never looked at. */
import type { V1Container, V1Job, V1Node, V1ObjectMeta, V1Pod } from '@kubernetes/client-node';

export function slimJob({ metadata, spec, status }: V1Job): V1Job {
  const { suspend, activeDeadlineSeconds, parallelism, completions } = spec ?? {};
  const kept = { suspend, activeDeadlineSeconds, parallelism, completions } as NonNullable<V1Job['spec']>;
  return { metadata: slimMetadata(metadata), spec: kept, ...(status === undefined ? {} : { status }) };
}

export function slimPod({ metadata, spec, status }: V1Pod): V1Pod {
  const { nodeName, terminationGracePeriodSeconds, containers = [], initContainers } = spec ?? {};
  const kept = {
    nodeName,
    terminationGracePeriodSeconds,
    containers: containers.map(slimContainer),
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(slimContainer) }),
  } as NonNullable<V1Pod['spec']>;
  if (status === undefined) return { metadata: slimMetadata(metadata), spec: kept };
  const { podIP: _, podIPs: _ips, hostIP: _host, hostIPs: _hosts, qosClass: _qos, ...rest } = status;
  return { metadata: slimMetadata(metadata), spec: kept, status: rest };
}

export function slimNode({ metadata, spec, status }: V1Node): V1Node {
  const { taints, unschedulable } = spec ?? {};
  const { allocatable, capacity, conditions } = status ?? {};
  return {
    metadata: slimMetadata(metadata),
    spec: { taints, unschedulable } as NonNullable<V1Node['spec']>,
    status: { allocatable, capacity, conditions } as NonNullable<V1Node['status']>,
  };
}

/** What is kept of the Job of an attempt that nobody asks about any more: enough to delete it and to tell old news from new. */
export function remnantOfJob({ metadata, spec, status }: V1Job): V1Job {
  const { name, uid, resourceVersion, labels } = metadata ?? {};
  const kept = { metadata: { name, uid, resourceVersion, labels }, spec: { parallelism: spec?.parallelism } };
  return { ...kept, status: { succeeded: status?.succeeded } } as V1Job;
}

/** The same of its pod, where that has succeeded; any other may still have to be dealt with. */
export function remnantOfPod(pod: V1Pod): V1Pod {
  const { name, uid, resourceVersion } = pod.metadata ?? {};
  const { phase } = pod.status ?? {};
  return phase === 'Succeeded' ? ({ metadata: { name, uid, resourceVersion }, status: { phase } } as V1Pod) : pod;
}

function slimMetadata(metadata: V1ObjectMeta | undefined): V1ObjectMeta {
  const {
    managedFields: _,
    finalizers: _finalizers,
    generateName: _generated,
    selfLink: _link,
    ...kept
  } = metadata ?? {};
  return kept;
}

function slimContainer({ name, image, resources }: V1Container): V1Container {
  return { name, image, resources } as V1Container;
}
