/** A node: containerd, kubelet and kube-proxy in the node's machine, pods under its own cgroup. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { binary } from './build.ts';
import { cgroupOf, type GpuNode, IMAGES, machineFolder, NETWORK, paths } from './layout.ts';
import type { Component } from './processes.ts';

const CGROUPS = '/sys/fs/cgroup';
const isUnified = (): boolean => existsSync(join(CGROUPS, 'cgroup.controllers'));

export const socketOf = (node: GpuNode): string => join(machineFolder(node.name), 'containerd.sock');

export function containerd(node: GpuNode): Component {
  const config = join(machineFolder(node.name), 'containerd.toml');
  return { name: `containerd-${node.name}`, machine: node.name, command: ['containerd', '--config', config] };
}

export function kubelet(node: GpuNode): Component {
  const folder = machineFolder(node.name);
  return {
    name: `kubelet-${node.name}`,
    machine: node.name,
    command: [
      binary('kube'),
      'kubelet',
      `--config=${join(folder, 'kubelet.json')}`,
      `--kubeconfig=${join(paths.kubeconfigs, `kubelet-${node.name}`)}`,
      `--hostname-override=${node.name}`,
      `--node-ip=${node.address}`,
      `--root-dir=${join(folder, 'kubelet')}`,
      `--cert-dir=${join(folder, 'kubelet/pki')}`,
    ],
  };
}

export function proxy(node: GpuNode): Component {
  return {
    name: `kube-proxy-${node.name}`,
    machine: node.name,
    command: [binary('kube'), 'kube-proxy', `--config=${join(machineFolder(node.name), 'proxy.json')}`],
  };
}

export function writeNodeFiles(node: GpuNode): void {
  const folder = machineFolder(node.name);
  const network = join(folder, 'network');
  for (const each of [folder, network]) mkdirSync(each, { recursive: true });
  writeFileSync(join(network, '10-bridge.conflist'), JSON.stringify(podNetwork(node, folder)));
  writeFileSync(join(folder, 'containerd.toml'), containerdConfig(node, folder, network));
  writeFileSync(join(folder, 'kubelet.json'), JSON.stringify(kubeletConfig(node, folder)));
  writeFileSync(join(folder, 'proxy.json'), JSON.stringify(proxyConfig(node)));
}

function podNetwork(node: GpuNode, folder: string): unknown {
  const addresses = {
    type: 'host-local',
    dataDir: join(folder, 'addresses'),
    ranges: [[{ subnet: node.podRange }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  const bridge = { type: 'bridge', bridge: 'pods0', isGateway: true, ipMasq: false, hairpinMode: true };
  return {
    cniVersion: '0.4.0',
    name: 'lamina-test',
    plugins: [
      { ...bridge, ipam: addresses },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}

function containerdConfig(node: GpuNode, folder: string, network: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "${folder}/containerd"
state = "/run/containerd"
[grpc]
  address = "${socketOf(node)}"
[${cri}]
  sandbox_image = "${IMAGES.pause}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  [${cri}.cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${network}"
  [${cri}.containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [${cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [${cri}.containerd.runtimes.runc.options]
        SystemdCgroup = false
`;
}

function kubeletConfig(node: GpuNode, folder: string): unknown {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${socketOf(node)}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: cgroupOf(node.name),
    failCgroupV1: false,
    failSwapOn: false,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(paths.pki, 'ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: join(paths.pki, `kubelet-${node.name}-server.crt`),
    tlsPrivateKeyFile: join(paths.pki, `kubelet-${node.name}-server.key`),
    podLogsDir: join(folder, 'pod-logs'),
    resolvConf: '',
    clusterDomain: 'cluster.local',
    oomScoreAdj: 0,
    maxOpenFiles: 20_000,
    maxPods: 110,
    makeIPTablesUtilChains: false,
    serializeImagePulls: false,
    // The disk is the host's: how full it is is not the cluster's business.
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: {
      'memory.available': '200Mi',
      'nodefs.available': '1%',
      'imagefs.available': '1%',
      'nodefs.inodesFree': '1%',
    },
    kubeAPIQPS: 200,
    kubeAPIBurst: 400,
    syncFrequency: '10s',
    nodeStatusUpdateFrequency: '5s',
    nodeLeaseDurationSeconds: 12,
    shutdownGracePeriod: '0s',
  };
}

function proxyConfig(node: GpuNode): unknown {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    clusterCIDR: NETWORK.pods,
    hostnameOverride: node.name,
    clientConnection: { kubeconfig: join(paths.kubeconfigs, 'kube-proxy') },
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}

const hierarchies = (): string[] =>
  isUnified() ? [''] : readdirSync(CGROUPS).filter((name) => !name.includes(',') && name !== 'unified');

/** The cgroup that the node's pods live under, in every hierarchy; the kubelet does not make it itself. */
export function makeCgroups(node: GpuNode): void {
  for (const hierarchy of hierarchies()) {
    let folder = join(CGROUPS, hierarchy);
    for (const part of cgroupOf(node.name).split('/').filter(Boolean)) {
      if (isUnified()) writeFileSync(join(folder, 'cgroup.subtree_control'), '+cpu +cpuset +memory +pids +io');
      const parent = folder;
      folder = join(folder, part);
      mkdirSync(folder, { recursive: true });
      // In version 1 a new cpuset is empty, and nothing can run in it.
      for (const file of hierarchy === 'cpuset' ? ['cpuset.cpus', 'cpuset.mems'] : [])
        writeFileSync(join(folder, file), readFileSync(join(parent, file), 'utf8'));
    }
  }
}

/** Only empty ones can be removed: call it when the node's processes are gone. */
export function removeCgroups(): void {
  const remove = (folder: string): void => {
    if (!existsSync(folder)) return;
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) remove(join(folder, entry.name));
    try {
      rmdirSync(folder);
    } catch {
      // A process in it has not ended yet; an empty cgroup harms nobody.
    }
  };
  for (const hierarchy of hierarchies()) remove(join(CGROUPS, hierarchy, 'lamina-cluster'));
}
