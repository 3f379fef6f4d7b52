/** Certificates and kubeconfigs, made with openssl. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { API_SERVER, CONTROL, NETWORK, NODES, paths } from './layout.ts';
import { run } from './shell.ts';

interface Certificate {
  readonly name: string;
  readonly subject: string;
  readonly usage: 'serverAuth' | 'clientAuth';
  readonly alternatives?: readonly string[];
}

const API_NAMES = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];

const CERTIFICATES: readonly Certificate[] = [
  {
    name: 'apiserver',
    subject: '/CN=kube-apiserver',
    usage: 'serverAuth',
    alternatives: [
      ...API_NAMES.map((name) => `DNS:${name}`),
      ...['127.0.0.1', CONTROL.address, NETWORK.apiService].map((address) => `IP:${address}`),
    ],
  },
  { name: 'admin', subject: '/O=system:masters/CN=admin', usage: 'clientAuth' },
  { name: 'kube-controller-manager', subject: '/CN=system:kube-controller-manager', usage: 'clientAuth' },
  { name: 'kube-scheduler', subject: '/CN=system:kube-scheduler', usage: 'clientAuth' },
  { name: 'kube-proxy', subject: '/CN=system:kube-proxy', usage: 'clientAuth' },
  ...NODES.flatMap((node): Certificate[] => [
    { name: `kubelet-${node.name}`, subject: `/O=system:nodes/CN=system:node:${node.name}`, usage: 'clientAuth' },
    {
      name: `kubelet-${node.name}-server`,
      subject: `/O=system:nodes/CN=system:node:${node.name}`,
      usage: 'serverAuth',
      alternatives: [`DNS:${node.name}`, `IP:${node.address}`, 'IP:127.0.0.1'],
    },
  ]),
];

export async function makePki(): Promise<void> {
  for (const folder of [paths.pki, paths.kubeconfigs]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const openssl = (...args: string[]): Promise<string> => run('openssl', args, { cwd: paths.pki });
  const key = (name: string) => openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);

  await key('ca');
  await openssl('req', '-x509', '-new', '-key', 'ca.key', '-days', '30', '-subj', '/CN=lamina-test', '-out', 'ca.crt');
  await Promise.all([
    ...CERTIFICATES.map(async ({ name, subject, usage, alternatives }) => {
      const extensions = [
        'basicConstraints=CA:FALSE',
        'keyUsage=digitalSignature',
        `extendedKeyUsage=${usage}`,
        ...(alternatives === undefined ? [] : [`subjectAltName=${alternatives.join(',')}`]),
      ];
      writeFileSync(join(paths.pki, `${name}.ext`), `${extensions.join('\n')}\n`);
      await key(name);
      await openssl('req', '-new', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`);
      const authority = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-set_serial', serial(name), '-days', '30'];
      const files = ['-in', `${name}.csr`, '-extfile', `${name}.ext`, '-out', `${name}.crt`];
      await openssl('x509', '-req', ...authority, ...files);
      if (usage === 'clientAuth') writeKubeconfig(name);
    }),
    openssl('genrsa', '-out', 'service-accounts.key', '2048').then(() =>
      openssl('rsa', '-in', 'service-accounts.key', '-pubout', '-out', 'service-accounts.pub'),
    ),
  ]);
}

const serial = (name: string): string => String(1000 + CERTIFICATES.findIndex((each) => each.name === name));

function writeKubeconfig(name: string): void {
  const data = (file: string): string => readFileSync(join(paths.pki, file)).toString('base64');
  const cluster = { server: API_SERVER, 'certificate-authority-data': data('ca.crt') };
  const user = { 'client-certificate-data': data(`${name}.crt`), 'client-key-data': data(`${name}.key`) };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lamina-test', cluster }],
    users: [{ name, user }],
    contexts: [{ name: 'lamina-test', context: { cluster: 'lamina-test', user: name } }],
    'current-context': 'lamina-test',
  };
  writeFileSync(join(paths.kubeconfigs, name), JSON.stringify(config, null, 2), { mode: 0o600 });
}
