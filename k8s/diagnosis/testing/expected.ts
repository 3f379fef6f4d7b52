/** What is said of each recording; of whichever node, as gpu-1. */
export interface Expected {
  readonly outcome: string;
  readonly exitCode: number | null;
  readonly says: string;
  readonly memoryLimitBytes?: number;
}

export const EXPECTED: Readonly<Record<string, Expected>> = {
  'claim-missing': {
    outcome: 'pending',
    exitCode: null,
    says: 'misconfigured: The volume claim "artifacts" does not exist in the namespace; create it, or correct its name in the cluster settings.',
  },
  'claim-unbound': {
    outcome: 'pending',
    exitCode: null,
    says: 'misconfigured: A volume claim of the trial has no volume yet: nothing in the cluster provides one of its class and size.',
  },
  'config-volume-missing': {
    outcome: 'pending',
    exitCode: null,
    says: 'misconfigured: The ConfigMap "recipes" does not exist in the namespace; create it, or correct its name in the cluster settings.',
  },
  'deadline-ignored': {
    outcome: 'timed-out',
    exitCode: 137,
    says: "Stopped on node gpu-1 at the trial's deadline of 3 s; a longer policy.trialDeadline would let it end.",
  },
  'deadline-pending': {
    outcome: 'unschedulable',
    exitCode: null,
    says: "The trial's deadline of 3 s passed before it could start. No node takes the trial: of 2 nodes, all 2 have not enough GPUs free (64 asked for).",
  },
  'deadline-saved': {
    outcome: 'timed-out',
    exitCode: 75,
    says: "Stopped on node gpu-1 at the trial's deadline of 3 s; a longer policy.trialDeadline would let it end. Stopped after step 12; a checkpoint was saved.",
  },
  'disk-own-limit-folder': {
    outcome: 'invalid',
    exitCode: 137,
    says: 'The trial wrote more to local disk than its pod is allowed, and was stopped: Usage of EmptyDir volume "big" exceeds the limit "2Mi". Raise that limit in the cluster settings, or put the folder on a volume.',
  },
  'disk-own-limit-pod': {
    outcome: 'invalid',
    exitCode: 137,
    says: 'The trial wrote more to local disk than its pod is allowed, and was stopped: Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. Raise that limit in the cluster settings, or put the folder on a volume.',
  },
  evicted: {
    outcome: 'disrupted',
    exitCode: 75,
    says: 'The trial was moved off node gpu-1 on request, as when a node is drained for maintenance. Stopped after step 12; a checkpoint was saved.',
  },
  'evicted-unsaved': {
    outcome: 'disrupted',
    exitCode: 137,
    says: 'The trial was moved off node gpu-1 on request, as when a node is drained for maintenance. The next attempt goes on from the last checkpoint, if one was saved.',
  },
  'exit-0-no-result': {
    outcome: 'crashed',
    exitCode: 0,
    says: 'The trainer ended as if all was well, but it announced no result.',
  },
  'exit-0-result': { outcome: 'succeeded', exitCode: 0, says: 'Finished with a held-out loss of 2.3145.' },
  'exit-1-cuda-memory-in-log': {
    outcome: 'gpu-out-of-memory',
    exitCode: 1,
    says: "The GPU's memory was not enough on node gpu-1: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 512.00 MiB.",
  },
  'exit-1-launcher-65': {
    outcome: 'gpu-out-of-memory',
    exitCode: 65,
    says: "The GPU's memory is not enough: CUDA out of memory. It ran on node gpu-1.",
  },
  'exit-1-silent': {
    outcome: 'crashed',
    exitCode: 1,
    says: 'The trainer on node gpu-1 ended with code 1 and said nothing; see its log.',
  },
  'exit-1-traceback': {
    outcome: 'crashed',
    exitCode: 1,
    says: 'ValueError: not enough values to unpack. (The trainer on node gpu-1 ended with code 1.)',
  },
  'exit-126-shell': {
    outcome: 'invalid',
    exitCode: 126,
    says: "The trainer's command may not be run in lamina.test/busybox:1 (code 126: trainer: line 0: /etc/passwd: Permission denied). Set image and command in the cluster settings to ones that fit each other.",
  },
  'exit-127-shell': {
    outcome: 'invalid',
    exitCode: 127,
    says: "The trainer's command is not in lamina.test/busybox:1 (code 127: trainer: line 0: no-such-python: not found). Set image and command in the cluster settings to ones that fit each other.",
  },
  'exit-64-invalid': {
    outcome: 'invalid',
    exitCode: 64,
    says: 'The data set has no column text; it has prompt, answer.',
  },
  'exit-65-gpu-memory': {
    outcome: 'gpu-out-of-memory',
    exitCode: 65,
    says: "The GPU's memory is not enough: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 39.39 GiB of which 1.21 GiB is free. It ran on node gpu-1.",
  },
  'exit-66-host-memory': {
    outcome: 'host-out-of-memory',
    exitCode: 66,
    says: "The host's memory is not enough: an allocation failed. It ran on node gpu-1.",
  },
  'exit-67-gpu-fault': {
    outcome: 'gpu-fault',
    exitCode: 67,
    says: 'The GPU failed: CUDA error: uncorrectable ECC error encountered. It ran on node gpu-1.',
  },
  'exit-75-from-outside': {
    outcome: 'disrupted',
    exitCode: 75,
    says: 'Something outside Lamina asked the trainer on node gpu-1 to stop. Stopped after step 12; a checkpoint was saved.',
  },
  'host-folder-missing': {
    outcome: 'pending',
    exitCode: null,
    says: 'misconfigured: The volume "artifacts" names the folder /srv/no-such-folder, which node gpu-1 does not have.',
  },
  'image-name': {
    outcome: 'invalid',
    exitCode: null,
    says: '"Lamina/Trainer:1" is not the name of an image; correct the image in the cluster settings.',
  },
  'image-never-pull': {
    outcome: 'pending',
    exitCode: null,
    says: 'image-pull: The image lamina.test/none:1 is not on node gpu-1, and imagePullPolicy Never forbids fetching it. Load it there, or change the policy in the cluster settings.',
  },
  'image-pull': {
    outcome: 'pending',
    exitCode: null,
    says: 'image-pull: The image registry.invalid/lamina/trainer:1 cannot be fetched: the registry cannot be reached from the node.',
  },
  'image-pull-first': {
    outcome: 'pending',
    exitCode: null,
    says: 'image-pull: The image registry.invalid/lamina/trainer:1 cannot be fetched: the registry cannot be reached from the node.',
  },
  'job-deleted': {
    outcome: 'disrupted',
    exitCode: 75,
    says: 'The Job was deleted while the trial ran on node gpu-1. Stopped after step 12; a checkpoint was saved.',
  },
  'job-deleted-pending': {
    outcome: 'disrupted',
    exitCode: null,
    says: 'The Job was deleted before the trial had started.',
  },
  'memory-limit': {
    outcome: 'host-out-of-memory',
    exitCode: 137,
    says: 'The trainer on node gpu-1 used more host memory than its limit of 24 MiB and was killed. It needs a larger memory request (resources.memory), or less data in memory.',
    memoryLimitBytes: 24 * 2 ** 20,
  },
  'memory-limit-child': {
    outcome: 'host-out-of-memory',
    exitCode: 1,
    says: 'The trainer on node gpu-1 used more host memory than its limit of 24 MiB and was killed. It needs a larger memory request (resources.memory), or less data in memory.',
    memoryLimitBytes: 24 * 2 ** 20,
  },
  'no-such-product': {
    outcome: 'pending',
    exitCode: null,
    says: 'unschedulable: No node takes the trial: of 42 nodes, 2 are of another kind than asked for, or excluded after a fault, 40 are kept for other work or not ready (taints).',
  },
  'node-affinity': {
    outcome: 'disrupted',
    exitCode: null,
    says: 'Node gpu-1 refused the trial (NodeAffinity): its labels or taints had changed since it was chosen. Nothing had started.',
  },
  'node-deleted': {
    outcome: 'disrupted',
    exitCode: null,
    says: 'Node recorded-deleted was removed from the cluster while the trial was on it. Nothing had started.',
  },
  'node-lost': {
    outcome: 'disrupted',
    exitCode: null,
    says: 'Node gpu-1 stopped answering, and the cluster gave up what ran there. The next attempt goes on from the last checkpoint, if one was saved.',
  },
  'out-of-cpu': {
    outcome: 'disrupted',
    exitCode: null,
    says: 'Node gpu-1 had not enough CPU left when the trial arrived: another pod was faster. Nothing had started.',
  },
  'out-of-gpu': {
    outcome: 'disrupted',
    exitCode: null,
    says: 'Node gpu-1 had not enough GPUs left when the trial arrived: another pod was faster. Nothing had started.',
  },
  'pod-deleted': {
    outcome: 'disrupted',
    exitCode: 75,
    says: "The trial's pod on node gpu-1 was deleted while it ran. Stopped after step 12; a checkpoint was saved.",
  },
  'pod-force-deleted': {
    outcome: 'disrupted',
    exitCode: 137,
    says: "The trial's pod on node gpu-1 was deleted while it ran. The next attempt goes on from the last checkpoint, if one was saved.",
  },
  'pod-security': {
    outcome: 'invalid',
    exitCode: null,
    says: 'The namespace admits only pods of the security level "restricted", and this one breaks it: restricted volume types (volume "artifacts" uses restricted volume type "hostPath"). Change the volumes or users in the cluster settings accordingly, or use a namespace with a lower level (label pod-security.kubernetes.io/enforce).',
  },
  preempted: {
    outcome: 'disrupted',
    exitCode: 75,
    says: "A pod with a higher priority took the trial's place on node gpu-1. Stopped after step 12; a checkpoint was saved.",
  },
  'priority-class-missing': {
    outcome: 'pending',
    exitCode: null,
    says: 'misconfigured: The priority class "research" does not exist; create it, or correct priorityClass in the cluster settings.',
  },
  'queue-preempted': {
    outcome: 'disrupted',
    exitCode: 75,
    says: 'Queue recorded took the place back while the trial was under way on node gpu-1 (prioritization in the ClusterQueue). Stopped after step 12; a checkpoint was saved.',
  },
  queued: { outcome: 'pending', exitCode: null, says: 'queued: Waiting for its turn in the queue research.' },
  quota: {
    outcome: 'pending',
    exitCode: null,
    says: 'unschedulable: The namespace\'s quota "team" is used up: the trial asks for pods=1, pods=0 is in use, and the limit is pods=0. It starts when others end, or with a higher quota.',
  },
  'runs-as-root': {
    outcome: 'pending',
    exitCode: null,
    says: 'misconfigured: The image would run as root, which the pod forbids; set runAsUser in the cluster settings to a user of the image.',
  },
  'secret-missing': {
    outcome: 'pending',
    exitCode: null,
    says: 'misconfigured: The Secret "hf-token" does not exist in the namespace; create it, or correct its name in the cluster settings.',
  },
  'secret-volume-missing': {
    outcome: 'pending',
    exitCode: null,
    says: 'misconfigured: The Secret "absent-keys" does not exist in the namespace; create it, or correct its name in the cluster settings.',
  },
  'service-account-missing': {
    outcome: 'pending',
    exitCode: null,
    says: 'misconfigured: The service account "trainer" does not exist in the namespace; create it, or correct serviceAccount in the cluster settings.',
  },
  'signal-abrt': {
    outcome: 'crashed',
    exitCode: 134,
    says: 'The trainer on node gpu-1 was ended by SIGABRT (code 134). A native library gave up, most often CUDA, NCCL or the allocator; its last words are in the log. Last line of the log: Aborted',
  },
  'signal-bus': {
    outcome: 'crashed',
    exitCode: 135,
    says: 'The trainer on node gpu-1 was ended by SIGBUS (code 135). Usually shared memory (/dev/shm) is too small for the data loader, or a file it had mapped was cut. Last line of the log: Bus error',
  },
  'signal-ill': {
    outcome: 'crashed',
    exitCode: 132,
    says: 'The trainer on node gpu-1 was ended by SIGILL (code 132). A library in the image uses instructions that this CPU does not have; use an image built for it. Last line of the log: Illegal instruction',
  },
  'signal-kill': {
    outcome: 'disrupted',
    exitCode: 137,
    says: 'The trainer on node gpu-1 was ended by SIGKILL (code 137). Something outside Lamina killed it, and the node reports no lack of memory. The next attempt goes on from the last checkpoint, if one was saved.',
  },
  'signal-segv': {
    outcome: 'crashed',
    exitCode: 139,
    says: 'The trainer on node gpu-1 was ended by SIGSEGV (code 139). A native library touched memory that is not its own, often CUDA and driver versions that do not fit. Last line of the log: Segmentation fault',
  },
  'signal-term': {
    outcome: 'disrupted',
    exitCode: 143,
    says: 'The trainer on node gpu-1 was ended by SIGTERM (code 143). Something outside Lamina asked it to stop before it could save. The next attempt goes on from the last checkpoint, if one was saved.',
  },
  'start-no-program': {
    outcome: 'invalid',
    exitCode: 128,
    says: 'The command "no-such-python" cannot be run in lamina.test/busybox:1: executable file not found in $PATH. Set image and command in the cluster settings to ones that fit each other.',
  },
  suspended: {
    outcome: 'disrupted',
    exitCode: 75,
    says: 'Somebody suspended the Job while the trial was under way on node gpu-1. Stopped after step 12; a checkpoint was saved.',
  },
  'too-many-gpus': {
    outcome: 'pending',
    exitCode: null,
    says: 'unschedulable: No node takes the trial: of 2 nodes, all 2 have not enough GPUs free (64 asked for).',
  },
};
