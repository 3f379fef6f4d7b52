/** etcd, API server, controller manager and scheduler, all in the control machine. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { binary } from './build.ts';
import { CONTROL, machineFolder, NETWORK, paths } from './layout.ts';
import type { Component } from './processes.ts';

const folder = machineFolder(CONTROL.name);
const kubeconfig = (name: string): string => join(paths.kubeconfigs, name);
const pki = (file: string): string => join(paths.pki, file);

/** Shorter than Kubernetes' own five minutes, so that what a lost node does can be waited for. */
const TOLERATION_SECONDS = 10;
/** A node whose kubelet is silent for this long is NotReady; Kubernetes' own: 50. */
const NODE_GRACE_SECONDS = 20;

const ETCD = 'http://127.0.0.1:2379';

export const etcd: Component = {
  name: 'etcd',
  machine: CONTROL.name,
  command: [
    binary('etcd'),
    '--name=only',
    `--data-dir=${join(folder, 'etcd')}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
    `--listen-client-urls=${ETCD}`,
    `--advertise-client-urls=${ETCD}`,
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--initial-advertise-peer-urls=http://127.0.0.1:2380',
    '--initial-cluster=only=http://127.0.0.1:2380',
    '--quota-backend-bytes=4294967296',
  ],
};

export const apiServer: Component = {
  name: 'kube-apiserver',
  machine: CONTROL.name,
  command: [
    binary('kube'),
    'kube-apiserver',
    `--etcd-servers=${ETCD}`,
    '--bind-address=0.0.0.0',
    '--secure-port=6443',
    `--advertise-address=${CONTROL.address}`,
    `--service-cluster-ip-range=${NETWORK.services}`,
    `--client-ca-file=${pki('ca.crt')}`,
    `--tls-cert-file=${pki('apiserver.crt')}`,
    `--tls-private-key-file=${pki('apiserver.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${pki('service-accounts.pub')}`,
    `--service-account-signing-key-file=${pki('service-accounts.key')}`,
    `--kubelet-client-certificate=${pki('admin.crt')}`,
    `--kubelet-client-key=${pki('admin.key')}`,
    `--kubelet-certificate-authority=${pki('ca.crt')}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    `--default-not-ready-toleration-seconds=${TOLERATION_SECONDS}`,
    `--default-unreachable-toleration-seconds=${TOLERATION_SECONDS}`,
    '--max-requests-inflight=2000',
    '--max-mutating-requests-inflight=1000',
  ],
};

export const controllerManager: Component = {
  name: 'kube-controller-manager',
  machine: CONTROL.name,
  command: [
    binary('kube'),
    'kube-controller-manager',
    ...authenticated('kube-controller-manager'),
    `--kubeconfig=${kubeconfig('kube-controller-manager')}`,
    `--service-account-private-key-file=${pki('service-accounts.key')}`,
    `--root-ca-file=${pki('ca.crt')}`,
    '--use-service-account-credentials',
    '--leader-elect=false',
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
    '--concurrent-job-syncs=20',
    '--node-monitor-period=2s',
    `--node-monitor-grace-period=${NODE_GRACE_SECONDS}s`,
  ],
};

const schedulerConfig = join(folder, 'scheduler.json');
export const scheduler: Component = {
  name: 'kube-scheduler',
  machine: CONTROL.name,
  command: [binary('kube'), 'kube-scheduler', ...authenticated('kube-scheduler'), `--config=${schedulerConfig}`],
};

function authenticated(name: string): string[] {
  return [`--authentication-kubeconfig=${kubeconfig(name)}`, `--authorization-kubeconfig=${kubeconfig(name)}`];
}

export function writeControlPlaneFiles(): void {
  mkdirSync(folder, { recursive: true });
  const config = {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    leaderElection: { leaderElect: false },
    clientConnection: { kubeconfig: kubeconfig('kube-scheduler'), qps: 1000, burst: 2000 },
  };
  writeFileSync(schedulerConfig, JSON.stringify(config));
}
