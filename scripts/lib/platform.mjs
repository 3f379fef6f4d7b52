/** Where Lamina runs, said before anything is installed. */

/** What `npm start`, `npm test` and the set-up end with on another system (EX_UNAVAILABLE of sysexits.h). */
export const UNSUPPORTED_EXIT = 69;

const NAMES = { darwin: 'macOS', win32: 'Windows', freebsd: 'FreeBSD' };
const ELSEWHERE = {
  darwin: 'In a Linux virtual machine or container (Docker, OrbStack, Lima) it runs as on any Linux, on the CPU.',
  win32:
    'In WSL 2 (`wsl --install`, then a checkout inside of it) it runs as on any Linux, with an NVIDIA GPU as well.',
};

export class UnsupportedPlatform extends Error {
  name = 'UnsupportedPlatform';
  exitCode = UNSUPPORTED_EXIT;
}

/**
 * @param {{ platform?: string, glibc?: string | null }} [machine] `glibc`: version of the C library; null where
 *   it is another one
 * @throws {UnsupportedPlatform}
 */
export function checkPlatform({ platform = process.platform, glibc = glibcVersion() } = {}) {
  if (platform === 'linux' && glibc !== null) return;
  const where =
    platform === 'linux'
      ? 'This Linux has another C library than glibc (Alpine has musl), and PyTorch is not built for it. Use a distribution with glibc, such as Debian, Ubuntu or Fedora.'
      : `This is ${NAMES[platform] ?? platform}. Trials are processes of Linux: the service finds and ends them through /proc. ${ELSEWHERE[platform] ?? ''}`;
  throw new UnsupportedPlatform(
    `Lamina runs on Linux with glibc, and nothing was installed.\n${where.trim()}\nThe command line alone (services/cli) speaks with a server anywhere: LAMINA_URL=http://HOST:7070`,
  );
}

function glibcVersion() {
  // Otherwise the report looks up the names of all addresses of the machine.
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime ?? null;
}
