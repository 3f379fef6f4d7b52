/** The container could not be started: the image has no such program, or the node's GPU software failed. */
import { type Finding, finding, lastLine, type PodRule, quote, theNode } from '../finding.ts';
import type { PodView } from '../view.ts';
import { logOf } from './said.ts';

const START_REASONS: readonly string[] = [
  'StartError',
  'ContainerCannotRun',
  'CreateContainerError',
  'RunContainerError',
];
const GPU_RUNTIME = /nvidia-container|libnvidia|nvml|cuda>=|unresolvable CDI devices|nvidia driver/i;
const NO_PROGRAM = /executable file not found|no such file or directory|permission denied|exec format error/i;
const PROGRAM = /exec: "([^"]+)": (.*?)(?:: unknown)?$/s;

/** Is this the GPU software of a node, which another node may have in order? */
export function isGpuRuntime(message: string): boolean {
  return GPU_RUNTIME.test(message);
}

/** Without the layers of runtimes that the message passed through. */
function gpuWords(message: string): string {
  const at = message.search(/nvidia-container-cli|unresolvable CDI/);
  return (at < 0 ? message : message.slice(at)).trim().replace(/: unknown$/, '');
}

export function startFailure(pod: PodView, message: string): Finding | null {
  if (isGpuRuntime(message)) {
    return finding(
      'gpu-fault',
      `${theNode(pod)} could not give the container its GPU: ${quote(gpuWords(message))}. Have the node's driver and container toolkit checked.`,
    );
  }
  if (!NO_PROGRAM.test(message)) return null;
  const [, program, why = message] = PROGRAM.exec(message.trim()) ?? [];
  const image = pod.image ?? 'the image';
  const what = program === undefined ? 'The command' : `The command "${program}"`;
  return finding(
    'invalid',
    `${what} cannot be run in ${image}: ${quote(why)}. Set image and command in the cluster settings to ones that fit each other.`,
  );
}

export const notStarted: PodRule = (pod) => {
  const { terminated } = pod;
  if (terminated === null || !START_REASONS.includes(terminated.reason)) return null;
  const known = startFailure(pod, terminated.text);
  return known ?? finding('crashed', `${theNode(pod)} could not start the container: ${quote(terminated.text)}.`);
};

/** A shell's codes for a program that it does not find or may not run. */
export const noProgram: PodRule = (pod) => {
  const code = pod.terminated?.exitCode;
  if (code !== 126 && code !== 127) return null;
  const said = lastLine(logOf(pod));
  const words = code === 127 ? 'is not in' : 'may not be run in';
  return finding(
    'invalid',
    `The trainer's command ${words} ${pod.image ?? 'the image'} (code ${code}${said === null ? '' : `: ${said}`}). Set image and command in the cluster settings to ones that fit each other.`,
  );
};
