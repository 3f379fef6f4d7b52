/**
 * The fields that are read of Jobs and pods, by their numbers in the API's protobuf definitions (`generated.proto` in
 * k8s.io/api and k8s.io/apimachinery); numbers never change. A field that is not here is not seen by anybody.
 */
import { listOf, type MessageShape, mapTo, shapeOf } from './protobuf.ts';

const METADATA = shapeOf({
  name: [1, 'string'],
  namespace: [3, 'string'],
  uid: [5, 'string'],
  resourceVersion: [6, 'string'],
  generation: [7, 'int'],
  creationTimestamp: [8, 'time'],
  deletionTimestamp: [9, 'time'],
  deletionGracePeriodSeconds: [10, 'int'],
  labels: [11, mapTo('string')],
  annotations: [12, mapTo('string')],
  ownerReferences: [
    13,
    listOf(shapeOf({ kind: [1, 'string'], name: [3, 'string'], uid: [4, 'string'], controller: [6, 'bool'] })),
  ],
});

/** Of Jobs and of pods. */
const CONDITION = shapeOf({
  type: [1, 'string'],
  status: [2, 'string'],
  lastTransitionTime: [4, 'time'],
  reason: [5, 'string'],
  message: [6, 'string'],
});

export const JOB = shapeOf({
  metadata: [1, METADATA],
  spec: [
    2,
    shapeOf({
      parallelism: [1, 'int'],
      completions: [2, 'int'],
      activeDeadlineSeconds: [3, 'int'],
      suspend: [10, 'bool'],
    }),
  ],
  status: [
    3,
    shapeOf({
      conditions: [1, listOf(CONDITION)],
      startTime: [2, 'time'],
      completionTime: [3, 'time'],
      active: [4, 'count'],
      succeeded: [5, 'count'],
      failed: [6, 'count'],
      completedIndexes: [7, 'string'],
      ready: [9, 'int'],
      failedIndexes: [10, 'string'],
      terminating: [11, 'int'],
    }),
  ],
});

const CONTAINER = shapeOf({
  name: [1, 'string'],
  image: [2, 'string'],
  resources: [8, shapeOf({ limits: [1, mapTo('quantity')], requests: [2, mapTo('quantity')] })],
});

const CONTAINER_STATE = shapeOf({
  waiting: [1, shapeOf({ reason: [1, 'string'], message: [2, 'string'] })],
  running: [2, shapeOf({ startedAt: [1, 'time'] })],
  terminated: [
    3,
    shapeOf({
      exitCode: [1, 'int'],
      signal: [2, 'count'],
      reason: [3, 'string'],
      message: [4, 'string'],
      startedAt: [5, 'time'],
      finishedAt: [6, 'time'],
    }),
  ],
});

const CONTAINER_STATUS = shapeOf({
  name: [1, 'string'],
  state: [2, CONTAINER_STATE],
  lastState: [3, CONTAINER_STATE],
  ready: [4, 'bool'],
  restartCount: [5, 'int'],
  image: [6, 'string'],
  started: [9, 'bool'],
});

export const POD = shapeOf({
  metadata: [1, METADATA],
  spec: [
    2,
    shapeOf({
      containers: [2, listOf(CONTAINER)],
      terminationGracePeriodSeconds: [4, 'int'],
      nodeName: [10, 'string'],
      initContainers: [20, listOf(CONTAINER)],
    }),
  ],
  status: [
    3,
    shapeOf({
      phase: [1, 'string'],
      conditions: [2, listOf(CONDITION)],
      message: [3, 'string'],
      reason: [4, 'string'],
      startTime: [7, 'time'],
      containerStatuses: [8, listOf(CONTAINER_STATUS)],
      initContainerStatuses: [10, listOf(CONTAINER_STATUS)],
    }),
  ],
});

/** The metadata of an object of any kind. */
export const METADATA_ONLY = shapeOf({ metadata: [1, METADATA] });

export const WATCH_EVENT = shapeOf({ type: [1, 'string'], object: [2, shapeOf({ raw: [1, 'bytes'] })] });

/** What a watch says instead of a change where it cannot go on. */
export const STATUS = shapeOf({ message: [3, 'string'], reason: [4, 'string'], code: [6, 'int'] });

export function pageOf(item: MessageShape): MessageShape {
  return shapeOf({
    metadata: [1, shapeOf({ resourceVersion: [2, 'string'], continue: [3, 'string'] })],
    items: [2, listOf(item)],
  });
}
